use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;

use crate::failure::Failure;
use crate::progress::Progress;
use crate::runtime::{Engine, EngineError, ImageBuild};

use super::archive::{Entry, write_tar};
use super::labels::{IMAGE_KIND_LABEL, RECIPE_LABEL};

/// Number of lines of output in the error of a failed build.
const LAST_LINES: usize = 15;
/// Build arguments that a Dockerfile does not need to declare.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

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
    let text = format!("{error}{output}");
    match (error.hint(), text.to_lowercase()) {
        (Some(hint), _) => failure.with_hint(hint),
        (None, text) if text.contains("no space left") => failure
            .with_hint("free space on Docker's disk: run `docker system df` to see what uses it"),
        (None, text)
            if text.contains("temporary failure resolving")
                || text.contains("could not connect")
                || text.contains("failed to fetch") =>
        {
            failure.with_hint(
                "containers cannot reach Debian's mirror: check \
                 `docker run --rm debian:trixie-slim apt-get update`, and set HTTP_PROXY if your \
                 network needs a proxy",
            )
        }
        _ => failure,
    }
}

/// The last lines of a long output.
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
        assert!(!failure.to_string().contains("line 5\n"), "{failure}");
        assert!(
            failure
                .to_string()
                .ends_with("line 19\n  E: Failed to fetch http://deb.debian.org/debian")
        );
        assert!(failure.hint().is_some_and(|hint| hint.contains("HTTP_PROXY")));

        engine.fail("build_image", 1, error);
        let built =
            build_dockerfile(&engine, b"FROM x", "x", "a", ("base", "1"), &Progress::silent())
                .await;
        assert!(built.unwrap_err().to_string().contains("cannot build image a"));
    }
}
