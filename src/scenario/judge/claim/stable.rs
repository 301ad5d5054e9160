use std::time::Duration;

use super::view::time;
use super::{Decision, Ending, Monitor, Observed, Occurred, View};
use crate::plural::plural;
use crate::scenario::history::Moment;
use crate::scenario::judge::explain;
use crate::scenario::judge::program::ConditionId;
use crate::scenario::outcome::Verdict;

#[derive(Debug)]
pub(super) struct Stable {
    condition: ConditionId,
    lasting: Duration,
    since: Option<Moment>,
    /// The longest time that the condition held without a break.
    longest: Duration,
    breaks: usize,
}

impl Stable {
    pub(super) fn new(condition: ConditionId, lasting: Duration) -> Self {
        Self { condition, lasting, since: None, longest: Duration::ZERO, breaks: 0 }
    }
}

impl Monitor for Stable {
    fn update(&mut self, view: &View<'_>, _: &[Occurred]) -> Option<Decision> {
        let value = view.observe(self.condition);
        match (value.is_true(), self.since) {
            (true, None) => self.since = Some(view.now),
            (false, Some(since)) => {
                self.longest = self.longest.max(view.now - since);
                self.since = None;
                self.breaks += usize::from(value != Observed::Unknown);
            }
            _ => {}
        }
        None
    }

    fn timer(&self) -> Option<Moment> {
        self.since.map(|since| since + self.lasting)
    }

    fn expired(&mut self, view: &View<'_>) -> Option<Decision> {
        let since = self.since?;
        let summary = format!("held for {}, from {since} on", time(self.lasting));
        Some(Decision::new(Verdict::Pass, summary).at(view.now))
    }

    fn end(&mut self, view: &View<'_>, ending: &Ending) -> Option<Decision> {
        let longest = match self.longest.is_zero() {
            true => String::new(),
            false if self.breaks == 0 => format!(" (longest: {})", time(self.longest)),
            false => {
                format!(" (longest: {}, {})", time(self.longest), plural(self.breaks, "break"))
            }
        };
        let mut explanation = explain::condition(view.state, self.condition, true);
        if let Some(since) = self.since {
            explanation.summary = format!("began to hold at {since}, too late");
        }
        let (lasting, ending) = (time(self.lasting), ending.text(view.plan));
        let held = format!("hold for {lasting} without a break {ending}{longest}");
        let unseen = format!("was not seen to {held}");
        Some(Decision::late(view, &unseen, &format!("did not {held}"), explanation))
    }
}
