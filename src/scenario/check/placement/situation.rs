use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, Pod, PodSpec};

/// A pod without a node, and the cluster to place it in.
pub(super) struct Situation<'a> {
    pub pod: &'a Pod,
    pub nodes: &'a [Node],
    /// The other pods, with the index of their node.
    pub placed: Vec<Placed<'a>>,
}

/// A pod on a node.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub pod: &'a Pod,
    pub node: usize,
    /// Whether the node is only nominated, until the pods that it preempts are deleted.
    pub is_nominated: bool,
}

impl<'a> Situation<'a> {
    /// Includes the pods that are bound to one of the nodes and have not finished and, as in
    /// kube-scheduler, those with a nominated node, unless their priority is lower.
    pub fn new(pod: &'a Pod, nodes: &'a [Node], pods: &'a [Pod]) -> Self {
        let by_name: BTreeMap<&str, usize> = nodes
            .iter()
            .enumerate()
            .filter_map(|(index, node)| Some((node.metadata.name.as_deref()?, index)))
            .collect();
        let placed = pods.iter().filter(|other| !is_same(other, pod)).filter_map(|other| {
            let status = other.status.as_ref();
            if matches!(status.and_then(|s| s.phase.as_deref()), Some("Succeeded" | "Failed")) {
                return None;
            }
            if let Some(name) = spec(other).and_then(|spec| spec.node_name.as_deref()) {
                let node = *by_name.get(name)?;
                return Some(Placed { pod: other, node, is_nominated: false });
            }
            let name = status.and_then(|status| status.nominated_node_name.as_deref())?;
            let node = *by_name.get(name)?;
            let is_nominated = priority(other) >= priority(pod);
            is_nominated.then_some(Placed { pod: other, node, is_nominated })
        });
        Self { pod, nodes, placed: placed.collect() }
    }

    pub fn on(&self, node: usize) -> impl Iterator<Item = &Placed<'a>> {
        self.placed.iter().filter(move |placed| placed.node == node)
    }

    /// A label of a node.
    pub fn label(&self, node: usize, key: &str) -> Option<&'a str> {
        label(self.nodes.get(node)?.metadata.labels.as_ref(), key)
    }
}

pub(super) fn label<'a>(
    labels: Option<&'a BTreeMap<String, String>>,
    key: &str,
) -> Option<&'a str> {
    labels?.get(key).map(String::as_str)
}

pub(super) fn spec(pod: &Pod) -> Option<&PodSpec> {
    pod.spec.as_ref()
}

pub(super) fn namespace(pod: &Pod) -> &str {
    pod.metadata.namespace.as_deref().unwrap_or("default")
}

/// Such as `Pod default/web`.
pub(super) fn name(pod: &Pod) -> String {
    format!("Pod {}/{}", namespace(pod), pod.metadata.name.as_deref().unwrap_or_default())
}

/// The last part of a label's key, such as `zone`.
pub(super) fn short(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

fn priority(pod: &Pod) -> i32 {
    spec(pod).and_then(|spec| spec.priority).unwrap_or_default()
}

fn is_same(one: &Pod, other: &Pod) -> bool {
    match (&one.metadata.uid, &other.metadata.uid) {
        (Some(one), Some(other)) => one == other,
        _ => {
            one.metadata.name.is_some()
                && one.metadata.name == other.metadata.name
                && namespace(one) == namespace(other)
        }
    }
}
