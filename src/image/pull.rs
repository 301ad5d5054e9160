use std::time::Duration;

use tokio::sync::Notify;

use crate::progress::Progress;
use crate::runtime::{Engine, EngineError};

/// Time limit for the first answer of a registry. The transfer itself has no limit.
const ANSWER: Duration = Duration::from_secs(5);

/// Why nothing was pulled.
#[derive(Debug, thiserror::Error)]
pub(super) enum PullError {
    #[error("no registry answered within {} s", ANSWER.as_secs())]
    NoAnswer,
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl PullError {
    /// Whether a registry answered, but does not have the image or denies access to it.
    pub(super) fn is_refusal(&self) -> bool {
        let text = self.to_string();
        ["not found", "manifest unknown", "denied", "unauthorized", "repository does not exist"]
            .iter()
            .any(|word| text.contains(word))
            && !text.contains("lookup")
            && !text.contains("dial tcp")
    }
}

/// Pulls an image. Gives up if the registry does not answer soon.
pub(super) async fn pull(
    engine: &dyn Engine,
    reference: &str,
    progress: &Progress,
) -> Result<(), PullError> {
    let stage = progress.stage(format!("Pull {reference}"));
    let answered = Notify::new();
    let on_line = |line: &str| {
        answered.notify_one();
        stage.advance(None, line);
    };
    let silence = async {
        tokio::select! {
            () = tokio::time::sleep(ANSWER) => {}
            () = answered.notified() => std::future::pending().await,
        }
    };
    tokio::select! {
        result = engine.pull(reference, &on_line) => result?,
        () = silence => return Err(PullError::NoAnswer),
    }
    stage.finish();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(reason: &str) -> PullError {
        EngineError::Refused { what: "pulling image a".into(), reason: reason.into() }.into()
    }

    #[test]
    fn distinguishes_a_refusal_from_an_unreachable_registry() {
        assert!(refused("manifest for a:1 not found: manifest unknown").is_refusal());
        assert!(refused("pull access denied for a").is_refusal());
        assert!(!refused("lookup registry-1.docker.io: no such host: not found").is_refusal());
        assert!(!refused("dial tcp 10.0.0.1:443: i/o timeout").is_refusal());
        assert!(!PullError::NoAnswer.is_refusal());
    }
}
