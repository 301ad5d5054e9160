use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::scenario::check::placement::{self, Refusal};
use crate::scenario::history::Moment;
use crate::scenario::outcome::{Breach, ObjectName};
use crate::scenario::report::fields::{text, unschedulable};
use crate::scenario::report::kubernetes_event;
use crate::scenario::report::lifetime::{Lifetime, Lifetimes};

/// The largest number of pods that are explained.
const MOST: usize = 5;
/// How long the scheduler may take before an unscheduled pod is worth mentioning.
const PATIENCE: Duration = Duration::from_secs(2);

/// A pod that was not scheduled.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingPod {
    pub pod: ObjectName,
    /// The last message of the scheduler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why the pod does not fit on each node, in the order in which the nodes appeared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Refusal>,
}

/// The pods that were not scheduled at a moment: those among the breached objects and their
/// descendants, or any pods if there are no breached objects.
pub(super) fn pending_pods(
    moment: Moment,
    breaches: &[Breach],
    lifetimes: &Lifetimes,
) -> Vec<PendingPod> {
    let concerned = lifetimes.family(breaches, moment);
    let nodes = lifetimes.objects_at("Node", moment);
    let pods = lifetimes.objects_at("Pod", moment);
    lifetimes
        .of_kind("Pod")
        .filter(|pod| breaches.is_empty() || concerned.contains(pod.name.uid.as_str()))
        .filter_map(|pod| Some((pod, pod.at(moment)?.object.as_ref())))
        .filter(|(_, object)| is_unscheduled(object))
        .filter_map(|(pod, object)| {
            let message = unschedulable(object).or_else(|| last_failure(pod, moment, lifetimes));
            if message.is_none() && moment - pod.first() < PATIENCE {
                return None;
            }
            Some(PendingPod {
                pod: pod.name.clone(),
                message: message.map(str::to_owned),
                refusals: refusals(object, &nodes, &pods),
            })
        })
        .take(MOST)
        .collect()
}

fn is_unscheduled(pod: &Value) -> bool {
    text(pod, "/status/phase") == "Pending" && text(pod, "/spec/nodeName").is_empty()
}

/// The message of the last Event FailedScheduling of a pod.
fn last_failure<'a>(pod: &Lifetime, moment: Moment, lifetimes: &'a Lifetimes) -> Option<&'a str> {
    let events = lifetimes.of_kind("Event").filter(|event| event.first() <= moment);
    let last = events.filter_map(Lifetime::last).rfind(|event| {
        text(event, "/reason") == "FailedScheduling"
            && text(kubernetes_event::involved(event), "/uid") == pod.name.uid
    })?;
    Some(kubernetes_event::message(last))
}

fn refusals(pod: &Value, nodes: &[&Value], pods: &[&Value]) -> Vec<Refusal> {
    let mut refused = placement::refusals(pod, nodes, pods).into_iter().peekable();
    nodes
        .iter()
        .map(|node| {
            let node = text(node, "/metadata/name");
            let known = refused.next_if(|refusal| refusal.node == node);
            let mut refusal = known.unwrap_or_else(|| Refusal {
                node: node.to_owned(),
                reasons: vec!["no known reason: the pod fits on this node".to_owned()],
                lacks_capacity: false,
            });
            // Two taints with the same key differ only in their effect.
            refusal.reasons.dedup();
            refusal
        })
        .collect()
}
