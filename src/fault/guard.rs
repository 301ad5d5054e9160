use std::collections::BTreeSet;

use crate::failure::Failure;

use super::action::{Action, Impact, Subject};
use super::journal::Entry;
use super::targeting::View;

/// Refuses what would take, together with what is active already, every node, every API server or
/// etcd's quorum.
pub(super) fn check(actions: &[Action], active: &[Entry], view: &View) -> Result<(), Failure> {
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
    // An API server keeps to the member of etcd beside it.
    let api_servers = without(&[Impact::Node, Impact::ApiServer, Impact::Etcd]);
    let members = without(&[Impact::Node, Impact::Etcd]);
    let left = |lost: &BTreeSet<&str>| control_planes.difference(lost).count();

    let refusal = if actions.iter().any(|action| action.impact == Impact::Total) {
        "this would take the whole cluster".to_owned()
    } else if view.nodes.iter().all(|node| nodes.contains(node.name.as_str())) {
        "this would take every node of the cluster".to_owned()
    } else if left(&api_servers) == 0 {
        match control_planes.len() {
            1 => "this would take the only control plane".to_owned(),
            count => format!("this would take the API servers of all {count} control planes"),
        }
    } else if left(&members) < control_planes.len() / 2 + 1 {
        format!(
            "this would take etcd's quorum: {} of {} members would be left",
            left(&members),
            control_planes.len()
        )
    } else {
        return Ok(());
    };
    if actions.iter().all(|action| action.impact == Impact::None) {
        return Ok(());
    }
    Err(Failure::input(refusal).with_hint("--allow-total lets it happen"))
}

/// The node that loses something: what happens on one may be about another.
fn hit_node<'a>(subject: &'a Subject, node: &'a str) -> &'a str {
    match subject {
        Subject::Node { name } => name,
        Subject::Pod { .. } => node,
    }
}
