use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Map, Value};

use super::context::Context;
use crate::failure::Failure;
use crate::scenario::check::lint::{Capacity, Finding, lint_text};
use crate::scenario::history::{Entry, Reader};
use crate::scenario::read::{FORMAT, ScenarioFile, load};
use crate::yaml;

/// The file of a scenario.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

impl Source {
    /// The file's name in messages.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The folder that paths in the file are relative to.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Returns the findings of lint for all runs of the matrix.
    pub(super) fn lint(&self, set: &Map<String, Value>) -> Vec<Finding> {
        lint_text(&self.name(), self.folder(), &self.text, set, &Capacity::default())
    }

    /// Reads the scenario.
    ///
    /// # Errors
    /// [`Failure::Input`] with every problem of the structure.
    pub(super) fn load(&self) -> Result<ScenarioFile, Failure> {
        load(&self.name(), self.folder(), &self.text).map_err(Failure::from)
    }
}

/// Reads the files in `paths`, and the YAML files in its folders.
///
/// # Errors
/// [`Failure::Input`] if a file is unreadable.
pub(super) fn sources(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))?;
        Ok(Source { path, text })
    };
    expand(paths)?.into_iter().map(read).collect()
}

/// Returns the files in `paths`. A folder becomes its `*.yaml` and `*.yml` files, sorted by name.
fn expand(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).with_context(|| format!("{}", path.display()))?;
        let mut inside: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.is_file())
            .filter(|path| path.extension().is_some_and(|kind| kind == "yaml" || kind == "yml"))
            .collect();
        if inside.is_empty() {
            let message = format!("no scenarios in {}: expected *.yaml files", path.display());
            return Err(Failure::input(message).into());
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

/// Checks all files, shows what is only worth a warning, and fails with all that is wrong.
///
/// # Errors
/// [`Failure::Input`] with everything that is wrong in all files.
pub(super) fn require_sound(
    context: &Context,
    sources: &[Source],
    set: &Map<String, Value>,
) -> anyhow::Result<()> {
    let findings = sources.iter().flat_map(|source| source.lint(set));
    let (wrongs, warnings): (Vec<_>, Vec<_>) = findings.partition(Finding::is_error);
    for warning in warnings {
        context.progress.note(warning.to_string());
    }
    if wrongs.is_empty() { Ok(()) } else { Err(wrong(&wrongs)) }
}

/// Reads the record of a run.
///
/// # Errors
/// [`Failure::Input`] if the file is not a record.
pub(super) fn record(path: &Path) -> Result<Vec<Entry>, Failure> {
    let reader = Reader::open(path, None).map_err(|error| Failure::input(error.to_string()))?;
    reader.collect::<Result<_, _>>().map_err(|error| Failure::input(error.to_string()))
}

/// Everything that is wrong, as one failure.
pub(super) fn wrong(findings: &[Finding]) -> anyhow::Error {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    Failure::input(lines.join("\n")).with_hint(FORMAT).into()
}

/// Parses `NAME=VALUE`. The value is YAML: `3` is a number, and `"3"` is a string.
pub(super) fn assignment(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let values =
        yaml::parse(value).map_err(|error| format!("value of `{name}`: {}", error.message))?;
    let value = values.first().map_or(Value::Null, yaml::Node::to_json);
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parses_values_as_yaml() {
        assert_eq!(assignment("replicas=3"), Ok(("replicas".into(), json!(3))));
        assert_eq!(assignment("tag=\"3\""), Ok(("tag".into(), json!("3"))));
        assert_eq!(assignment("image=a=b:1"), Ok(("image".into(), json!("a=b:1"))));
        assert!(assignment("replicas").is_err());
    }
}
