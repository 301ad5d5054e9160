use std::time::Duration;

use crate::failure::Failure;

use super::action::Action;
use super::journal::Entry;
use super::kind::FaultKind;
use super::targeting::View;
use super::{conflict, guard};

/// What a user asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What to do, and to whom.
    pub fault: FaultKind,
    /// How long it lasts; `None` until it is healed.
    pub duration: Option<Duration>,
    /// Whether it may take the whole cluster.
    pub allow_total: bool,
}

impl Request {
    /// Checks what can be checked without a cluster.
    ///
    /// # Errors
    /// [`Failure::Input`] for a duration of zero, or one for a fault that is over at once.
    pub fn check(&self) -> Result<(), Failure> {
        if self.duration.is_some_and(|duration| duration.is_zero()) {
            return Err(Failure::input("a fault of no duration has no effect")
                .with_hint("give --for 1s or more, or leave it out and heal by hand"));
        }
        if self.duration.is_some() && self.fault.is_instant() {
            return Err(Failure::input(format!(
                "{} is over as soon as it was done: it takes no duration",
                self.fault.name()
            ))
            .with_hint("leave out --for"));
        }
        Ok(())
    }
}

/// What is going to happen.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultPlan {
    /// Name of this fault, unique in its cluster.
    pub id: String,
    /// The cluster.
    pub cluster: String,
    /// What was asked for.
    pub fault: FaultKind,
    /// What chance chose by; `None` where there was none.
    pub seed: Option<u64>,
    /// How long it lasts; `None` until it is healed.
    pub duration: Option<Duration>,
    /// What happens, container by container.
    pub actions: Vec<Action>,
}

/// Decides what a fault does to a cluster in which `active` faults are.
///
/// # Errors
/// [`Failure::Input`] when a target does not exist or nothing fits, when an active fault is in the
/// way, or when it would take the whole cluster and may not.
pub fn plan(
    request: &Request,
    id: String,
    view: &View,
    active: &[Entry],
) -> Result<FaultPlan, Failure> {
    request.check()?;
    let actions = request.fault.actions(view)?;
    conflict::check(&actions, active)?;
    for action in actions.iter().filter(|action| !action.is_for_api_only()) {
        let node = view.nodes.iter().find(|node| node.name == action.node);
        if let Some(node) = node.filter(|node| !node.is_running()) {
            return Err(Failure::input(format!("{} is {}, not running", node.name, node.state))
                .with_hint(format!("start it first: docker start {}", node.name)));
        }
    }
    if !request.allow_total {
        guard::check(&actions, active, view)?;
    }
    Ok(FaultPlan {
        id,
        cluster: view.cluster.clone(),
        seed: request
            .fault
            .choice()
            .filter(|choice| choice.is_random())
            .map(|choice| choice.seed.unwrap_or(view.seed)),
        fault: request.fault.clone(),
        duration: request.duration,
        actions,
    })
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
