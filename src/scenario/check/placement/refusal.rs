use std::fmt;

use k8s_openapi::api::core::v1::{Node, Pod};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::situation::Situation;
use super::{inter_pod, node, node_affinity, ports, resources, spread};

/// Why a node does not take a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    pub node: String,
    /// At least one reason, as `had untolerated taint {dedicated: gpu}`.
    pub reasons: Vec<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.node, self.reasons.join(", "))
    }
}

/// Why each of `nodes` does not take `pod`, given all `pods` of the cluster: nothing for a node that
/// would take it. In the order of `nodes`.
///
/// All reasons are given, while kube-scheduler stops at a node's first. What cannot be read as a node
/// or a pod is left out.
pub fn refusals(pod: &Value, nodes: &[&Value], pods: &[&Value]) -> Vec<Refusal> {
    let Ok(pod) = Pod::deserialize(pod) else { return Vec::new() };
    let nodes: Vec<Node> = nodes.iter().filter_map(|node| Node::deserialize(*node).ok()).collect();
    let pods: Vec<Pod> = pods.iter().filter_map(|pod| Pod::deserialize(*pod).ok()).collect();
    let situation = Situation::new(&pod, &nodes, &pods);
    let spread = spread::Constraints::new(&situation);
    let refused = situation.nodes.iter().enumerate().map(|(index, node)| {
        let mut reasons = node::reasons(&pod, node);
        reasons.extend(node_affinity::reasons(&pod, node));
        reasons.extend(resources::reasons(&situation, index));
        reasons.extend(ports::reasons(&situation, index));
        reasons.extend(inter_pod::reasons(&situation, index));
        reasons.extend(spread.reasons(&situation, index));
        Refusal { node: node.metadata.name.clone().unwrap_or_default(), reasons }
    });
    refused.filter(|refusal| !refusal.reasons.is_empty()).collect()
}
