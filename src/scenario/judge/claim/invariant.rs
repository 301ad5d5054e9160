use std::time::Duration;

use super::sight::time;
use super::{Decision, Look, Sighted};
use crate::scenario::history::Moment;
use crate::scenario::judge::explain;
use crate::scenario::judge::state::Truth;
use crate::scenario::judge::verdict::{Explanation, Verdict};

/// `always`, which expects its condition to be true, and `never`, which expects it to be false.
#[derive(Debug)]
pub(in crate::scenario::judge) struct Invariant {
    condition: usize,
    expected: bool,
    grace: Duration,
    breach: Option<Breach>,
    /// The first moment without a value, and why there was none.
    error: Option<(Moment, String)>,
    /// Whether a breach was lost from sight before its grace was over.
    is_doubtful: bool,
}

/// A breach that lasts, and what there was at its beginning.
#[derive(Debug)]
pub(super) struct Breach {
    pub(super) since: Moment,
    pub(super) explanation: Box<Explanation>,
}

impl Invariant {
    pub(super) fn new(condition: usize, expected: bool, grace: Duration) -> Self {
        Self { condition, expected, grace, breach: None, error: None, is_doubtful: false }
    }

    pub(super) fn update(&mut self, look: &Look<'_>) -> Option<Decision> {
        match look.value(self.condition) {
            Sighted::Unknown => self.is_doubtful |= self.breach.take().is_some(),
            Sighted::Known(Truth::Error) => {
                self.breach = None;
                if self.error.is_none() {
                    self.error = Some((look.now, explain::error(look.state, self.condition)));
                }
            }
            Sighted::Known(truth) if truth == Truth::from(self.expected) => self.breach = None,
            Sighted::Known(_) if self.breach.is_none() => {
                let explanation = explain::condition(look.state, self.condition, self.expected);
                self.breach = Some(Breach { since: look.now, explanation: Box::new(explanation) });
                if self.grace.is_zero() {
                    return self.expired(look);
                }
            }
            Sighted::Known(_) => {}
        }
        None
    }

    pub(super) fn timer(&self) -> Option<Moment> {
        self.breach.as_ref().map(|breach| breach.since + self.grace)
    }

    pub(super) fn expired(&mut self, look: &Look<'_>) -> Option<Decision> {
        let breach = self.breach.take()?;
        let broke = if self.expected { "did not hold" } else { "held" };
        let after = match look.from == breach.since {
            true => "from the beginning".to_owned(),
            false => format!("{} after the beginning", time(breach.since - look.from)),
        };
        let lasted = match self.grace.is_zero() {
            true => String::new(),
            false => format!(", for longer than {}", time(self.grace)),
        };
        let before = format!("{broke} at {}, {after}{lasted}", breach.since);
        Some(Decision::explained(Verdict::Fail, &before, *breach.explanation).at(breach.since))
    }

    pub(super) fn end(&self, look: &Look<'_>) -> Decision {
        if let Some((moment, error)) = &self.error {
            let summary = format!("had no value at {moment}: {error}");
            return Decision::new(Verdict::Inconclusive, summary).at(*moment);
        }
        let broke = if self.expected { "not to hold" } else { "to hold" };
        if look.may_have_missed() || self.is_doubtful {
            let summary = format!("was not seen {broke}, but not every change was seen");
            return Decision::new(Verdict::Inconclusive, summary);
        }
        let held = if self.expected { "held at every moment" } else { "never held" };
        Decision::new(Verdict::Pass, format!("{held} for {}", look.elapsed()))
    }
}
