use serde_json::Value;

use super::Figure;
use crate::scenario::history::{Change, Entry, FaultState, Moment};
use crate::scenario::report::lives::{Life, Lives};
use crate::scenario::report::object::{
    MIRROR, condition, controller, is_ready, is_terminating, list, text,
};

/// A node that was Ready and is so no more.
struct Loss<'a> {
    node: &'a Life,
    /// When it began, as far as that is known.
    start: Moment,
    /// What that moment is.
    started_by: String,
    not_ready: Moment,
    /// When it was Ready again, else the record's end.
    until: Moment,
}

/// For every loss of a node: when Kubernetes saw it, what became of its pods, and when others stood
/// in for them.
pub(super) fn figures(lives: &Lives, history: &[Entry]) -> Vec<Figure> {
    let nodes = lives.of_kind("Node");
    let losses = nodes.flat_map(|node| losses(node, lives, history));
    losses.flat_map(|loss| of(&loss, lives)).collect()
}

fn losses<'a>(node: &'a Life, lives: &Lives, history: &[Entry]) -> Vec<Loss<'a>> {
    let mut losses: Vec<Loss<'a>> = Vec::new();
    let mut last_ready: Option<Moment> = None;
    let mut is_lost = false;
    for version in &node.versions {
        let there = node.gone != Some(version.at);
        if there && is_ready(&version.object) {
            if let Some(loss) = losses.last_mut().filter(|_| is_lost) {
                loss.until = version.at;
            }
            is_lost = false;
            last_ready = Some(version.at);
        } else if let Some(ready) = last_ready.filter(|_| !is_lost) {
            is_lost = true;
            let earliest = losses.last().map(|loss| loss.until).unwrap_or_default();
            let (start, started_by) = start(node, earliest, version.at, ready, lives, history);
            let until = lives.end;
            losses.push(Loss { node, start, started_by, not_ready: version.at, until });
        }
    }
    losses
}

/// When a loss began: with the last fault on the node since `earliest`, else when the node last
/// showed itself.
fn start(
    node: &Life,
    earliest: Moment,
    not_ready: Moment,
    ready: Moment,
    lives: &Lives,
    history: &[Entry],
) -> (Moment, String) {
    let path = format!("node/{}", node.name.name);
    let mut before = history.iter().filter(|entry| entry.at >= earliest && entry.at <= not_ready);
    let fault = before.rfind(|entry| match &entry.change {
        Change::Fault(fault) => {
            fault.state == FaultState::Injected
                && fault.actions.iter().any(|action| action.target == path)
        }
        _ => false,
    });
    if let Some(Entry { at, change: Change::Fault(fault) }) = fault {
        return (*at, format!("from the fault {}", fault.fault));
    }
    let leases = lives.of_kind("Lease").filter(|lease| {
        lease.name.namespace == "kube-node-lease" && lease.name.name == node.name.name
    });
    let renewed = leases
        .flat_map(|lease| &lease.versions)
        .map(|version| version.at)
        .filter(|at| *at <= not_ready)
        .max();
    match renewed.filter(|renewed| *renewed > ready) {
        Some(renewed) => (renewed, "from the last renewal of its Lease".to_owned()),
        None => (ready, "from the last time it was heard to be Ready".to_owned()),
    }
}

