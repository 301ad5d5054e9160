//! A state machine for each kind of assertion. It receives occurrences, changes of its conditions and the
//! end of its time, and decides.

mod after;
mod count;
mod eventually;
mod invariant;
mod order;
mod stable;
mod until;
mod view;

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;

pub(super) use view::{Observed, View, Visibility};

use super::compile::seconds;
use super::program::{ClaimPlan, KindId, OccurrenceId, Rule};
use super::verdict::{Explanation, Verdict};
use crate::scenario::history::Moment;
use after::After;
use count::Count;
use eventually::Eventually;
use invariant::Invariant;
use order::Order;
use stable::Stable;
use until::Until;

#[derive(Debug, Clone)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) explanation: Explanation,
}

impl Decision {
    pub(super) fn new(verdict: Verdict, summary: impl Into<String>) -> Self {
        let summary = summary.into();
        Self { verdict, explanation: Explanation { summary, ..Explanation::default() } }
    }

    fn at(mut self, moment: Moment) -> Self {
        self.explanation.moment = Some(moment);
        self
    }

    /// Puts `before` ahead of the explanation's summary.
    fn explained(verdict: Verdict, before: &str, mut explanation: Explanation) -> Self {
        explanation.summary = match explanation.summary.as_str() {
            "" => before.to_owned(),
            summary => format!("{before}: {summary}"),
        };
        Self { verdict, explanation }
    }

    /// Something did not happen in time. That is unknown where part of the time was not observed.
    fn late(view: &View<'_>, unseen: &str, failed: &str, explanation: Explanation) -> Self {
        let decision = if view.was_lost() {
            let before = format!("{unseen}, but part of that time was not observed");
            Self::explained(Verdict::Inconclusive, &before, explanation)
        } else {
            Self::explained(Verdict::Fail, failed, explanation)
        };
        decision.at(view.now)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    Limit,
    /// The last step of the claim's span ended.
    Step(String),
    /// The step of a claim that looks back starts.
    OwnStart,
    Run,
}

impl Ending {
    /// Such as `within 30s` or `by the end of step "heal"`.
    fn text(&self, plan: &ClaimPlan) -> String {
        match (self, plan.limit) {
            (Self::Limit, Some(limit)) => format!("within {}", seconds(limit)),
            (Self::Limit, None) => "in time".to_owned(),
            (Self::Step(step), _) => format!("by the end of step {step:?}"),
            (Self::OwnStart, _) => "before the step started".to_owned(),
            (Self::Run, _) => "by the end of the run".to_owned(),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Occurred {
    pub(super) occurrence: OccurrenceId,
    /// The object that it happened to, where the occurrence is about objects.
    pub(super) object: Option<Arc<Value>>,
    /// Whether it happened in a gap, at an unknown moment.
    pub(super) is_doubtful: bool,
}

pub(super) trait Monitor: Debug + Send {
    /// Receives occurrences, in the order in which the claim lists them, and reads the conditions as they
    /// are now.
    fn update(&mut self, view: &View<'_>, occurred: &[Occurred]) -> Option<Decision>;

    /// The objects of a kind were listed again: changes can have been missed.
    fn relisted(&mut self, _view: &View<'_>, _kind: KindId) {}

    /// When to call [`Self::expired`].
    fn timer(&self) -> Option<Moment> {
        None
    }

    /// The moment of [`Self::timer`] has passed.
    fn expired(&mut self, _view: &View<'_>) -> Option<Decision> {
        None
    }

    /// The claim's time ends. `None` where it waits for something that can still follow.
    fn end(&mut self, view: &View<'_>, ending: &Ending) -> Option<Decision>;

    /// Until when the claim goes on after the end of its span.
    fn last_wait(&self) -> Option<Moment> {
        None
    }
}

pub(super) fn monitor(plan: &ClaimPlan) -> Box<dyn Monitor> {
    match plan.rule.clone() {
        Rule::Eventually(condition) => Box::new(Eventually { condition }),
        Rule::Invariant { condition, expected, grace } => {
            Box::new(Invariant::new(condition, expected, grace))
        }
        Rule::Stable { condition, lasting } => Box::new(Stable::new(condition, lasting)),
        Rule::Until { hold, until, grace } => Box::new(Until::new(hold, until, grace)),
        Rule::Order => Box::new(Order::new(&plan.occurrences)),
        Rule::Count(range) => Box::new(Count::new(range)),
        Rule::After(rule) => Box::new(After::new(rule)),
    }
}
