use std::time::Duration;

use super::view::time;
use super::{Decision, Observed, View};
use crate::scenario::history::Moment;
use crate::scenario::judge::explain;
use crate::scenario::judge::program::ConditionId;
use crate::scenario::judge::truth::Truth;
use crate::scenario::judge::verdict::{Explanation, Verdict};

/// `always`, which expects its condition to be true, and `never`, which expects it to be false.
#[derive(Debug)]
pub(in crate::scenario::judge) struct Invariant {
    condition: ConditionId,
    expected: bool,
    grace: Duration,
    breach: Option<Breach>,
    /// The first moment at which the condition had no value, and the reason.
    error: Option<(Moment, String)>,
    /// Whether a gap began during a breach, before the grace period was over.
    is_doubtful: bool,
}

/// A breach that goes on, and the explanation from its beginning.
#[derive(Debug)]
pub(super) struct Breach {
    pub(super) since: Moment,
    pub(super) explanation: Box<Explanation>,
}

impl Invariant {
    pub(super) fn new(condition: ConditionId, expected: bool, grace: Duration) -> Self {
        Self { condition, expected, grace, breach: None, error: None, is_doubtful: false }
    }

    pub(super) fn update(&mut self, view: &View<'_>) -> Option<Decision> {
        match view.observe(self.condition) {
            Observed::Unknown => self.is_doubtful |= self.breach.take().is_some(),
            Observed::Known(Truth::Error) => {
                self.breach = None;
                if self.error.is_none() {
                    self.error = Some((view.now, explain::error(view.state, self.condition)));
                }
            }
            Observed::Known(truth) if truth == Truth::from(self.expected) => self.breach = None,
            Observed::Known(_) if self.breach.is_none() => {
                let explanation = explain::condition(view.state, self.condition, self.expected);
                self.breach = Some(Breach { since: view.now, explanation: Box::new(explanation) });
                if self.grace.is_zero() {
                    return self.expired(view);
                }
            }
            Observed::Known(_) => {}
        }
        None
    }

    pub(super) fn timer(&self) -> Option<Moment> {
        self.breach.as_ref().map(|breach| breach.since + self.grace)
    }

    pub(super) fn expired(&mut self, view: &View<'_>) -> Option<Decision> {
        let breach = self.breach.take()?;
        let broke = if self.expected { "did not hold" } else { "held" };
        let after = match view.from == breach.since {
            true => "from the start".to_owned(),
            false => format!("{} after the start", time(breach.since - view.from)),
        };
        let lasted = match self.grace.is_zero() {
            true => String::new(),
            false => format!(", for longer than {}", time(self.grace)),
        };
        let before = format!("{broke} at {}, {after}{lasted}", breach.since);
        Some(Decision::explained(Verdict::Fail, &before, *breach.explanation).at(breach.since))
    }

    pub(super) fn end(&self, view: &View<'_>) -> Decision {
        if let Some((moment, error)) = &self.error {
            let summary = format!("had no value at {moment}: {error}");
            return Decision::new(Verdict::Inconclusive, summary).at(*moment);
        }
        if view.may_have_missed() || self.is_doubtful {
            let summary = "no violation was seen, but not every change was seen";
            return Decision::new(Verdict::Inconclusive, summary);
        }
        let held =
            if self.expected { "held at every moment" } else { "did not hold at any moment" };
        Decision::new(Verdict::Pass, format!("{held} for {}", view.elapsed()))
    }
}
