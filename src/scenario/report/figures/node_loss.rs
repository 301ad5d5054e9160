use serde_json::Value;

use super::Figure;
use crate::scenario::history::Moment;
use crate::scenario::report::fields::{MIRROR, controller, is_ready, is_terminating, list, text};
use crate::scenario::report::format;
use crate::scenario::report::lifetime::{Lifetime, Lifetimes};
use crate::scenario::report::periods::FaultPeriod;

/// A period during which a node that had been Ready was not.
struct Loss<'a> {
    node: &'a Lifetime,
    /// The moment of the cause, as far as it is known.
    start: Moment,
    /// The cause, such as `from the fault node-stop`.
    started_by: String,
    not_ready: Moment,
    /// When the node was Ready again, or the end of the record.
    until: Moment,
}

/// For every loss of a node: when Kubernetes noticed it, evicted its pods and replaced them.
pub(super) fn figures(lifetimes: &Lifetimes, faults: &[FaultPeriod]) -> Vec<Figure> {
    let nodes = lifetimes.of_kind("Node");
    let losses = nodes.flat_map(|node| losses(node, lifetimes, faults));
    losses.flat_map(|loss| of(&loss, lifetimes)).collect()
}

fn losses<'a>(node: &'a Lifetime, lifetimes: &Lifetimes, faults: &[FaultPeriod]) -> Vec<Loss<'a>> {
    let mut losses: Vec<Loss<'a>> = Vec::new();
    let mut last_ready: Option<Moment> = None;
    let mut is_lost = false;
    for version in &node.versions {
        let exists = node.deleted != Some(version.at);
        if exists && is_ready(&version.object) {
            if let Some(loss) = losses.last_mut().filter(|_| is_lost) {
                loss.until = version.at;
            }
            is_lost = false;
            last_ready = Some(version.at);
        } else if let Some(ready) = last_ready.filter(|_| !is_lost) {
            is_lost = true;
            let earliest = losses.last().map(|loss| loss.until).unwrap_or_default();
            let (start, started_by) = start(node, earliest, version.at, ready, lifetimes, faults);
            let until = lifetimes.end;
            losses.push(Loss { node, start, started_by, not_ready: version.at, until });
        }
    }
    losses
}

/// When a loss started, and by what: the last fault on the node since `earliest`, or the last sign
/// of life of the node.
fn start(
    node: &Lifetime,
    earliest: Moment,
    not_ready: Moment,
    ready: Moment,
    lifetimes: &Lifetimes,
    faults: &[FaultPeriod],
) -> (Moment, String) {
    let path = format!("node/{}", node.name.name);
    let fault = faults.iter().rfind(|fault| {
        fault.injected >= earliest
            && fault.injected <= not_ready
            && fault.fault.actions.iter().any(|action| action.target == path)
    });
    if let Some(fault) = fault {
        return (fault.injected, format!("from the fault {}", fault.fault.fault));
    }
    let leases = lifetimes.of_kind("Lease").filter(|lease| {
        lease.name.namespace == "kube-node-lease" && lease.name.name == node.name.name
    });
    let renewed = leases
        .flat_map(|lease| &lease.versions)
        .map(|version| version.at)
        .filter(|at| *at <= not_ready)
        .max();
    match renewed.filter(|renewed| *renewed > ready) {
        Some(renewed) => (renewed, "from the last renewal of its Lease".to_owned()),
        None => (ready, "from the last time it was seen Ready".to_owned()),
    }
}

