use std::fmt;

use k8s_openapi::api::core::v1::{Node, Pod};
use serde::Deserialize;
use serde_json::Value;

use super::situation::Situation;
use super::{inter_pod, node, node_affinity, ports, resources, spread};

/// Why a pod does not fit a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The node's name.
    pub node: String,
    /// At least one reason, such as `had untolerated taint {dedicated: gpu}`.
    pub reasons: Vec<String>,
    /// Whether the node does not have enough cpu or memory.
    pub lacks_capacity: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.node, self.reasons.join(", "))
    }
}

/// Why `pod` does not fit each of `nodes`, given all `pods` of the cluster, in the order of `nodes`.
/// Nothing for a node where it fits.
///
/// Gives all reasons, while kube-scheduler stops at the first one of a node. Ignores values that are not
/// valid nodes or pods.
pub fn refusals(pod: &Value, nodes: &[&Value], pods: &[&Value]) -> Vec<Refusal> {
    let Ok(pod) = Pod::deserialize(pod) else { return Vec::new() };
    let nodes: Vec<Node> = nodes.iter().filter_map(|node| Node::deserialize(*node).ok()).collect();
    let pods: Vec<Pod> = pods.iter().filter_map(|pod| Pod::deserialize(*pod).ok()).collect();
    let situation = Situation::new(&pod, &nodes, &pods);
    let spread = spread::Constraints::new(&situation);
    let refused = situation.nodes.iter().enumerate().map(|(index, node)| {
        let mut reasons = node::reasons(&pod, node);
        reasons.extend(node_affinity::reasons(&pod, node));
        let shortage = resources::shortage(&situation, index);
        reasons.extend(shortage.reasons);
        reasons.extend(ports::reasons(&situation, index));
        reasons.extend(inter_pod::reasons(&situation, index));
        reasons.extend(spread.reasons(&situation, index));
        let node = node.metadata.name.clone().unwrap_or_default();
        Refusal { node, reasons, lacks_capacity: shortage.of_cpu_or_memory }
    });
    refused.filter(|refusal| !refusal.reasons.is_empty()).collect()
}
