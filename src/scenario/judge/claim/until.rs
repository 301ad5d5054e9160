use std::time::Duration;

use super::invariant::Invariant;
use super::{Decision, Ending, Monitor, Observed, Occurred, View};
use crate::scenario::history::Moment;
use crate::scenario::judge::explain;
use crate::scenario::judge::program::{ConditionId, KindId};
use crate::scenario::outcome::Verdict;

/// One condition must hold at every moment until another holds, which must happen.
#[derive(Debug)]
pub(super) struct Until {
    hold: Invariant,
    until: ConditionId,
    /// Whether `until` can have held in a gap since the breach began.
    breach_is_doubtful: bool,
    /// Whether `until` can have held in a gap whose events are missing.
    until_was_missed: bool,
}

impl Until {
    pub(super) fn new(hold: ConditionId, until: ConditionId, grace: Duration) -> Self {
        let hold = Invariant::new(hold, true, grace);
        Self { hold, until, breach_is_doubtful: false, until_was_missed: false }
    }

    fn reached(&self, view: &View<'_>) -> Decision {
        let hold = &self.hold;
        if let Some((moment, error)) = &hold.error {
            let summary = format!("`hold` had no value at {moment}: {error}");
            return Decision::new(Verdict::Inconclusive, summary).at(*moment);
        }
        let is_unknown = view.observe(hold.condition) == Observed::Unknown;
        if view.visibility.is_incomplete || hold.is_doubtful || is_unknown {
            let summary = "`until` held, but not every change before was seen";
            return Decision::new(Verdict::Inconclusive, summary).at(view.now);
        }
        let summary = format!("held for {}, then `until` held", view.elapsed());
        Decision::new(Verdict::Pass, summary).at(view.now)
    }
}

impl Monitor for Until {
    fn relisted(&mut self, view: &View<'_>, kind: KindId) {
        let kinds = &view.state.program.conditions[self.until].kinds;
        self.until_was_missed |= kinds.contains(&kind);
    }

    fn update(&mut self, view: &View<'_>, _: &[Occurred]) -> Option<Decision> {
        let until = view.observe(self.until);
        if until.is_true() {
            return Some(self.reached(view));
        }
        let begins = self.hold.breaks(view);
        if begins {
            self.breach_is_doubtful = self.until_was_missed;
        }
        self.breach_is_doubtful |= until == Observed::Unknown;
        if begins && self.hold.grace.is_zero() { self.expired(view) } else { None }
    }

    fn timer(&self) -> Option<Moment> {
        self.hold.timer()
    }

    fn expired(&mut self, view: &View<'_>) -> Option<Decision> {
        let breach = self.hold.breach.take()?;
        let until = &view.state.program.conditions[self.until].text;
        let broke = format!("did not hold at {}{}", breach.since, self.hold.lasted());
        let (verdict, before) = match self.breach_is_doubtful {
            true => (
                Verdict::Inconclusive,
                format!("{broke}, but {until} can have held before without being seen"),
            ),
            false => (Verdict::Fail, format!("{broke}, before {until}")),
        };
        Some(Decision::explained(verdict, &before, *breach.explanation).at(breach.since))
    }

    fn end(&mut self, view: &View<'_>, ending: &Ending) -> Option<Decision> {
        let ending = ending.text(view.plan);
        let explanation = explain::condition(view.state, self.until, true);
        let unseen = format!("`until` was not seen to hold {ending}");
        let failed = format!("`until` did not hold {ending}");
        Some(Decision::late(view, &unseen, &failed, explanation))
    }
}
