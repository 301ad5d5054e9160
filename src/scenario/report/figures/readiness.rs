use super::Figure;
use crate::scenario::history::Moment;
use crate::scenario::report::lives::{Life, Lives};
use crate::scenario::report::object::{controller, number};

use serde_json::Value;

/// The kinds of workloads, and where their objects have the number of pods that there are to be, and
/// of those that are ready.
const WORKLOADS: [(&str, &str, &str); 4] = [
    ("Deployment", "/spec/replicas", "/status/readyReplicas"),
    ("ReplicaSet", "/spec/replicas", "/status/readyReplicas"),
    ("StatefulSet", "/spec/replicas", "/status/readyReplicas"),
    ("DaemonSet", "/status/desiredNumberScheduled", "/status/numberReady"),
];

/// For each workload that was made in the run, and by no other one: the time to its first ready pod
/// and to all.
pub(super) fn figures(lives: &Lives) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (kind, desired, ready) in WORKLOADS {
        for life in lives.of_kind(kind) {
            let (Some(created), Some(first)) = (life.created, life.versions.first()) else {
                continue;
            };
            let wants_none = kind != "DaemonSet" && number(&first.object, desired) == Some(0);
            if controller(&first.object).is_none() && !wants_none {
                figures.extend(of(life, created, desired, ready));
            }
        }
    }
    figures
}

fn of(life: &Life, created: Moment, desired: &str, ready: &str) -> [Figure; 2] {
    let is_observed = |object: &Value| {
        number(object, "/status/observedGeneration").unwrap_or_default()
            >= number(object, "/metadata/generation").unwrap_or_default()
    };
    let ready = |object: &Value| number(object, ready).unwrap_or_default();
    let desired = |object: &Value| number(object, desired).unwrap_or(1).max(1);
    let first = life.first_where(created, |object| ready(object) > 0);
    let all =
        life.first_where(created, |object| is_observed(object) && ready(object) >= desired(object));
    let since = |moment: Option<Moment>| moment.map(|moment| moment - created);
    let of = life.name.to_string();
    [
        Figure::time(
            "time to first ready",
            &of,
            since(first),
            "from its creation until its status counts a ready pod".to_owned(),
        ),
        Figure::time(
            "time to all ready",
            &of,
            since(all),
            "from its creation until its status counts as many ready pods as are to be".to_owned(),
        ),
    ]
}
