//! The base of all images: Debian, pulled or bootstrapped, with the packages of a node.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::failure::Failure;
use crate::progress::Progress;
use crate::runtime::Engine;

use super::builder::{LastLines, build_dockerfile};
use super::pull::pull;
use super::recipe;
use super::sources;

/// Debian's own image.
const DEBIAN: &str = "debian:trixie-slim";
/// The image that kindrs bootstraps instead.
const BOOTSTRAPPED: &str = "kindrs/debian:trixie";

/// The image with a node's packages, built if it does not exist. `base` replaces Debian's image.
pub(super) async fn node_base(
    engine: &dyn Engine,
    base: Option<&str>,
    progress: &Progress,
) -> anyhow::Result<String> {
    let dockerfile = recipe::base_dockerfile();
    let (on, recipe) = match base {
        None => (None, recipe::dockerfile_recipe(&dockerfile, "")),
        Some(base) => {
            let id = present_or_pulled(engine, base, progress).await?;
            (Some(base.to_owned()), recipe::dockerfile_recipe(&dockerfile, &id))
        }
    };
    let reference = format!("kindrs/base:{recipe}");
    if engine.image(&reference).await?.is_some() {
        return Ok(reference);
    }
    let on = match on {
        Some(on) => on,
        None => debian(engine, progress).await?,
    };
    build_dockerfile(engine, &dockerfile, &on, &reference, ("base", &recipe), progress).await?;
    Ok(reference)
}

/// An image of Debian trixie: an existing one, or pulled if a registry answers, or bootstrapped.
pub(super) async fn debian(engine: &dyn Engine, progress: &Progress) -> anyhow::Result<String> {
    for reference in [DEBIAN, BOOTSTRAPPED] {
        if engine.image(reference).await?.is_some() {
            return Ok(reference.to_owned());
        }
    }
    match pull(engine, DEBIAN, progress).await {
        Ok(()) => return Ok(DEBIAN.to_owned()),
        Err(error) => {
            progress.note(format!("cannot pull {DEBIAN} ({error}); bootstrapping Debian instead"))
        }
    }
    bootstrap(engine, progress).await?;
    Ok(BOOTSTRAPPED.to_owned())
}

/// The ID of an image that the user specifies.
async fn present_or_pulled(
    engine: &dyn Engine,
    reference: &str,
    progress: &Progress,
) -> anyhow::Result<String> {
    if let Some(image) = engine.image(reference).await? {
        return Ok(image.id);
    }
    pull(engine, reference, progress).await.map_err(|error| {
        Failure::environment(format!("cannot pull base image {reference}: {error}"))
            .with_hint("without --base-image, kindrs uses Debian's own image or bootstraps one")
    })?;
    let image = engine.image(reference).await?;
    Ok(image.with_context(|| format!("image {reference} does not exist after pulling it"))?.id)
}

async fn bootstrap(engine: &dyn Engine, progress: &Progress) -> anyhow::Result<()> {
    let stage = progress.stage("Bootstrap Debian trixie");
    let folder = tempfile::tempdir().context("cannot create a temporary directory")?;
    let list = folder.path().join("sources.list");
    let tar = folder.path().join("base.tar");
    let sources = sources::for_bootstrap(&sources::of_host(Path::new("/etc/apt")));
    std::fs::write(&list, &sources).with_context(|| format!("cannot write {}", list.display()))?;
    // mmdebstrap works directly as root, and in a user namespace otherwise.
    let mut child = Command::new("mmdebstrap")
        .args(["--variant=minbase", "--include=ca-certificates", sources::SUITE])
        .args([&tar, &list])
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| missing(&error))?;
    let last = LastLines::default();
    if let Some(output) = child.stderr.take() {
        let mut lines = BufReader::new(output).lines();
        while let Some(line) = lines.next_line().await? {
            last.push(&line);
            stage.advance(None, line);
        }
    }
    let status = child.wait().await?;
    if !status.success() {
        return Err(bootstrap_failure(&last.text(), &sources).into());
    }
    engine.import_image(&tar, BOOTSTRAPPED).await?;
    stage.finish();
    Ok(())
}

fn missing(error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Failure::environment(format!(
            "cannot pull {DEBIAN}, and mmdebstrap, which can bootstrap it, is not installed"
        ))
        .with_hint(
            "run `sudo apt-get install -y mmdebstrap debian-archive-keyring`, or make a registry \
             reachable",
        );
    }
    Failure::environment(format!("cannot run mmdebstrap: {error}"))
}

fn bootstrap_failure(output: &str, sources: &str) -> Failure {
    let failure = Failure::environment(format!(
        "cannot bootstrap Debian trixie; the last output of mmdebstrap:\n{output}\n\
         its sources:\n{}",
        sources.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    ));
    let text = output.to_lowercase();
    if text.contains("unshare") || text.contains("newuidmap") || text.contains("subuid") {
        failure.with_hint(
            "run `kindrs build node-image` once as root, or enable user namespaces: \
             `sudo apt-get install -y uidmap`",
        )
    } else if text.contains("no_pubkey") || text.contains("keyring") {
        failure.with_hint("install Debian's keys: `sudo apt-get install -y debian-archive-keyring`")
    } else if text.contains("no space left") {
        failure.with_hint("free space in the temporary directory, or set TMPDIR to another one")
    } else {
        failure.with_hint("check that the host can reach its Debian mirror: `sudo apt-get update`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::ImageInfo;
    use crate::runtime::fake::FakeEngine;

    #[tokio::test]
    async fn uses_existing_images() {
        let progress = Progress::silent();
        let engine = FakeEngine::default().with_image(DEBIAN, ImageInfo::default());
        let first = node_base(&engine, None, &progress).await.unwrap();
        let second = node_base(&engine, None, &progress).await.unwrap();
        assert_eq!(first, second);
        let builds = engine.calls().iter().filter(|call| call.starts_with("build_image")).count();
        assert_eq!(builds, 1);
        assert!(!engine.calls().iter().any(|call| call.starts_with("pull")));
    }

    #[tokio::test]
    async fn another_base_image_has_another_recipe() {
        let progress = Progress::silent();
        let engine = FakeEngine::default().with_image(DEBIAN, ImageInfo::default());
        engine.state().registry.insert("my/base:1".into(), ImageInfo::default());
        let own = node_base(&engine, Some("my/base:1"), &progress).await.unwrap();
        assert_ne!(own, node_base(&engine, None, &progress).await.unwrap());
        assert!(engine.calls().contains(&"pull my/base:1".to_owned()));
        let error = node_base(&engine, Some("no/base:1"), &progress).await.unwrap_err();
        assert!(error.to_string().contains("base image no/base:1"), "{error}");
    }

    #[test]
    fn failures_have_hints() {
        let hint =
            |output: &str| bootstrap_failure(output, "deb a b c\n").hint().unwrap().to_owned();
        assert!(hint("E: unshare(CLONE_NEWUSER) failed").contains("as root"));
        assert!(hint("W: NO_PUBKEY 6ED0E7B82643E131").contains("debian-archive-keyring"));
        assert!(hint("tar: No space left on device").contains("TMPDIR"));
        assert!(hint("E: something").contains("apt-get update"));
        let absent = missing(&std::io::ErrorKind::NotFound.into());
        assert!(absent.hint().unwrap().contains("install -y mmdebstrap"));
    }
}
