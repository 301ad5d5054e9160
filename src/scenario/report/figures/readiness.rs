use serde_json::Value;

use super::Figure;
use crate::scenario::history::Moment;
use crate::scenario::report::fields::{controller, number};
use crate::scenario::report::lifetime::{Lifetime, Lifetimes};

/// The kinds of workloads, with the fields of the requested and of the ready pods.
const WORKLOADS: [(&str, &str, &str); 4] = [
    ("Deployment", "/spec/replicas", "/status/readyReplicas"),
    ("ReplicaSet", "/spec/replicas", "/status/readyReplicas"),
    ("StatefulSet", "/spec/replicas", "/status/readyReplicas"),
    ("DaemonSet", "/status/desiredNumberScheduled", "/status/numberReady"),
];

/// The time to the first ready pod and to all ready pods, for each workload that the run created.
/// Workloads with a controller, such as the ReplicaSets of a Deployment, do not count.
pub(super) fn figures(lifetimes: &Lifetimes) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (kind, desired, ready) in WORKLOADS {
        for workload in lifetimes.of_kind(kind) {
            let (Some(created), Some(first)) = (workload.created, workload.versions.first()) else {
                continue;
            };
            let wants_none = kind != "DaemonSet" && number(&first.object, desired) == Some(0);
            if controller(&first.object).is_none() && !wants_none {
                figures.extend(of(workload, created, desired, ready));
            }
        }
    }
    figures
}

fn of(workload: &Lifetime, created: Moment, desired: &str, ready: &str) -> [Figure; 2] {
    let is_observed = |object: &Value| {
        number(object, "/status/observedGeneration").unwrap_or_default()
            >= number(object, "/metadata/generation").unwrap_or_default()
    };
    let ready = |object: &Value| number(object, ready).unwrap_or_default();
    let desired = |object: &Value| number(object, desired).unwrap_or(1).max(1);
    let first = workload.first_where(created, |object| ready(object) > 0);
    let all = workload
        .first_where(created, |object| is_observed(object) && ready(object) >= desired(object));
    let since = |moment: Option<Moment>| moment.map(|moment| moment - created);
    let of = workload.name.to_string();
    [
        Figure::time(
            "time to first ready",
            &of,
            since(first),
            "from its creation until its status reports a ready pod",
        ),
        Figure::time(
            "time to all ready",
            &of,
            since(all),
            "from its creation until its status reports all requested pods as ready",
        ),
    ]
}
