//! Deleting and evicting pods, and reading the fields of a pod that all faults of pods need.

use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::Pod;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cluster::inventory::NodeSummary;
use crate::fault::action::{Action, ApiAction, Subject};
use crate::fault::parameter::is_off;
use crate::fault::refusal::{PodRefusal, Refusal};
use crate::fault::targeting::{PodTargets, View};

/// Parameters of `pod-delete`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct PodDelete {
    /// Delete the pods at once, without a grace period and without waiting for the kubelet
    #[serde(skip_serializing_if = "is_off")]
    pub force: bool,
    #[serde(flatten)]
    pub targets: PodTargets,
}

impl PodDelete {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        if self.force {
            by_api(&self.targets, view, ApiAction::ForceDelete, "force deletes the pod")
        } else {
            by_api(&self.targets, view, ApiAction::Delete, "deletes the pod")
        }
    }
}

pub(super) fn evict(targets: &PodTargets, view: &View) -> Result<Vec<Action>, Refusal> {
    by_api(targets, view, ApiAction::Evict, "evicts the pod")
}

/// These are requests to the API server. The pod can be on a node that is down, or on none yet.
fn by_api(
    targets: &PodTargets,
    view: &View,
    api: ApiAction,
    effect: &str,
) -> Result<Vec<Action>, Refusal> {
    let pods = targets.resolve(view)?;
    Ok(pods
        .into_iter()
        .filter_map(|pod| {
            let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
            let node = node.and_then(|name| view.node(name));
            let node = node.or_else(|| view.control_planes().next())?;
            Some(Action { api: Some(api), ..Action::on(node, subject(pod), effect) })
        })
        .collect())
}

/// The pod as the subject of an action.
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

/// The refusal of a pod.
pub(super) fn refuse(pod: &Pod, reason: PodRefusal) -> Refusal {
    Refusal::Pod { pod: path(pod), reason }
}

/// The node of this cluster that the pod is on.
pub(super) fn node_of<'a>(pod: &Pod, view: &'a View) -> Result<&'a NodeSummary, Refusal> {
    let name = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    let name = name.ok_or_else(|| refuse(pod, PodRefusal::NotScheduled))?;
    let node = view.nodes.iter().find(|node| node.name == name);
    node.ok_or_else(|| refuse(pod, PodRefusal::ForeignNode(name.to_owned())))
}

/// The address of a running pod.
pub(super) fn address(pod: &Pod) -> Result<Ipv4Addr, Refusal> {
    let status = pod.status.as_ref();
    let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    if phase != "Running" {
        return Err(refuse(pod, PodRefusal::NotRunning { phase: phase.to_owned() }));
    }
    let address = status.and_then(|status| status.pod_ip.as_deref());
    let address = address.ok_or_else(|| refuse(pod, PodRefusal::NoAddress))?;
    address.parse().map_err(|_| refuse(pod, PodRefusal::NotIpv4(address.to_owned())))
}

/// Whether the pod uses its node's network.
pub(super) fn is_on_host_network(pod: &Pod) -> bool {
    pod.spec.as_ref().and_then(|spec| spec.host_network).unwrap_or_default()
}
