use super::view::View;
use crate::scenario::history::Moment;
use crate::scenario::judge::compile::seconds;
use crate::scenario::judge::program::ClaimPlan;
use crate::scenario::outcome::{Explanation, Verdict};

#[derive(Debug, Clone)]
pub(in crate::scenario::judge) struct Decision {
    pub verdict: Verdict,
    pub explanation: Explanation,
}

impl Decision {
    pub fn new(verdict: Verdict, summary: impl Into<String>) -> Self {
        let summary = summary.into();
        Self { verdict, explanation: Explanation { summary, ..Explanation::default() } }
    }

    pub(super) fn at(mut self, moment: Moment) -> Self {
        self.explanation.moment = Some(moment);
        self
    }

    /// Puts `before` ahead of the explanation's summary.
    pub(super) fn explained(verdict: Verdict, before: &str, mut explanation: Explanation) -> Self {
        explanation.summary = match explanation.summary.as_str() {
            "" => before.to_owned(),
            summary => format!("{before}: {summary}"),
        };
        Self { verdict, explanation }
    }

    /// Something did not happen in time. That is unknown where part of the time was not observed.
    pub(super) fn late(
        view: &View<'_>,
        unseen: &str,
        failed: &str,
        explanation: Explanation,
    ) -> Self {
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
pub(in crate::scenario::judge) enum Ending {
    Limit,
    /// The last step of the claim's span ended.
    Step(String),
    /// The step of a claim that looks back starts.
    OwnStart,
    Run,
}

impl Ending {
    /// Such as `within 30s` or `by the end of step "heal"`.
    pub(super) fn text(&self, plan: &ClaimPlan) -> String {
        match (self, plan.limit) {
            (Self::Limit, Some(limit)) => format!("within {}", seconds(limit)),
            (Self::Limit, None) => "in time".to_owned(),
            (Self::Step(step), _) => format!("by the end of step {step:?}"),
            (Self::OwnStart, _) => "before the step started".to_owned(),
            (Self::Run, _) => "by the end of the run".to_owned(),
        }
    }
}
