use super::after::After;
use super::count::Count;
use super::eventually::Eventually;
use super::invariant::Invariant;
use super::monitor::Monitor;
use super::order::Order;
use super::stable::Stable;
use super::until::Until;
use crate::scenario::judge::program::{ClaimPlan, Rule};

pub fn monitor(plan: &ClaimPlan) -> Box<dyn Monitor> {
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
