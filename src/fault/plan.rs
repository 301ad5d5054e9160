use std::time::Duration;

use crate::config::ContainerRole;

use super::action::{Action, Impact};
use super::entry::Entry;
use super::kind::FaultKind;
use super::parameter::Whole;
use super::refusal::Refusal;
use super::targeting::View;
use super::{conflict, guard};

#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub fault: FaultKind,
    /// How long the fault lasts; `None` until it is healed.
    pub duration: Option<Duration>,
    pub allow_total: bool,
}

impl Request {
    /// Checks everything that does not depend on a cluster.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.duration.is_some_and(|duration| duration.is_zero()) {
            return Err(Refusal::NoDuration);
        }
        if self.duration.is_some() && self.fault.is_instant() {
            return Err(Refusal::EndsAtOnce(self.fault.name()));
        }
        self.fault.check()
    }
}

/// What a fault does to a cluster, decided before anything changes.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultPlan {
    /// The ID of the fault, unique in its cluster.
    pub id: String,
    pub cluster: String,
    pub fault: FaultKind,
    pub seed: Option<u64>,
    pub duration: Option<Duration>,
    pub actions: Vec<Action>,
}

impl FaultPlan {
    /// Whether a control plane is affected, so that its API server may not accept Events afterwards.
    pub fn affects_control_plane(&self) -> bool {
        self.actions.iter().any(|action| {
            action.impact != Impact::None && action.role == ContainerRole::CONTROL_PLANE
        })
    }
}

/// Decides what a fault does to a cluster with these `active` faults.
/// Fails if a target does not exist or none matches, if an active fault is in the way, or if the
/// cluster would lose too much.
pub fn plan(
    request: &Request,
    id: String,
    view: &View,
    active: &[Entry],
) -> Result<FaultPlan, Refusal> {
    request.check()?;
    let actions = request.fault.actions(view)?;
    conflict::check(&actions, active)?;
    for action in actions.iter().filter(|action| !action.is_for_api_only()) {
        let node = view.nodes.iter().find(|node| node.name == action.node);
        if let Some(node) = node.filter(|node| !node.is_running()) {
            return Err(Refusal::NotRunning { node: node.name.clone(), state: node.state });
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
            .map(|choice| choice.seed.map_or(view.seed, Whole::get)),
        fault: request.fault.clone(),
        duration: request.duration,
        actions,
    })
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
