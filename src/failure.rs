//! Failures for the user, by the exit code of the command.

use std::process::ExitCode;

/// A failure that the user reads: a message, and a hint what to do next.
///
/// Any other error that ends a command counts as [`Failure::Environment`].
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Invalid input or usage. Exit code 2.
    #[error("{message}")]
    Input {
        /// Names the file, line or object, and says what was expected.
        message: String,
        hint: Option<String>,
    },
    /// An assertion or a step of a scenario failed. Exit code 1.
    #[error("{message}")]
    Assertion { message: String, hint: Option<String> },
    /// Docker, an image, a disk or a network failed. Exit code 3.
    #[error("{message}")]
    Environment { message: String, hint: Option<String> },
}

impl Failure {
    pub fn input(message: impl Into<String>) -> Self {
        Self::Input { message: message.into(), hint: None }
    }

    pub fn assertion(message: impl Into<String>) -> Self {
        Self::Assertion { message: message.into(), hint: None }
    }

    pub fn environment(message: impl Into<String>) -> Self {
        Self::Environment { message: message.into(), hint: None }
    }

    #[must_use]
    pub fn with_hint(mut self, next: impl Into<String>) -> Self {
        let (Self::Input { hint, .. }
        | Self::Assertion { hint, .. }
        | Self::Environment { hint, .. }) = &mut self;
        *hint = Some(next.into());
        self
    }

    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Input { hint, .. }
            | Self::Assertion { hint, .. }
            | Self::Environment { hint, .. } => hint.as_deref(),
        }
    }
}

/// The exit code for an error: 1 for a failed assertion, 2 for invalid input, 3 for the environment.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    match find(error) {
        Some(Failure::Assertion { .. }) => ExitCode::from(1),
        Some(Failure::Input { .. }) => ExitCode::from(2),
        Some(Failure::Environment { .. }) | None => ExitCode::from(3),
    }
}

/// The text for stderr: `error:` with its causes, then a `hint:` line if there is a hint.
/// `fallback` is the hint for an error in which no [`Failure`] has one.
pub fn describe(error: &anyhow::Error, fallback: Option<&str>) -> String {
    let hint = find(error).and_then(Failure::hint).or(fallback);
    let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("error: {error:#}{hint}")
}

fn find(error: &anyhow::Error) -> Option<&Failure> {
    error.chain().find_map(|cause| cause.downcast_ref::<Failure>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn a_hint_survives_context() {
        let error = Err::<(), _>(Failure::input("no such thing").with_hint("make one"))
            .context("while looking")
            .unwrap_err();
        let text = describe(&error, Some("another"));
        assert_eq!(text, "error: while looking: no such thing\nhint: make one");
        assert_eq!(exit_code(&error), ExitCode::from(2));
    }

    #[test]
    fn any_other_error_is_the_environments() {
        let error = anyhow::anyhow!("boom");
        assert_eq!(exit_code(&error), ExitCode::from(3));
        assert_eq!(describe(&error, Some("run")), "error: boom\nhint: run");
    }
}