fn of(loss: &Loss<'_>, lives: &Lives) -> Vec<Figure> {
    let name = loss.node.name.to_string();
    let since = |moment: Option<Moment>| moment.map(|moment| moment - loss.start);
    let figure = |what: &str, moment: Option<Moment>, to: &str| {
        Figure::time(what, &name, since(moment), format!("{} to {to}", loss.started_by))
    };
    let mut figures = vec![figure(
        "time to NotReady",
        Some(loss.not_ready),
        "its condition Ready being no longer True",
    )];
    let within = |moment: &Moment| *moment >= loss.start && *moment <= loss.until;

    let taint = loss.node.first_where(loss.start, is_tainted).filter(within);
    if taint.is_some() {
        let to = "its taint not-ready or unreachable with NoExecute";
        figures.push(figure("time to NoExecute taint", taint, to));
    }
    let evicted = evicted(loss, lives);
    let (Some(first), Some(last)) = (evicted.first(), evicted.last()) else { return figures };
    let pods = match evicted.len() {
        1 => "its pod".to_owned(),
        number => format!("the first of {number} pods"),
    };
    let to = format!("the deletionTimestamp of {pods}");
    figures.push(figure("time to eviction", Some(first.1), &to));
    if last.1 > first.1 {
        let to = format!("the deletionTimestamp of the last of {} pods", evicted.len());
        figures.push(figure("time to eviction of all", Some(last.1), &to));
    }
    if let Some(gone) = evicted.iter().map(|(pod, _)| pod.gone).collect::<Option<Vec<_>>>() {
        let to = "its evicted pods being gone";
        figures.push(figure("time to pods gone", gone.into_iter().max(), to));
    }
    figures.extend(replacement(loss, &evicted, lives, &figure));
    figures
}

fn is_tainted(node: &Value) -> bool {
    list(node, "/spec/taints").iter().any(|taint| {
        let key = text(taint, "/key");
        text(taint, "/effect") == "NoExecute"
            && (key == "node.kubernetes.io/unreachable" || key == "node.kubernetes.io/not-ready")
    })
}

/// The node's pods that were deleted or marked for it while it was lost, in the order of that. Pods of
/// DaemonSets and of the node's own files belong to the node and are not counted.
fn evicted<'a>(loss: &Loss<'_>, lives: &'a Lives) -> Vec<(&'a Life, Moment)> {
    let mut evicted: Vec<(&Life, Moment)> = lives
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
            marked.or(pod.gone).filter(|at| *at <= loss.until).map(|at| (pod, at))
        })
        .collect();
    evicted.sort_by_key(|(_, at)| *at);
    evicted
}

/// Each evicted pod with a controller is owed another one: the first that the controller makes from
/// the first eviction on.
fn replacement(
    loss: &Loss<'_>,
    evicted: &[(&Life, Moment)],
    lives: &Lives,
    figure: &impl Fn(&str, Option<Moment>, &str) -> Figure,
) -> Vec<Figure> {
    let owner = |pod: &Life| {
        pod.last().and_then(controller).map(|(_, _, uid)| uid.to_owned()).unwrap_or_default()
    };
    let mut owed: Vec<(String, Moment, usize)> = Vec::new();
    for (pod, at) in evicted {
        let owner = owner(pod);
        match owed.iter_mut().find(|(known, ..)| *known == owner) {
            _ if owner.is_empty() => {}
            Some((_, _, number)) => *number += 1,
            None => owed.push((owner, *at, 1)),
        }
    }
    let number: usize = owed.iter().map(|(_, _, number)| number).sum();
    if number == 0 {
        return Vec::new();
    }
    let made: Vec<&Life> = owed
        .iter()
        .flat_map(|(uid, from, number)| {
            let pods = lives.of_kind("Pod");
            pods.filter(|pod| pod.created.is_some_and(|created| created >= *from))
                .filter(|pod| owner(pod) == *uid)
                .take(*number)
        })
        .collect();
    let ready: Vec<Moment> = made
        .iter()
        .filter_map(|pod| pod.first_where(pod.first(), |pod| condition(pod, "Ready") == "True"))
        .collect();
    let all = (ready.len() == number).then(|| ready.into_iter().max()).flatten();
    let node = &loss.node.name.name;
    vec![
        figure(
            "time to replacement",
            made.iter().map(|pod| pod.first()).min(),
            "the first pod that its controller makes for an evicted one",
        ),
        figure(
            "time to all ready",
            all,
            &format!("as many new pods being Ready as were evicted from {node} ({number})"),
        ),
    ]
}
