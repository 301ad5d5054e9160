//! Pods that fit no node.

use serde_json::{Value, json};

use super::Capacity;
use super::context::Context;
use super::expected_objects::{Workload, workload};
use super::finding::Findings;
use super::manifests::at_origin;
use crate::scenario::check::placement::{Refusal, refusals};
use crate::scenario::read::Origin;

/// Most replicas of a workload to place.
const MOST_REPLICAS: u64 = 50;
/// Most nodes to give reasons for in a message.
const MOST_NODES: usize = 4;
/// Words of scenarios that expect pods without a node.
const SIGNS_OF_WAITING: [&str; 4] =
    ["Pending", "PodScheduled", "Unschedulable", "FailedScheduling"];

pub(super) fn pods_fit(context: &Context<'_>, found: &mut Findings<'_>) {
    let Some(nodes) = context.changed_nodes() else { return };
    let nodes: Vec<&Value> = nodes.iter().collect();
    let is_expected = expects_waiting(context);
    for applied in context.applied.iter().filter(|applied| applied.apply.refused.is_none()) {
        for manifest in &applied.reading.manifests {
            let Some(workload) = workload(&manifest.value) else { continue };
            let Some(message) = misfit(context, &workload, &nodes) else { continue };
            let origin = manifest.origin_of(workload.path, true);
            let shown = if matches!(origin, Origin::Inline(_)) { "" } else { workload.path };
            at_origin(context, found, "pod-cannot-fit", &applied.path, origin, shown, message)
                .warning_if(is_expected);
        }
    }
}

/// Why some pods of a workload fit no node; `None` if all of them fit.
fn misfit(context: &Context<'_>, workload: &Workload, nodes: &[&Value]) -> Option<String> {
    let mut placed: Vec<Value> = Vec::new();
    for number in 0..workload.replicas.min(MOST_REPLICAS) {
        let mut pod = workload.pod.clone();
        let metadata = &mut pod["metadata"];
        if !metadata.is_object() {
            *metadata = json!({});
        }
        metadata["name"] = format!("replica-{number}").into();
        metadata["uid"] = format!("replica-{number}").into();
        if metadata["namespace"].is_null() {
            metadata["namespace"] = context.scenario.namespace.as_str().into();
        }
        let others: Vec<&Value> = placed.iter().collect();
        let refused = refusals(&pod, nodes, &others);
        let is_free = |node: &&Value| {
            let name = node["metadata"]["name"].as_str().unwrap_or_default();
            !refused.iter().any(|refusal| refusal.node == name)
        };
        // The node with the fewest pods, roughly as kube-scheduler chooses.
        let load = |node: &&Value| {
            let name = &node["metadata"]["name"];
            placed.iter().filter(|pod| pod["spec"]["nodeName"] == *name).count()
        };
        let Some(node) = nodes.iter().copied().filter(is_free).min_by_key(load) else {
            return Some(misfit_message(context.capacity, workload, number, &refused));
        };
        pod["spec"]["nodeName"] = node["metadata"]["name"].clone();
        pod["status"]["phase"] = "Running".into();
        placed.push(pod);
    }
    None
}

fn misfit_message(
    capacity: Capacity,
    workload: &Workload,
    placed: u64,
    refused: &[Refusal],
) -> String {
    let mut reasons: Vec<String> =
        refused.iter().take(MOST_NODES).map(ToString::to_string).collect();
    if refused.len() > MOST_NODES {
        reasons.push(format!("and {} more", refused.len() - MOST_NODES));
    }
    let mut reasons = reasons.join("; ");
    if refused.iter().any(|refusal| refusal.lacks_capacity) {
        let Capacity { cpus, memory } = capacity;
        let gibibytes = memory >> 30;
        reasons.push_str(&format!(
            " (lint assumes {cpus} processors and {gibibytes} GiB of memory on each node)"
        ));
    }
    let what = &workload.what;
    match (placed, workload.replicas) {
        (0, 1) if workload.path == "spec" => format!("{what} fits no node: {reasons}"),
        (0, 1) => format!("the pod of {what} fits no node: {reasons}"),
        (0, _) => format!("the pods of {what} fit no node: {reasons}"),
        (placed, all) => format!("only {placed} of {all} pods of {what} fit: {reasons}"),
    }
}

/// Whether the scenario mentions pods that wait for a node, or changes nodes in ways that lint does not
/// follow: then it may well expect a pod that does not fit.
fn expects_waiting(context: &Context<'_>) -> bool {
    let mut is_expected = context.expected.and_more || context.patches_nodes_by_operations();
    context.variant.root.scalars("", &mut |_, node| {
        let text = node.text().unwrap_or_default();
        is_expected |= SIGNS_OF_WAITING.iter().any(|word| text.contains(word));
    });
    is_expected
}
