//! Pods that are taken away, and what faults of pods know of a pod.

use std::net::Ipv4Addr;

use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fault::action::{Action, ApiAction, Subject};
use crate::fault::targeting::{PodTargets, View};

/// Pods that are deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodDelete {
    /// Delete at once, without time to end and without waiting for kubelet
    #[arg(long)]
    pub force: bool,
    /// Which pods.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: PodTargets,
}

impl PodDelete {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
        if self.force {
            by_api(&self.targets, view, ApiAction::ForceDelete, "deletes the pod by force")
        } else {
            by_api(&self.targets, view, ApiAction::Delete, "deletes the pod")
        }
    }
}

pub(super) fn evict(targets: &PodTargets, view: &View) -> Result<Vec<Action>, Failure> {
    by_api(targets, view, ApiAction::Evict, "evicts the pod")
}

/// Only the API server is asked. A pod may be on a node that is down, or on none yet.
fn by_api(
    targets: &PodTargets,
    view: &View,
    api: ApiAction,
    effect: &str,
) -> Result<Vec<Action>, Failure> {
    let first = view.control_planes().next().map(|node| node.name.as_str()).unwrap_or_default();
    let pods = targets.resolve(view)?;
    Ok(pods
        .into_iter()
        .map(|pod| {
            let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
            let node = node.and_then(|name| view.node(name)).map(|node| node.name.as_str());
            Action { api: Some(api), ..Action::on(node.unwrap_or(first), subject(pod), effect) }
        })
        .collect())
}

/// A pod as the subject of an action.
pub(super) fn subject(pod: &Pod) -> Subject {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    Subject::Pod {
        namespace: text(&pod.metadata.namespace),
        name: text(&pod.metadata.name),
        uid: text(&pod.metadata.uid),
    }
}

/// The pod as errors name it: `pod/shop/web-1`.
pub(super) fn path(pod: &Pod) -> String {
    subject(pod).path()
}

/// The node of this cluster that a pod is on.
pub(super) fn node_of<'a>(pod: &Pod, view: &'a View) -> Result<&'a str, Failure> {
    let name = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    let Some(name) = name else {
        return Err(Failure::input(format!("{} is on no node yet", path(pod)))
            .with_hint("wait until it runs"));
    };
    let node = view.nodes.iter().find(|node| node.name == name);
    node.map(|node| node.name.as_str()).ok_or_else(|| {
        Failure::input(format!("{} is on {name}, which is no node made by kindrs", path(pod)))
    })
}

/// The address of a pod that runs.
pub(super) fn address(pod: &Pod) -> Result<Ipv4Addr, Failure> {
    let status = pod.status.as_ref();
    let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    if phase != "Running" {
        return Err(Failure::input(format!("{} does not run: it is {phase}", path(pod))));
    }
    let address = status.and_then(|status| status.pod_ip.as_deref());
    let Some(address) = address else {
        return Err(Failure::input(format!("{} has no address yet", path(pod)))
            .with_hint("wait until it is Running"));
    };
    address.parse().map_err(|_| {
        Failure::input(format!("{} has an address that is no IPv4 one: {address}", path(pod)))
    })
}

/// Whether a pod uses its node's network.
pub(super) fn is_on_host_network(pod: &Pod) -> bool {
    pod.spec.as_ref().and_then(|spec| spec.host_network).unwrap_or_default()
}
