use std::time::Duration;

use super::view::time;
use super::{Decision, Ending, Monitor, Observed, Occurred, View};
use crate::scenario::history::Moment;
use crate::scenario::judge::explain;
use crate::scenario::judge::program::ConditionId;
use crate::scenario::judge::truth::Truth;
use crate::scenario::outcome::{Explanation, Verdict};

/// `always`, which expects its condition to be true, and `never`, which expects it to be false.
#[derive(Debug)]
pub(super) struct Invariant {
    pub(super) condition: ConditionId,
    expected: bool,
    pub(super) grace: Duration,
    pub(super) breach: Option<Breach>,
    /// The first moment at which the condition had no value, and the reason.
    pub(super) error: Option<(Moment, String)>,
    /// Whether a gap began during a breach, before the grace period was over.
    pub(super) is_doubtful: bool,
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

    /// Reads the condition, and returns whether a breach begins.
    pub(super) fn breaks(&mut self, view: &View<'_>) -> bool {
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
                return true;
            }
            Observed::Known(_) => {}
        }
        false
    }

    /// Such as ` for longer than 2s`; empty without a grace period.
    pub(super) fn lasted(&self) -> String {
        match self.grace.is_zero() {
            true => String::new(),
            false => format!(" for longer than {}", time(self.grace)),
        }
    }
}

impl Monitor for Invariant {
    fn update(&mut self, view: &View<'_>, _: &[Occurred]) -> Option<Decision> {
        if self.breaks(view) && self.grace.is_zero() { self.expired(view) } else { None }
    }

    fn timer(&self) -> Option<Moment> {
        self.breach.as_ref().map(|breach| breach.since + self.grace)
    }

    fn expired(&mut self, view: &View<'_>) -> Option<Decision> {
        let breach = self.breach.take()?;
        let broke = if self.expected { "did not hold" } else { "held" };
        let after = match view.from == breach.since {
            true => "from the start".to_owned(),
            false => format!("{} after the start", time(breach.since - view.from)),
        };
        let comma = if self.grace.is_zero() { "" } else { "," };
        let before = format!("{broke} at {}, {after}{comma}{}", breach.since, self.lasted());
        Some(Decision::explained(Verdict::Fail, &before, *breach.explanation).at(breach.since))
    }

    fn end(&mut self, view: &View<'_>, _: &Ending) -> Option<Decision> {
        if let Some((moment, error)) = &self.error {
            let summary = format!("had no value at {moment}: {error}");
            return Some(Decision::new(Verdict::Inconclusive, summary).at(*moment));
        }
        if view.may_have_missed() || self.is_doubtful {
            let summary = "no violation was seen, but not every change was seen";
            return Some(Decision::new(Verdict::Inconclusive, summary));
        }
        let held =
            if self.expected { "held at every moment" } else { "did not hold at any moment" };
        Some(Decision::new(Verdict::Pass, format!("{held} for {}", view.elapsed())))
    }
}
