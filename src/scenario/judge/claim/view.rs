//! How a claim sees the cluster: conditions have a truth only while the watches behind them work.

use crate::scenario::history::Moment;
use crate::scenario::judge::program::{ClaimPlan, ConditionId};
use crate::scenario::judge::state::State;
use crate::scenario::judge::truth::Truth;

/// The truth of a condition, as far as it can be observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scenario::judge) enum Observed {
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
pub(in crate::scenario::judge) struct Visibility {
    pub(in crate::scenario::judge) is_lost: bool,
    /// When the last gap ended.
    pub(in crate::scenario::judge) regained: Option<Moment>,
    /// Whether objects were listed again, so that changes before were missed for good.
    pub(in crate::scenario::judge) is_incomplete: bool,
    /// The gaps in words, for the explanation.
    pub(in crate::scenario::judge) notes: Vec<String>,
}

/// A claim's view of the cluster at a moment.
#[derive(Debug)]
pub(in crate::scenario::judge) struct View<'a> {
    pub(in crate::scenario::judge) state: &'a State,
    pub(in crate::scenario::judge) plan: &'a ClaimPlan,
    pub(in crate::scenario::judge) visibility: &'a Visibility,
    pub(in crate::scenario::judge) from: Moment,
    pub(in crate::scenario::judge) now: Moment,
}

impl View<'_> {
    pub(in crate::scenario::judge) fn observe(&self, condition: ConditionId) -> Observed {
        let kinds = &self.state.program.conditions[condition].kinds;
        match self.state.objects.are_unknown(kinds) {
            true => Observed::Unknown,
            false => Observed::Known(self.state.truth(condition)),
        }
    }

    /// Whether there was a gap between `moment` and now.
    pub(super) fn was_lost_since(&self, moment: Moment) -> bool {
        self.visibility.is_lost
            || self.visibility.regained.is_some_and(|regained| regained > moment)
    }

    /// Whether there was a gap in the span.
    pub(super) fn was_lost(&self) -> bool {
        self.was_lost_since(self.from)
    }

    /// Whether changes can be missing from the record: those of a gap without events, or of the current gap.
    pub(super) fn may_have_missed(&self) -> bool {
        self.visibility.is_incomplete || self.visibility.is_lost
    }

    /// The length of the span so far, in words.
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
