use crate::scenario::outcome::Verdict;
use crate::scenario::run::outcome::Unmet;
use crate::scenario::run::recorder::Mark;
use crate::scenario::run::session::Session;

/// Waits for the verdict on the assertion or the wait of a step that started at `since`.
pub(super) async fn verdict(session: &Session, step: &str, since: Mark) -> anyhow::Result<String> {
    let judgement = session.recorder.decided(step, since).await;
    let summary = judgement.explanation.summary;
    match judgement.verdict {
        Verdict::Pass => Ok(summary),
        Verdict::Fail => Err(Unmet::Failed(summary).into()),
        Verdict::Inconclusive => Err(Unmet::Unknown(summary).into()),
    }
}
