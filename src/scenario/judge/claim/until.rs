use std::time::Duration;

use super::invariant::Breach;
use super::view::time;
use super::{Decision, Ending, Observed, View};
use crate::scenario::history::Moment;
use crate::scenario::judge::explain;
use crate::scenario::judge::program::{ConditionId, KindId};
use crate::scenario::judge::truth::Truth;
use crate::scenario::judge::verdict::Verdict;

/// One condition must hold at every moment until another holds, which must happen.
#[derive(Debug)]
pub(in crate::scenario::judge) struct Until {
    hold: ConditionId,
    until: ConditionId,
    grace: Duration,
    breach: Option<Breach>,
    /// Whether `until` can have held in a gap since the breach began.
    breach_is_doubtful: bool,
    /// Whether `until` can have held in a gap whose events are missing.
    until_was_missed: bool,
    error: Option<(Moment, String)>,
    /// Whether a gap began during a breach, before the grace period was over.
    is_doubtful: bool,
}

impl Until {
    pub(super) fn new(hold: ConditionId, until: ConditionId, grace: Duration) -> Self {
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

    pub(super) fn relisted(&mut self, view: &View<'_>, kind: KindId) {
        let kinds = &view.state.program.conditions[self.until].kinds;
        self.until_was_missed |= kinds.contains(&kind);
    }

    pub(super) fn update(&mut self, view: &View<'_>) -> Option<Decision> {
        let (hold, until) = (view.observe(self.hold), view.observe(self.until));
        if until.is_true() {
            return Some(self.reached(view, hold));
        }
        match hold {
            Observed::Unknown => self.is_doubtful |= self.breach.take().is_some(),
            Observed::Known(Truth::Error) => {
                self.breach = None;
                if self.error.is_none() {
                    self.error = Some((view.now, explain::error(view.state, self.hold)));
                }
            }
            Observed::Known(Truth::True) => self.breach = None,
            Observed::Known(Truth::False) => {
                let begins = self.breach.is_none();
                if begins {
                    let explanation = Box::new(explain::condition(view.state, self.hold, true));
                    self.breach = Some(Breach { since: view.now, explanation });
                    self.breach_is_doubtful = self.until_was_missed;
                }
                self.breach_is_doubtful |= until == Observed::Unknown;
                if begins && self.grace.is_zero() {
                    return self.expired(view);
                }
            }
        }
        None
    }

    /// `until` holds.
    fn reached(&self, view: &View<'_>, hold: Observed) -> Decision {
        if let Some((moment, error)) = &self.error {
            let summary = format!("`hold` had no value at {moment}: {error}");
            return Decision::new(Verdict::Inconclusive, summary).at(*moment);
        }
        if view.visibility.is_incomplete || self.is_doubtful || hold == Observed::Unknown {
            let summary = "`until` held, but not every change before was seen";
            return Decision::new(Verdict::Inconclusive, summary).at(view.now);
        }
        let summary = format!("held for {}, then `until` held", view.elapsed());
        Decision::new(Verdict::Pass, summary).at(view.now)
    }

    pub(super) fn timer(&self) -> Option<Moment> {
        self.breach.as_ref().map(|breach| breach.since + self.grace)
    }

    pub(super) fn expired(&mut self, view: &View<'_>) -> Option<Decision> {
        let breach = self.breach.take()?;
        let until = &view.state.program.conditions[self.until].text;
        let lasted = match self.grace.is_zero() {
            true => String::new(),
            false => format!(" for longer than {}", time(self.grace)),
        };
        let (verdict, before) = if self.breach_is_doubtful {
            let before = format!(
                "did not hold at {}{lasted}, but {until} can have held before without being seen",
                breach.since
            );
            (Verdict::Inconclusive, before)
        } else {
            (Verdict::Fail, format!("did not hold at {}{lasted}, before {until}", breach.since))
        };
        Some(Decision::explained(verdict, &before, *breach.explanation).at(breach.since))
    }

    pub(super) fn end(&self, view: &View<'_>, ending: &Ending) -> Decision {
        let ending = ending.text(view.plan);
        let explanation = explain::condition(view.state, self.until, true);
        let decision = if view.was_lost() {
            let before = format!(
                "`until` was not seen to hold {ending}, but part of that time was not observed"
            );
            Decision::explained(Verdict::Inconclusive, &before, explanation)
        } else {
            Decision::explained(
                Verdict::Fail,
                &format!("`until` did not hold {ending}"),
                explanation,
            )
        };
        decision.at(view.now)
    }
}