fn of(loss: &Loss<'_>, lifetimes: &Lifetimes) -> Vec<Figure> {
    let name = loss.node.name.to_string();
    let figure = |what: &'static str, moment: Option<Moment>, until: &str| {
        let time = moment.map(|moment| moment - loss.start);
        Figure::time(what, &name, time, format!("{} until {until}", loss.started_by))
    };
    let mut figures = vec![figure(
        "time to NotReady",
        Some(loss.not_ready),
        "its condition Ready is no longer True",
    )];
    let within = |moment: &Moment| *moment >= loss.start && *moment <= loss.until;

    let taint = loss.node.first_where(loss.start, is_tainted).filter(within);
    if taint.is_some() {
        let until = "it has the taint not-ready or unreachable with the effect NoExecute";
        figures.push(figure("time to NoExecute taint", taint, until));
    }
    let evicted = evicted(loss, lifetimes);
    let (Some(first), Some(last)) = (evicted.first(), evicted.last()) else { return figures };
    let (first_pod, last_pod) = match evicted.len() {
        1 => ("its pod".to_owned(), String::new()),
        number => {
            (format!("the first of its {number} pods"), format!("the last of its {number} pods"))
        }
    };
    let until = format!("{first_pod} has a deletionTimestamp");
    figures.push(figure("time to eviction", Some(first.1), &until));
    if last.1 > first.1 {
        let until = format!("{last_pod} has a deletionTimestamp");
        figures.push(figure("time to eviction of all", Some(last.1), &until));
    }
    let deleted = evicted.iter().map(|(pod, _)| pod.deleted).collect::<Option<Vec<_>>>();
    if let Some(deleted) = deleted {
        let until = "its evicted pods are deleted";
        figures.push(figure("time to pods deleted", deleted.into_iter().max(), until));
    }
    figures.extend(replacement(&evicted, lifetimes, &figure));
    figures
}

fn is_tainted(node: &Value) -> bool {
    list(node, "/spec/taints").iter().any(|taint| {
        let key = text(taint, "/key");
        text(taint, "/effect") == "NoExecute"
            && (key == "node.kubernetes.io/unreachable" || key == "node.kubernetes.io/not-ready")
    })
}

/// The pods of the node that were deleted or marked for deletion during the loss, in that order.
/// Pods of DaemonSets and static pods belong to the node and do not count.
fn evicted<'a>(loss: &Loss<'_>, lifetimes: &'a Lifetimes) -> Vec<(&'a Lifetime, Moment)> {
    let mut evicted: Vec<(&Lifetime, Moment)> = lifetimes
        .of_kind("Pod")
        .filter(|pod| {
            pod.at(loss.not_ready).is_some_and(|version| {
                let pod = version.object.as_ref();
                text(pod, "/spec/nodeName") == loss.node.name.name
                    && pod.pointer(MIRROR).is_none()
                    && controller(pod).is_none_or(|(kind, ..)| kind != "DaemonSet")
                    && !is_terminating(pod)
            })
        })
        .filter_map(|pod| {
            let marked = pod.first_where(loss.not_ready, is_terminating);
            marked.or(pod.deleted).filter(|at| *at <= loss.until).map(|at| (pod, at))
        })
        .collect();
    evicted.sort_by_key(|(_, at)| *at);
    evicted
}

/// For each evicted pod with a controller, one replacement is due: the first pod that the
/// controller creates after its first pod was evicted, then the second, and so on.
fn replacement(
    evicted: &[(&Lifetime, Moment)],
    lifetimes: &Lifetimes,
    figure: &impl Fn(&'static str, Option<Moment>, &str) -> Figure,
) -> Vec<Figure> {
    let owner = |pod: &Lifetime| {
        pod.last().and_then(controller).map(|(_, _, uid)| uid.to_owned()).unwrap_or_default()
    };
    // The controllers' uids, when their first pod was evicted, and how many pods they lost.
    let mut due: Vec<(String, Moment, usize)> = Vec::new();
    for (pod, at) in evicted {
        let owner = owner(pod);
        match due.iter_mut().find(|(known, ..)| *known == owner) {
            _ if owner.is_empty() => {}
            Some((_, _, number)) => *number += 1,
            None => due.push((owner, *at, 1)),
        }
    }
    let number: usize = due.iter().map(|(_, _, number)| number).sum();
    if number == 0 {
        return Vec::new();
    }
    let created: Vec<&Lifetime> = due
        .iter()
        .flat_map(|(uid, from, number)| {
            let pods = lifetimes.of_kind("Pod");
            pods.filter(|pod| pod.created.is_some_and(|created| created >= *from))
                .filter(|pod| owner(pod) == *uid)
                .take(*number)
        })
        .collect();
    let ready: Vec<Moment> =
        created.iter().filter_map(|pod| pod.first_where(pod.first(), is_ready)).collect();
    let all = (ready.len() == number).then(|| ready.into_iter().max()).flatten();
    let pods = format::count(number, "pod");
    let first = created.iter().map(|pod| pod.first()).min();
    vec![
        figure("time to replacement", first, "a controller creates the first replacement pod"),
        figure(
            "time to all ready",
            all,
            &format!("every evicted pod has a Ready replacement ({pods})"),
        ),
    ]
}
