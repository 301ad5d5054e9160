use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, ListParams};

use crate::cluster::access::client;
use crate::cluster::inventory;
use crate::plan::labels;
use crate::runtime::Engine;

use super::kind::{FaultKind, Targets};
use super::refusal::{Error, Refusal};
use super::targeting::{NodeTargets, PodTargets, View};

/// Reads what the plan of a fault needs from a cluster. Uses the API server only if the targets depend
/// on it.
/// Fails if the cluster, a lease or a pod does not exist, if a selector is malformed, or if the API
/// server is needed and does not answer.
pub async fn observe(engine: &dyn Engine, cluster: &str, fault: &FaultKind) -> Result<View, Error> {
    let all = inventory::require(engine, cluster).await?;
    let networks = engine.networks(&labels::in_cluster(cluster)).await?;
    let gateway = networks.iter().flat_map(|network| &network.subnets).next();
    let (nodes, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|node| node.role.is_node());
    let mut view = View {
        cluster: cluster.to_owned(),
        seed: fastrand::u64(..1_000_000_000),
        nodes,
        load_balancer: others.into_iter().next(),
        gateway: gateway.and_then(|subnet| subnet.hosts().next()),
        ..View::default()
    };
    if !view.nodes.iter().any(inventory::NodeSummary::is_running) {
        return Err(
            Refusal::NothingRuns { cluster: cluster.to_owned(), nodes: view.names() }.into()
        );
    }
    match fault.targets() {
        Targets::None => {}
        Targets::Nodes(targets) | Targets::OptionalNodes(targets) => {
            of_nodes(engine, targets, &mut view).await?
        }
        Targets::Pods(targets) => of_pods(engine, targets, &mut view).await?,
    }
    Ok(view)
}

async fn of_nodes(
    engine: &dyn Engine,
    targets: &NodeTargets,
    view: &mut View,
) -> Result<(), Error> {
    if let Some(selector) = &targets.selector {
        let nodes: Api<Node> = Api::all(client(engine, &view.cluster).await?);
        let list = nodes.list(&ListParams::default().labels(selector)).await;
        let list = list.map_err(|error| unanswered(error, "selector", selector))?;
        view.labelled = list.items.into_iter().filter_map(|node| node.metadata.name).collect();
    }
    if let Some(pod) = &targets.running_pod {
        let (namespace, name) = pod.split_once('/').unwrap_or(("default", pod));
        let pods: Api<Pod> = Api::namespaced(client(engine, &view.cluster).await?, namespace);
        let pod = pods.get(name).await;
        let pod = pod.map_err(|error| unanswered(error, "running-pod", name))?;
        if pod.spec.as_ref().is_none_or(|spec| spec.node_name.is_none()) {
            return Err(Refusal::NotScheduled(name.to_owned()).into());
        }
        view.pods = vec![pod];
    }
    if let Some(lease) = &targets.leader_of {
        let node = if &**lease == "etcd" {
            leader_of_etcd(engine, view).await?
        } else {
            leader_of_lease(engine, lease, view).await?
        };
        view.leaders.insert(lease.to_string(), node);
    }
    Ok(())
}

async fn of_pods(engine: &dyn Engine, targets: &PodTargets, view: &mut View) -> Result<(), Error> {
    let client = client(engine, &view.cluster).await?;
    for (namespace, name) in targets.named() {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let pod = pods.get_opt(name).await;
        view.pods.extend(pod.map_err(|error| unanswered(error, "pod", name))?);
    }
    if let Some(selector) = &targets.selector {
        let pods: Api<Pod> = Api::namespaced(client, &targets.namespace);
        let list = pods.list(&ListParams::default().labels(selector)).await;
        let list = list.map_err(|error| unanswered(error, "selector", selector))?;
        for pod in list.items {
            if !view.pods.iter().any(|known| known.metadata.uid == pod.metadata.uid) {
                view.pods.push(pod);
            }
        }
    }
    Ok(())
}

/// The node of etcd's leader, according to the members' own metrics.
async fn leader_of_etcd(engine: &dyn Engine, view: &View) -> Result<String, Error> {
    let command = [
        "sh",
        "-c",
        "curl -s -m 2 http://127.0.0.1:2381/metrics | grep '^etcd_server_is_leader 1'",
    ];
    for node in view.control_planes().filter(|node| node.is_running()) {
        if engine.exec(&node.name, &command, None).await.is_ok_and(|output| output.code == 0) {
            return Ok(node.name.clone());
        }
    }
    Err(Refusal::NoEtcdLeader.into())
}

async fn leader_of_lease(engine: &dyn Engine, lease: &str, view: &View) -> Result<String, Error> {
    let (namespace, name) = lease.split_once('/').unwrap_or(("kube-system", lease));
    let client = client(engine, &view.cluster).await?;
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    let found = leases.get(name).await;
    let found = found.map_err(|error| unanswered(error, "leader-of", lease))?;
    let holder = found.spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
    // Control plane components write NODE_UUID; most programs in pods write the pod's name.
    let holder = holder.split('_').next().unwrap_or_default();
    if let Some(node) = view.node(holder) {
        return Ok(node.name.clone());
    }
    let pods: Api<Pod> = Api::namespaced(client, namespace);
    let pod = if holder.is_empty() { None } else { pods.get_opt(holder).await.ok().flatten() };
    pod.and_then(|pod| pod.spec?.node_name).ok_or_else(|| {
        let (lease, holder) = (lease.to_owned(), holder.to_owned());
        Refusal::UnknownHolder { lease, holder }.into()
    })
}

/// Why the API server did not look up what a parameter names.
fn unanswered(error: kube::Error, parameter: &'static str, value: &str) -> Refusal {
    let value = value.to_owned();
    match error {
        kube::Error::Api(status) if (400..500).contains(&status.code) => {
            Refusal::LookUp { parameter, value, message: status.message }
        }
        error => Refusal::NoApiServer { parameter, value, reason: error.to_string() },
    }
}
