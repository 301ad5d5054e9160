use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;

use crate::failure::Failure;
use crate::progress::Progress;
use crate::runtime::{Engine, EngineError, ImageBuild};

use super::archive::{Entry, write_tar};
use super::labels::{IMAGE_KIND_LABEL, RECIPE_LABEL};
use super::parts::PROXIES;

pub(super) const FULL_DISK_HINT: &str =
    "free space on Docker's disk: run `docker system df` to see what uses it";
const LAST_LINES: usize = 15;

/// Builds an image from a Dockerfile and a base image, with labels for its `kind` and `recipe`.
pub(super) async fn build_dockerfile(
    engine: &dyn Engine,
    dockerfile: &[u8],
    base: &str,
    reference: &str,
    (kind, recipe): (&str, &str),
    progress: &Progress,
) -> anyhow::Result<()> {
    let mut context = tempfile::NamedTempFile::new().context("cannot create a temporary file")?;
    write_tar(&[Entry::bytes("Dockerfile", 0o644, dockerfile)], &mut context)?;
    context.flush()?;

    let mut arguments = BTreeMap::from([("BASE".to_owned(), base.to_owned())]);
    // A Dockerfile does not need to declare these.
    for name in PROXIES {
        arguments.extend(std::env::var(name).ok().map(|value| (name.to_owned(), value)));
    }
    let labels = BTreeMap::from([
        (IMAGE_KIND_LABEL.to_owned(), kind.to_owned()),
        (RECIPE_LABEL.to_owned(), recipe.to_owned()),
    ]);
    let build = ImageBuild { reference: reference.to_owned(), labels, arguments };

    let stage = progress.stage(format!("Install Debian packages for the {kind} image"));
    let last = LastLines::default();
    let on_line = |line: &str| {
        last.push(line);
        stage.advance(None, line);
    };
    if let Err(error) = engine.build_image(context.path(), &build, &on_line).await {
        return Err(build_failure(reference, &error, &last.text()).into());
    }
    stage.finish();
    Ok(())
}

fn build_failure(reference: &str, error: &EngineError, output: &str) -> Failure {
    let failure = Failure::environment(format!(
        "cannot build image {reference}: {error}\nthe last lines of its output:\n{output}"
    ));
    let text = format!("{error}{output}").to_lowercase();
    let unreachable = ["temporary failure resolving", "could not connect", "failed to fetch"];
    if let Some(hint) = error.hint() {
        failure.with_hint(hint)
    } else if text.contains("no space left") {
        failure.with_hint(FULL_DISK_HINT)
    } else if unreachable.iter().any(|sign| text.contains(sign)) {
        failure.with_hint(
            "containers cannot reach Debian's mirror: check \
             `docker run --rm debian:trixie-slim apt-get update`, and set HTTP_PROXY if your \
             network needs a proxy",
        )
    } else {
        failure
    }
}

#[derive(Debug, Default)]
pub(super) struct LastLines(Mutex<VecDeque<String>>);

impl LastLines {
    pub(super) fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// The lines, indented by two spaces.
    pub(super) fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::fake::FakeEngine;

    #[tokio::test]
    async fn a_failed_build_shows_its_last_lines_and_a_hint() {
        let engine = FakeEngine::default();
        let error = EngineError::refused("building image a", "returned 100");
        let last = LastLines::default();
        for number in 0..20 {
            last.push(&format!("line {number}"));
        }
        last.push("E: Failed to fetch http://deb.debian.org/debian");
        let failure = build_failure("a", &error, &last.text());
        let text = failure.to_string();
        assert!(!text.contains("line 5\n"), "{text}");
        assert!(text.ends_with("line 19\n  E: Failed to fetch http://deb.debian.org/debian"));
        assert!(failure.hint().is_some_and(|hint| hint.contains("HTTP_PROXY")));

        engine.fail("build_image", 1, error);
        let (labels, progress) = (("base", "1"), Progress::silent());
        let built = build_dockerfile(&engine, b"FROM x", "x", "a", labels, &progress).await;
        assert!(built.unwrap_err().to_string().contains("cannot build image a"));
    }
}
