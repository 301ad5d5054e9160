//! What follows from what held when: one monitor for each kind of assertion, told of every change of
//! its conditions, of what happens, and of the end of its time.

mod after;
mod count;
mod eventually;
mod invariant;
mod order;
mod sight;
mod stable;
mod until;

use std::sync::Arc;

use serde_json::Value;

pub(super) use sight::{Look, Sight, Sighted};

use super::compile::seconds;
use super::plan::{ClaimPlan, Rule};
use super::verdict::{Explanation, Verdict};
use crate::scenario::history::Moment;
use after::After;
use count::Count;
use invariant::Invariant;
use order::Order;
use stable::Stable;
use until::Until;

/// What is certain of a claim.
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

/// Why a claim's time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// So long after its start.
    Limit,
    /// The last step of its span ended.
    Step(String),
    /// It looks back, and its step starts.
    OwnStart,
    /// The last step ended.
    Run,
}

impl Ending {
    /// As `within 30s`, `by the end of step "heal"`.
    fn text(&self, plan: &ClaimPlan) -> String {
        match (self, plan.limit) {
            (Self::Limit, Some(limit)) => format!("within {}", seconds(limit)),
            (Self::Limit, None) => "in time".to_owned(),
            (Self::Step(step), _) => format!("by the end of step {step:?}"),
            (Self::OwnStart, _) => "before the step began".to_owned(),
            (Self::Run, _) => "by the end of the run".to_owned(),
        }
    }
}

/// Something that happened, by the number of the claim's occurrence.
#[derive(Debug, Clone)]
pub(super) struct Occurred {
    pub(super) index: usize,
    /// The object that it happened to.
    pub(super) object: Option<Arc<Value>>,
    /// Whether it was found after a gap, so that when it happened is not known.
    pub(super) is_doubtful: bool,
}

#[derive(Debug)]
pub(super) enum Monitor {
    Eventually { condition: usize },
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
            Rule::Order => Self::Order(Order::new(plan.occurrences.len())),
            Rule::Count { range } => Self::Count(Count::new(range)),
            Rule::After { then, within, same_object, at_least } => {
                Self::After(After::new(then, within, same_object, at_least))
            }
        }
    }

    /// What happened now, in the order of the claim's occurrences, and then what holds now.
    pub(super) fn update(&mut self, look: &Look<'_>, occurred: &[Occurred]) -> Option<Decision> {
        match self {
            Self::Eventually { condition } => eventually::update(*condition, look),
            Self::Invariant(invariant) => invariant.update(look),
            Self::Stable(stable) => stable.update(look),
            Self::Until(until) => until.update(look),
            Self::Order(order) => order.occurred(look, occurred),
            Self::Count(count) => count.occurred(look, occurred),
            Self::After(after) => after.update(look, occurred),
        }
    }

    /// A kind's objects were listed anew: changes may have been missed.
    pub(super) fn relisted(&mut self, look: &Look<'_>, kind: usize) {
        if let Self::Until(until) = self {
            until.relisted(look, kind);
        }
    }

    /// When it wants to be told that time has passed.
    pub(super) fn timer(&self) -> Option<Moment> {
        match self {
            Self::Invariant(invariant) => invariant.timer(),
            Self::Stable(stable) => stable.timer(),
            Self::Until(until) => until.timer(),
            Self::After(after) => after.timer(),
            Self::Eventually { .. } | Self::Order(_) | Self::Count(_) => None,
        }
    }

    /// The moment that it wanted to be told of is over.
    pub(super) fn expired(&mut self, look: &Look<'_>) -> Option<Decision> {
        match self {
            Self::Invariant(invariant) => invariant.expired(look),
            Self::Stable(stable) => stable.expired(look),
            Self::Until(until) => until.expired(look),
            Self::After(after) => after.expired(look),
            Self::Eventually { .. } | Self::Order(_) | Self::Count(_) => None,
        }
    }

    /// Its time is over. `None` when what it waits for may come later.
    pub(super) fn end(&mut self, look: &Look<'_>, ending: &Ending) -> Option<Decision> {
        match self {
            Self::Eventually { condition } => Some(eventually::end(*condition, look, ending)),
            Self::Invariant(invariant) => Some(invariant.end(look)),
            Self::Stable(stable) => Some(stable.end(look, ending)),
            Self::Until(until) => Some(until.end(look, ending)),
            Self::Order(order) => Some(order.end(look, ending)),
            Self::Count(count) => Some(count.end(look)),
            Self::After(after) => after.end(look, ending),
        }
    }
}
