use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The kindrs that the environment names, or a release build of this checkout.
pub fn kindrs() -> Result<PathBuf> {
    let Some(path) = std::env::var_os("KINDRS").map(PathBuf::from) else {
        return release_build(&["--bin", "kindrs"], "kindrs");
    };
    path.canonicalize().with_context(|| format!("cannot find {}", path.display()))
}

/// Builds a target of kindrs with `selection` in release mode; returns the path of its program.
pub fn release_build(selection: &[&str], program: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--locked"])
        .args(selection)
        .current_dir(root())
        .status()
        .context("cannot run cargo")?;
    ensure!(built.success(), "cannot build kindrs");
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Ok(root().join(target).join("release").join(program))
}
