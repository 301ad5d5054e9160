use std::time::Duration;

use tokio::sync::Notify;

use crate::progress::Progress;
use crate::runtime::{Engine, EngineError, Refusal};

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
        matches!(self, Self::Engine(error) if error.refusal() == Some(Refusal::ImageNotFound))
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
