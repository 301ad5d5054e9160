//! Names of nodes that the cluster does not have.

use super::context::{Context, does_not_exist};
use super::finding::Findings;
use super::planned_nodes::is_node;
use crate::scenario::language::Action;
use crate::yaml::nearest;

pub(super) fn node_names(context: &Context<'_>, found: &mut Findings<'_>) {
    let parts = &context.parts;
    let mut check = |path: &str, name: &str| check_node(context, found, path, name, false);
    for at in &parts.steps {
        let path = at.action_path();
        match &at.step.action {
            Action::Cordon(cordon) => all_nodes(&path, &cordon.nodes, &mut check),
            Action::Taint(taint) => all_nodes(&path, &taint.nodes, &mut check),
            Action::Drain(drain) => check(&format!("{path}.node"), &drain.node),
            _ => {}
        }
    }
    for (path, objects) in &parts.objects {
        if let Some((kind, name)) = objects.kind_and_name()
            && is_node(kind)
        {
            check(&format!("{path}.object"), name);
        }
    }
    for (path, selection) in &parts.selections {
        if let Some(name) = selection.name.as_ref().filter(|_| is_node(&selection.kind)) {
            check(&format!("{path}.name"), name);
        }
    }
}

fn all_nodes(path: &str, names: &[String], check: &mut dyn FnMut(&str, &str)) {
    for (index, name) in names.iter().enumerate() {
        check(&format!("{path}.nodes[{index}]"), name);
    }
}

/// Checks that the cluster has a node. In faults, a name can be short: without the cluster's name.
pub(super) fn check_node(
    context: &Context<'_>,
    found: &mut Findings<'_>,
    path: &str,
    name: &str,
    can_be_short: bool,
) {
    let Some(nodes) = &context.nodes else { return };
    let cluster = context.cluster_name();
    let full = format!("{cluster}-{name}");
    if nodes.has(name) || (can_be_short && nodes.has(&full)) {
        return;
    }
    let names: Vec<&str> = nodes.names.iter().map(String::as_str).collect();
    let near = match nodes.has(&full) {
        true => Some(full),
        false => nearest(name, &names).map(str::to_owned),
    };
    // As one writes it in a scenario.
    let near = near.map(|near| match near.strip_prefix(&format!("{cluster}-")) {
        Some(rest) if can_be_short => rest.to_owned(),
        Some(rest) => format!("${{cluster}}-{rest}"),
        None => near,
    });
    let message = does_not_exist("node", name, "the cluster has", &names, near.is_some());
    found.error("unknown-node", path, message).suggest(near);
}
