use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::scenario::check::placement;
use crate::scenario::history::Moment;
use crate::scenario::judge::{Breach, ObjectName};
use crate::scenario::report::lives::{Life, Lives};
use crate::scenario::report::object::{text, unschedulable};

/// How many pods are explained at most.
const MOST: usize = 5;
/// How long a pod has no node before that is worth a word: the scheduler takes its time too.
const PATIENCE: Duration = Duration::from_secs(2);

/// A pod that no node took.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingPod {
    /// The pod.
    pub pod: ObjectName,
    /// What the scheduler said of it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why each node refused it, in the order in which nodes are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<NodeRefusal>,
}

/// Why a node did not take a pod.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeRefusal {
    /// The node.
    pub node: String,
    /// The reasons.
    pub reasons: Vec<String>,
}

/// The pods that had no node at a moment: of the breached objects and what they control; of all, where
/// no object is named.
pub(super) fn pending_pods(moment: Moment, breaches: &[Breach], lives: &Lives) -> Vec<PendingPod> {
    let breached: HashSet<&str> =
        breaches.iter().map(|breach| breach.object.uid.as_str()).collect();
    let owned: HashSet<&str> = lives
        .descendants(&breached, moment)
        .into_iter()
        .map(|life| life.name.uid.as_str())
        .collect();
    let concerned = |life: &Life| {
        let uid = life.name.uid.as_str();
        breaches.is_empty() || breached.contains(uid) || owned.contains(uid)
    };
    let nodes = lives.objects_at("Node", moment);
    let pods = lives.objects_at("Pod", moment);
    lives
        .of_kind("Pod")
        .filter(|life| concerned(life))
        .filter_map(|life| Some((life, life.at(moment)?.object.as_ref())))
        .filter(|(_, pod)| is_unplaced(pod))
        .filter_map(|(life, pod)| {
            let refusal = unschedulable(pod).map(str::to_owned);
            let message = refusal.or_else(|| last_failure(life, moment, lives));
            if message.is_none() && moment - life.first() < PATIENCE {
                return None;
            }
            let refusals = refusals(pod, &nodes, &pods);
            Some(PendingPod { pod: life.name.clone(), message, refusals })
        })
        .take(MOST)
        .collect()
}

fn is_unplaced(pod: &Value) -> bool {
    text(pod, "/status/phase") == "Pending" && text(pod, "/spec/nodeName").is_empty()
}

/// The message of the last Event FailedScheduling of a pod.
fn last_failure(pod: &Life, moment: Moment, lives: &Lives) -> Option<String> {
    let events = lives.of_kind("Event").filter(|event| event.first() <= moment);
    let last = events.filter_map(Life::last).rfind(|event| {
        text(event, "/reason") == "FailedScheduling"
            && text(super::surroundings::involved(event), "/uid") == pod.name.uid
    })?;
    let message = match text(last, "/message") {
        "" => text(last, "/note"),
        message => message,
    };
    Some(message.to_owned())
}

/// Why each node refused the pod; of one that would have taken it, that is said.
fn refusals(pod: &Value, nodes: &[&Value], pods: &[&Value]) -> Vec<NodeRefusal> {
    let mut refused = placement::refusals(pod, nodes, pods).into_iter().peekable();
    nodes
        .iter()
        .map(|node| {
            let node = text(node, "/metadata/name").to_owned();
            let reasons = refused.next_if(|refusal| refusal.node == node);
            let mut reasons = reasons.map(|refusal| refusal.reasons).unwrap_or_else(|| {
                vec!["nothing known is in the way: it would take the pod".to_owned()]
            });
            // Two taints of one key differ in their effect only.
            reasons.dedup();
            NodeRefusal { node, reasons }
        })
        .collect()
}
