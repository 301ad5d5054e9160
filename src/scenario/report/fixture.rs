//! The run that the tests of the reports share, in `tests/fixtures/lost_node`.
//!
//! The fault `node-stop` hits `demo-worker` at 10 s. The node is NotReady at 18 s and its two pods
//! of the Deployment `web` are evicted at 24 s; their replacements are Ready at 28 s. The pod `big`
//! fits on no node, so that the assertion `big runs` fails. The API server does not respond from
//! 30.1 s to 31.6 s, so that an assertion about Events is inconclusive.

use super::Analysis;
use crate::scenario::history::{Entry, StepState};
use crate::scenario::outcome::{RunReport, Verdict};

pub(super) fn history() -> Vec<Entry> {
    let lines = include_str!("../../../tests/fixtures/lost_node/history.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(super) fn run() -> RunReport {
    serde_json::from_str(include_str!("../../../tests/fixtures/lost_node/report.json")).unwrap()
}

/// The same run without its failures.
pub(super) fn passed() -> RunReport {
    let mut run = run();
    run.verdict = Verdict::Pass;
    run.variant = "kubernetes=v1.37.2 #1".to_owned();
    run.judgements.retain(|judgement| judgement.verdict == Verdict::Pass);
    run.steps.retain(|step| step.state == StepState::Passed);
    run
}

pub(super) fn analysis() -> Analysis {
    Analysis::new(run(), &history())
}

pub(super) fn passed_analysis() -> Analysis {
    Analysis::new(passed(), &history())
}
