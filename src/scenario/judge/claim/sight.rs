use crate::scenario::history::Moment;
use crate::scenario::judge::plan::ClaimPlan;
use crate::scenario::judge::state::{State, Truth};

/// What holds of a condition now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scenario::judge) enum Sighted {
    Known(Truth),
    /// What it reads may have changed unseen.
    Unknown,
}

impl Sighted {
    pub(super) fn is_true(self) -> bool {
        self == Self::Known(Truth::True)
    }
}

/// What was not seen of what a claim reads, since its span began.
#[derive(Debug, Default)]
pub(in crate::scenario::judge) struct Sight {
    pub(in crate::scenario::judge) is_lost: bool,
    /// When sight came back last.
    pub(in crate::scenario::judge) back: Option<Moment>,
    /// Whether something was listed anew, so that changes may have been missed for good.
    pub(in crate::scenario::judge) is_incomplete: bool,
    /// For people.
    pub(in crate::scenario::judge) notes: Vec<String>,
}

/// How a claim sees the cluster at a moment.
#[derive(Debug)]
pub(in crate::scenario::judge) struct Look<'a> {
    pub(in crate::scenario::judge) state: &'a State,
    pub(in crate::scenario::judge) plan: &'a ClaimPlan,
    pub(in crate::scenario::judge) sight: &'a Sight,
    pub(in crate::scenario::judge) from: Moment,
    pub(in crate::scenario::judge) now: Moment,
}

impl Look<'_> {
    pub(in crate::scenario::judge) fn value(&self, condition: usize) -> Sighted {
        let kinds = &self.state.program.conditions[condition].kinds;
        match self.state.objects.are_unknown(kinds) {
            true => Sighted::Unknown,
            false => Sighted::Known(self.state.truth(condition)),
        }
    }

    /// Whether any time from `moment` to now was unseen.
    pub(super) fn was_lost_since(&self, moment: Moment) -> bool {
        self.sight.is_lost || self.sight.back.is_some_and(|back| back > moment)
    }

    /// Whether any time of the span was unseen.
    pub(super) fn was_lost(&self) -> bool {
        self.was_lost_since(self.from)
    }

    /// Whether changes may have been missed: at a gap's end, or because it has none yet.
    pub(super) fn may_have_missed(&self) -> bool {
        self.sight.is_incomplete || self.sight.is_lost
    }

    /// How long the span is by now, for people.
    pub(super) fn elapsed(&self) -> String {
        time(self.now - self.from)
    }
}

/// A time for people, to the millisecond: `3.204s`.
pub(super) fn time(time: std::time::Duration) -> String {
    let text = format!("{:.3}", time.as_secs_f64());
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}s")
}
