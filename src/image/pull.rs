use std::time::Duration;

use tokio::sync::Notify;

use crate::progress::Progress;
use crate::runtime::{Engine, EngineError};

/// How long a registry may take to answer at all. What it sends afterwards may take its time.
const ANSWER: Duration = Duration::from_secs(5);

/// Why nothing was pulled.
#[derive(Debug, thiserror::Error)]
pub(super) enum PullError {
    /// Nobody answered.
    #[error("no registry answered within {} s", ANSWER.as_secs())]
    NoAnswer,
    /// The engine or the registry said no.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl PullError {
    /// Whether a registry answered and does not have the image, or not for this user.
    pub(super) fn is_refusal(&self) -> bool {
        let text = self.to_string();
        ["not found", "manifest unknown", "denied", "unauthorized", "repository does not exist"]
            .iter()
            .any(|word| text.contains(word))
            && !text.contains("lookup")
            && !text.contains("dial tcp")
    }
}

/// Pulls an image, giving up when the registry does not answer soon.
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
    fn a_refusal_is_told_from_an_absence() {
        assert!(refused("manifest for a:1 not found: manifest unknown").is_refusal());
        assert!(refused("pull access denied for a").is_refusal());
        assert!(!refused("lookup registry-1.docker.io: no such host: not found").is_refusal());
        assert!(!refused("dial tcp 10.0.0.1:443: i/o timeout").is_refusal());
        assert!(!PullError::NoAnswer.is_refusal());
    }
}
