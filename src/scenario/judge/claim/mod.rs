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

use std::sync::Arc;

use serde_json::Value;

pub(super) use view::{Observed, View, Visibility};

use super::compile::seconds;
use super::program::{ClaimPlan, ConditionId, KindId, OccurrenceId, Rule};
use super::verdict::{Explanation, Verdict};
use crate::scenario::history::Moment;
use after::After;
use count::Count;
use invariant::Invariant;
use order::Order;
use stable::Stable;
use until::Until;

/// A verdict on a claim, and why.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) explanation: Explanation,
}

impl Decision {
    fn new(verdict: Verdict, summary: impl Into<String>) -> Self {
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
}

/// Why the time of a claim ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The claim's time limit has passed.
    Limit,
    /// The last step of the claim's span ended.
    Step(String),
    /// The step of a claim that looks back starts.
    OwnStart,
    /// The run ended.
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

/// One of the claim's occurrences happened.
#[derive(Debug, Clone)]
pub(super) struct Occurred {
    pub(super) occurrence: OccurrenceId,
    /// The object that it happened to, where the occurrence is about objects.
    pub(super) object: Option<Arc<Value>>,
    /// Whether it happened in a gap, at an unknown moment.
    pub(super) is_doubtful: bool,
}

#[derive(Debug)]
pub(super) enum Monitor {
    Eventually { condition: ConditionId },
    Invariant(Invariant),
    Stable(Stable),
    Until(Until),
    Order(Order),
    Count(Count),
    After(After),
}

impl Monitor {
    pub(super) fn new(plan: &ClaimPlan) -> Self {
        match plan.rule.clone() {
            Rule::Eventually { condition } => Self::Eventually { condition },
            Rule::Invariant { condition, expected, grace } => {
                Self::Invariant(Invariant::new(condition, expected, grace))
            }
            Rule::Stable { condition, lasting } => Self::Stable(Stable::new(condition, lasting)),
            Rule::Until { hold, until, grace } => Self::Until(Until::new(hold, until, grace)),
            Rule::Order => Self::Order(Order::new(&plan.occurrences)),
            Rule::Count { range } => Self::Count(Count::new(range)),
            Rule::After(rule) => Self::After(After::new(rule)),
        }
    }

    /// Takes occurrences, in the order in which the claim lists them, and then the conditions as they are
    /// now.
    pub(super) fn update(&mut self, view: &View<'_>, occurred: &[Occurred]) -> Option<Decision> {
        match self {
            Self::Eventually { condition } => eventually::update(*condition, view),
            Self::Invariant(invariant) => invariant.update(view),
            Self::Stable(stable) => stable.update(view),
            Self::Until(until) => until.update(view),
            Self::Order(order) => order.occurred(view, occurred),
            Self::Count(count) => count.occurred(view, occurred),
            Self::After(after) => after.update(view, occurred),
        }
    }

    /// The objects of a kind were listed again: changes can have been missed.
    pub(super) fn relisted(&mut self, view: &View<'_>, kind: KindId) {
        if let Self::Until(until) = self {
            until.relisted(view, kind);
        }
    }

    /// When to call [`Self::expired`].
    pub(super) fn timer(&self) -> Option<Moment> {
        match self {
            Self::Invariant(invariant) => invariant.timer(),
            Self::Stable(stable) => stable.timer(),
            Self::Until(until) => until.timer(),
            Self::After(after) => after.timer(),
            Self::Eventually { .. } | Self::Order(_) | Self::Count(_) => None,
        }
    }

    /// The moment of [`Self::timer`] has passed.
    pub(super) fn expired(&mut self, view: &View<'_>) -> Option<Decision> {
        match self {
            Self::Invariant(invariant) => invariant.expired(view),
            Self::Stable(stable) => stable.expired(view),
            Self::Until(until) => until.expired(view),
            Self::After(after) => after.expired(view),
            Self::Eventually { .. } | Self::Order(_) | Self::Count(_) => None,
        }
    }

    /// The claim's time ends. `None` where it waits for something that can still follow.
    pub(super) fn end(&mut self, view: &View<'_>, ending: &Ending) -> Option<Decision> {
        match self {
            Self::Eventually { condition } => Some(eventually::end(*condition, view, ending)),
            Self::Invariant(invariant) => Some(invariant.end(view)),
            Self::Stable(stable) => Some(stable.end(view, ending)),
            Self::Until(until) => Some(until.end(view, ending)),
            Self::Order(order) => Some(order.end(view, ending)),
            Self::Count(count) => Some(count.end(view)),
            Self::After(after) => after.end(view, ending),
        }
    }
}
