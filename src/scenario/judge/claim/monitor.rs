use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;

use super::view::View;
use crate::scenario::history::Moment;
use crate::scenario::judge::compile::seconds;
use crate::scenario::judge::program::{ClaimPlan, KindId, OccurrenceId};
use crate::scenario::outcome::{Explanation, Verdict};

#[derive(Debug, Clone)]
pub struct Decision {
    pub verdict: Verdict,
    pub explanation: Explanation,
}

impl Decision {
    pub fn new(verdict: Verdict, summary: impl Into<String>) -> Self {
        let summary = summary.into();
        Self { verdict, explanation: Explanation { summary, ..Explanation::default() } }
    }

    pub fn at(mut self, moment: Moment) -> Self {
        self.explanation.moment = Some(moment);
        self
    }

    /// Puts `before` ahead of the explanation's summary.
    pub fn explained(verdict: Verdict, before: &str, mut explanation: Explanation) -> Self {
        explanation.summary = match explanation.summary.as_str() {
            "" => before.to_owned(),
            summary => format!("{before}: {summary}"),
        };
        Self { verdict, explanation }
    }

    /// Something did not happen in time. That is unknown where part of the time was not observed.
    pub fn late(view: &View<'_>, unseen: &str, failed: &str, explanation: Explanation) -> Self {
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
pub enum Ending {
    Limit,
    /// The last step of the claim's span ended.
    Step(String),
    /// The step of a claim that looks back starts.
    OwnStart,
    Run,
}

impl Ending {
    /// Such as `within 30s` or `by the end of step "heal"`.
    pub fn text(&self, plan: &ClaimPlan) -> String {
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
pub struct Occurred {
    pub occurrence: OccurrenceId,
    /// The object that it happened to, where the occurrence is about objects.
    pub object: Option<Arc<Value>>,
    /// Whether it happened in a gap, at an unknown moment.
    pub is_doubtful: bool,
}

pub trait Monitor: Debug + Send {
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
