use std::collections::BTreeSet;

use super::action::{Action, Impact, Subject};
use super::entry::Entry;
use super::refusal::{Loss, Refusal};
use super::targeting::View;

/// Refuses actions that would take down, together with the active faults, every node, every API server
/// or etcd's quorum.
pub(super) fn check(actions: &[Action], active: &[Entry], view: &View) -> Result<(), Refusal> {
    let hit: Vec<(&str, Impact)> = actions
        .iter()
        .map(|action| (hit_node(&action.subject, &action.node), action.impact))
        .chain(active.iter().map(|entry| (hit_node(&entry.subject, &entry.node), entry.impact)))
        .chain(
            view.nodes
                .iter()
                .filter(|node| !node.is_running())
                .map(|node| (node.name.as_str(), Impact::Node)),
        )
        .collect();
    let without = |impacts: &[Impact]| -> BTreeSet<&str> {
        hit.iter().filter(|(_, impact)| impacts.contains(impact)).map(|(node, _)| *node).collect()
    };
    let control_planes: BTreeSet<&str> =
        view.control_planes().map(|node| node.name.as_str()).collect();
    let nodes = without(&[Impact::Node]);
    // An API server uses the member of etcd on its own node.
    let api_servers = without(&[Impact::Node, Impact::ApiServer, Impact::Etcd]);
    let members = without(&[Impact::Node, Impact::Etcd]);
    let left = |lost: &BTreeSet<&str>| control_planes.difference(lost).count();

    let loss = if actions.iter().any(|action| action.impact == Impact::Total) {
        Loss::Cluster
    } else if view.nodes.iter().all(|node| nodes.contains(node.name.as_str())) {
        Loss::EveryNode
    } else if left(&api_servers) == 0 {
        match control_planes.len() {
            1 => Loss::OnlyControlPlane,
            count => Loss::ApiServers(count),
        }
    } else if left(&members) < control_planes.len() / 2 + 1 {
        Loss::Quorum { left: left(&members), all: control_planes.len() }
    } else {
        return Ok(());
    };
    if actions.iter().all(|action| action.impact == Impact::None) {
        return Ok(());
    }
    Err(Refusal::Total(loss))
}

/// The node that is affected. An action on one node can be about another.
fn hit_node<'a>(subject: &'a Subject, node: &'a str) -> &'a str {
    match subject {
        Subject::Node { name } => name,
        Subject::Pod { .. } => node,
    }
}
