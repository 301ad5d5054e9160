use std::time::Duration;

use super::view::time;
use super::{Decision, Ending, Observed, View};
use crate::scenario::history::Moment;
use crate::scenario::judge::explain;
use crate::scenario::judge::program::ConditionId;
use crate::scenario::judge::verdict::Verdict;

#[derive(Debug)]
pub(in crate::scenario::judge) struct Stable {
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

    pub(super) fn update(&mut self, view: &View<'_>) -> Option<Decision> {
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

    pub(super) fn timer(&self) -> Option<Moment> {
        self.since.map(|since| since + self.lasting)
    }

    pub(super) fn expired(&self, view: &View<'_>) -> Option<Decision> {
        let since = self.since?;
        let summary = format!("held for {}, from {since} on", time(self.lasting));
        Some(Decision::new(Verdict::Pass, summary).at(view.now))
    }

    pub(super) fn end(&self, view: &View<'_>, ending: &Ending) -> Decision {
        let (lasting, ending) = (time(self.lasting), ending.text(view.plan));
        let held = match self.since {
            Some(since) => format!("began to hold at {since}, too late"),
            None => String::new(),
        };
        let longest = match (self.longest.is_zero(), self.breaks) {
            (true, _) => String::new(),
            (false, 0) => format!(" (longest: {})", time(self.longest)),
            (false, 1) => format!(" (longest: {}, 1 break)", time(self.longest)),
            (false, breaks) => format!(" (longest: {}, {breaks} breaks)", time(self.longest)),
        };
        let mut explanation = explain::condition(view.state, self.condition, true);
        if !held.is_empty() {
            explanation.summary = held;
        }
        let decision = if view.was_lost() {
            let before = format!(
                "was not seen to hold for {lasting} without a break {ending}{longest}, but part of \
                 that time was not observed"
            );
            Decision::explained(Verdict::Inconclusive, &before, explanation)
        } else {
            let before = format!("did not hold for {lasting} without a break {ending}{longest}");
            Decision::explained(Verdict::Fail, &before, explanation)
        };
        decision.at(view.now)
    }
}
