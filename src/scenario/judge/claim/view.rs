//! How a claim sees the cluster: conditions have a truth only while the watches behind them work.

use crate::plural::plural;
use crate::scenario::history::Moment;
use crate::scenario::judge::program::{ClaimId, ClaimPlan, ConditionId};
use crate::scenario::judge::state::State;
use crate::scenario::judge::truth::Truth;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    Known(Truth),
    /// The objects can have changed: a watch is lost, or the API server does not answer.
    Unknown,
}

impl Observed {
    pub(super) fn is_true(self) -> bool {
        self == Self::Known(Truth::True)
    }
}

/// Gaps in the watches that a claim reads, since its span began.
#[derive(Debug, Default)]
pub struct Visibility {
    pub is_lost: bool,
    pub regained: Option<Moment>,
    /// Whether objects were listed again, so that changes before were missed for good.
    pub is_incomplete: bool,
    /// The gaps in words, for the explanation.
    pub notes: Vec<String>,
}

#[derive(Debug)]
pub struct View<'a> {
    pub state: &'a State,
    pub plan: &'a ClaimPlan,
    pub visibility: &'a Visibility,
    pub from: Moment,
    pub now: Moment,
}

impl<'a> View<'a> {
    pub fn new(state: &'a State, id: ClaimId, visibility: &'a Visibility, from: Moment) -> Self {
        let plan = &state.program.claims[id];
        Self { state, plan, visibility, from, now: state.now }
    }

    pub fn observe(&self, condition: ConditionId) -> Observed {
        let kinds = &self.state.program.conditions[condition].kinds;
        match self.state.objects.are_unknown(kinds) {
            true => Observed::Unknown,
            false => Observed::Known(self.state.truth(condition)),
        }
    }

    pub(super) fn was_lost_since(&self, moment: Moment) -> bool {
        self.visibility.is_lost
            || self.visibility.regained.is_some_and(|regained| regained > moment)
    }

    pub(super) fn was_lost(&self) -> bool {
        self.was_lost_since(self.from)
    }

    /// Whether changes can be missing from the record: those of a gap without events, or of the current gap.
    pub(super) fn may_have_missed(&self) -> bool {
        self.visibility.is_incomplete || self.visibility.is_lost
    }

    pub(super) fn elapsed(&self) -> String {
        time(self.now - self.from)
    }
}

/// A duration in seconds, to the millisecond, such as `3.204s`.
pub(super) fn time(time: std::time::Duration) -> String {
    let text = format!("{:.3}", time.as_secs_f64());
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}s")
}

/// Such as `1 time` or `3 times`.
pub(super) fn times(count: u64) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), "time")
}
