use std::time::Duration;

use super::invariant::Breach;
use super::sight::time;
use super::{Decision, Ending, Look, Sighted};
use crate::scenario::history::Moment;
use crate::scenario::judge::explain;
use crate::scenario::judge::state::Truth;
use crate::scenario::judge::verdict::Verdict;

/// One condition at every moment until another, which must come.
#[derive(Debug)]
pub(in crate::scenario::judge) struct Until {
    hold: usize,
    until: usize,
    grace: Duration,
    breach: Option<Breach>,
    /// Whether, since the breach began, `until` may have held unseen.
    breach_is_doubtful: bool,
    /// Whether `until` may have held unseen, and for good.
    until_was_missed: bool,
    error: Option<(Moment, String)>,
    /// Whether a breach was lost from sight before its grace was over.
    is_doubtful: bool,
}

impl Until {
    pub(super) fn new(hold: usize, until: usize, grace: Duration) -> Self {
        Self {
            hold,
            until,
            grace,
            breach: None,
            breach_is_doubtful: false,
            until_was_missed: false,
            error: None,
            is_doubtful: false,
        }
    }

    pub(super) fn relisted(&mut self, look: &Look<'_>, kind: usize) {
        let kinds = &look.state.program.conditions[self.until].kinds;
        self.until_was_missed |= kinds.contains(&kind);
    }

    pub(super) fn update(&mut self, look: &Look<'_>) -> Option<Decision> {
        let (hold, until) = (look.value(self.hold), look.value(self.until));
        if until.is_true() {
            return Some(self.reached(look, hold));
        }
        match hold {
            Sighted::Unknown => self.is_doubtful |= self.breach.take().is_some(),
            Sighted::Known(Truth::Error) => {
                self.breach = None;
                if self.error.is_none() {
                    self.error = Some((look.now, explain::error(look.state, self.hold)));
                }
            }
            Sighted::Known(Truth::True) => self.breach = None,
            Sighted::Known(Truth::False) => {
                let begins = self.breach.is_none();
                if begins {
                    let explanation = Box::new(explain::condition(look.state, self.hold, true));
                    self.breach = Some(Breach { since: look.now, explanation });
                    self.breach_is_doubtful = self.until_was_missed;
                }
                self.breach_is_doubtful |= until == Sighted::Unknown;
                if begins && self.grace.is_zero() {
                    return self.expired(look);
                }
            }
        }
        None
    }

    /// The second condition holds.
    fn reached(&self, look: &Look<'_>, hold: Sighted) -> Decision {
        if let Some((moment, error)) = &self.error {
            let summary = format!("what must hold had no value at {moment}: {error}");
            return Decision::new(Verdict::Inconclusive, summary).at(*moment);
        }
        if look.sight.is_incomplete || self.is_doubtful || hold == Sighted::Unknown {
            let summary = "the end came, but not every change before it was seen";
            return Decision::new(Verdict::Inconclusive, summary).at(look.now);
        }
        let summary = format!("held for {}, until the end came", look.elapsed());
        Decision::new(Verdict::Pass, summary).at(look.now)
    }

    pub(super) fn timer(&self) -> Option<Moment> {
        self.breach.as_ref().map(|breach| breach.since + self.grace)
    }

    pub(super) fn expired(&mut self, look: &Look<'_>) -> Option<Decision> {
        let breach = self.breach.take()?;
        let until = &look.state.program.conditions[self.until].text;
        let lasted = match self.grace.is_zero() {
            true => String::new(),
            false => format!(" for longer than {}", time(self.grace)),
        };
        let (verdict, before) = if self.breach_is_doubtful {
            let before = format!(
                "did not hold at {}{lasted}, but {until} may have held before, unseen",
                breach.since
            );
            (Verdict::Inconclusive, before)
        } else {
            (Verdict::Fail, format!("did not hold at {}{lasted}, before {until}", breach.since))
        };
        Some(Decision::explained(verdict, &before, *breach.explanation).at(breach.since))
    }

    pub(super) fn end(&self, look: &Look<'_>, ending: &Ending) -> Decision {
        let ending = ending.text(look.plan);
        let explanation = explain::condition(look.state, self.until, true);
        let decision = if look.was_lost() {
            let before =
                format!("the end was not seen {ending}, but not all of that time was seen");
            Decision::explained(Verdict::Inconclusive, &before, explanation)
        } else {
            Decision::explained(
                Verdict::Fail,
                &format!("the end did not come {ending}"),
                explanation,
            )
        };
        decision.at(look.now)
    }
}
