use std::time::Duration;

use crate::scenario::history::StepState;
use crate::scenario::judge::Verdict;

/// A verdict's word.
pub(in crate::scenario::report) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Fail => "FAIL",
    }
}

/// A verdict's sign.
pub(in crate::scenario::report) fn verdict_mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Inconclusive => "?",
        Verdict::Fail => "✗",
    }
}

/// A step's end in a word.
pub(in crate::scenario::report) fn step_word(state: StepState) -> &'static str {
    match state {
        StepState::Started => "not ended",
        StepState::Passed => "pass",
        StepState::Failed => "FAIL",
        StepState::Retried => "tried again",
        StepState::Inconclusive => "inconclusive",
        StepState::Skipped => "skipped",
    }
}

/// A step's end as a sign.
pub(in crate::scenario::report) fn step_mark(state: StepState) -> &'static str {
    match state {
        StepState::Passed => "✓",
        StepState::Failed => "✗",
        StepState::Skipped => "–",
        StepState::Started | StepState::Retried | StepState::Inconclusive => "?",
    }
}

/// A time for people: `340 ms`, `8.0 s`, `2 min 5 s`.
pub(in crate::scenario::report) fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        1..120 => format!("{:.1} s", time.as_secs_f64()),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}
