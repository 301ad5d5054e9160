use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::Api;
use kube::runtime::watcher;
use kube::{Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::kubernetes::conditions::{is_node_ready, is_pod_ready, pod_reason};
use crate::plan::{ClusterPlan, PodNetwork};
use crate::progress::Stage;
use crate::runtime::Engine;

/// The objects that are not ready yet, for the message when the time is up.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<BTreeMap<&'static str, Vec<String>>>);

impl Waiting {
    fn set(&self, what: &'static str, names: Vec<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(what, names);
    }

    /// All of them, such as `nodes a, b; pods c`.
    pub(super) fn describe(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = all.iter().filter(|(_, names)| !names.is_empty());
        let parts = parts.map(|(what, names)| format!("{what} {}", names.join(", ")));
        parts.collect::<Vec<_>>().join("; ")
    }
}

/// Waits until every node is Ready. If the user installs the CNI plugin, waits until every node is
/// registered: no node can be Ready before the plugin is installed.
pub(super) async fn await_nodes(
    client: &Client,
    plan: &ClusterPlan,
    stage: &Stage,
    all_waiting: &Waiting,
) -> anyhow::Result<()> {
    let wanted: BTreeSet<&str> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
    let without_network = plan.pod_network == PodNetwork::User;
    until(Api::<Node>::all(client.clone()), |nodes| {
        let ready = |name: &&str| {
            nodes.get(*name).is_some_and(|node| without_network || is_node_ready(node))
        };
        let waiting: Vec<&str> = wanted.iter().copied().filter(|name| !ready(name)).collect();
        let done = wanted.len() - waiting.len();
        stage.advance(share(done, wanted.len()), waiting.join(", "));
        let done = waiting.is_empty();
        all_waiting.set("nodes", waiting.into_iter().map(str::to_owned).collect());
        done
    })
    .await
}

/// Waits until every system pod is ready.
pub(super) async fn await_system_pods(
    client: &Client,
    plan: &ClusterPlan,
    stage: &Stage,
    all_waiting: &Waiting,
) -> anyhow::Result<()> {
    let wanted = system_pods(plan);
    let pods: Api<Pod> = Api::namespaced(client.clone(), "kube-system");
    until(pods, |pods| {
        let waiting = missing_pods(&wanted, pods, plan.pod_network == PodNetwork::User);
        stage.advance(
            share(pods.len().saturating_sub(waiting.len()), pods.len().max(1)),
            waiting.join(", "),
        );
        let done = waiting.is_empty();
        all_waiting.set("pods", waiting);
        done
    })
    .await
}

/// Time for the other nodes once cluster DNS answers on one, where the pod network comes with the
/// image.
const OTHER_NODES_PATIENCE: Duration = Duration::from_secs(5);

/// Queries cluster DNS on a node.
const ASK_DNS: &str = include_str!("../../images/scripts/ask-dns");

/// Waits until cluster DNS answers on every node, through the Service's address. Where the pod
/// network comes with the image, one node is enough; returns the names of the nodes on which DNS
/// does not answer soon after.
pub(super) async fn await_dns(
    engine: &dyn Engine,
    plan: &ClusterPlan,
) -> anyhow::Result<Vec<String>> {
    let address = plan.dns_address().to_string();
    let query = ["bash", "-c", ASK_DNS, "ask-dns", &address, &plan.settings.dns_domain];
    let mut answers: FuturesUnordered<_> =
        plan.nodes.iter().map(|node| dns_answers(engine, &node.name, &query)).collect();
    let mut silent: BTreeSet<&str> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
    let mut patience = Duration::MAX;
    while let Ok(Some(answer)) = tokio::time::timeout(patience, answers.next()).await {
        silent.remove(answer.context("cannot query cluster DNS")?);
        if plan.pod_network == PodNetwork::Manifest {
            patience = OTHER_NODES_PATIENCE;
        }
    }
    Ok(silent.into_iter().map(str::to_owned).collect())
}

/// Queries cluster DNS on a node until it answers, and returns the node's name.
async fn dns_answers<'a>(
    engine: &dyn Engine,
    node: &'a str,
    query: &[&str],
) -> anyhow::Result<&'a str> {
    while engine.exec(node, query, None).await?.code != 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(node)
}

/// The likely cause, where kubelet's log on a node has one that the user can fix.
pub(super) async fn diagnose(engine: &dyn Engine, plan: &ClusterPlan) -> Option<Failure> {
    let journal = ["journalctl", "-u", "kubelet", "-n", "400", "--no-pager"];
    for node in &plan.nodes {
        let output = engine.exec(&node.name, &journal, None).await;
        if output.is_ok_and(|output| output.text().contains("too many open files")) {
            return Some(
                Failure::environment(format!(
                    "the cluster is not ready: kubelet on {} has no inotify instances left, because \
                     the host allows too few for this many nodes",
                    node.name
                ))
                .with_hint("run `sudo sysctl fs.inotify.max_user_instances=1024`"),
            );
        }
    }
    None
}

/// The pods that must run in kube-system, as prefixes of their names with a count.
fn system_pods(plan: &ClusterPlan) -> BTreeMap<String, usize> {
    let mut wanted = BTreeMap::new();
    for node in plan.control_planes() {
        for component in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
            wanted.insert(format!("{component}-{}", node.name), 1);
        }
    }
    wanted.insert("kube-proxy-".to_owned(), plan.nodes.len());
    if plan.pod_network != PodNetwork::User {
        wanted.insert("coredns-".to_owned(), 2);
    }
    wanted
}

/// The pods that are missing or not ready, with the reason.
fn missing_pods(
    wanted: &BTreeMap<String, usize>,
    pods: &BTreeMap<String, Pod>,
    without_network: bool,
) -> Vec<String> {
    let mut waiting: Vec<String> = pods
        .values()
        .filter(|pod| !is_pod_ready(pod) && pod.metadata.deletion_timestamp.is_none())
        .filter(|pod| !without_network || on_host_network(pod))
        .map(|pod| format!("{} ({})", pod.name_any(), pod_reason(pod)))
        .collect();
    for (beginning, count) in wanted {
        let there = pods.keys().filter(|name| name.starts_with(beginning.as_str())).count();
        if there < *count {
            waiting.push(format!("{beginning} ({there} of {count})"));
        }
    }
    waiting
}

fn on_host_network(pod: &Pod) -> bool {
    pod.spec.as_ref().and_then(|spec| spec.host_network).unwrap_or(false)
}

/// Watches objects until `done` is true for all that exist, by name.
async fn until<K>(
    api: Api<K>,
    mut done: impl FnMut(&BTreeMap<String, K>) -> bool,
) -> anyhow::Result<()>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug + Send + 'static,
{
    let mut events = watcher(api, watcher::Config::default()).boxed();
    let mut objects: BTreeMap<String, K> = BTreeMap::new();
    let mut listed = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => {
                objects.clear();
                listed = false;
            }
            Ok(watcher::Event::InitDone) => listed = true,
            Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                objects.insert(object.name_any(), object);
            }
            Ok(watcher::Event::Delete(object)) => {
                objects.remove(&object.name_any());
            }
            Err(error) => {
                tracing::debug!(%error, "watching");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        if listed && done(&objects) {
            return Ok(());
        }
    }
    anyhow::bail!("the watch of the API server ended")
}

fn share(done: usize, of: usize) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts of pods are small")]
    (of > 0).then(|| done as f64 / of as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Version;
    use crate::plan::sample::sample_plan;
    use serde_json::json;

    fn pod(name: &str, ready: bool, host_network: bool) -> (String, Pod) {
        let status = if ready { "True" } else { "False" };
        let object = json!({
            "metadata": { "name": name },
            "spec": { "containers": [], "hostNetwork": host_network },
            "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": status }] },
        });
        (name.to_owned(), serde_json::from_value(object).unwrap())
    }

    #[test]
    fn waits_for_pods_that_are_missing_or_not_ready() {
        let plan = sample_plan(1, 1, &Version::new(1, 37, 2));
        let wanted = system_pods(&plan);
        let mut pods = BTreeMap::from([
            pod("etcd-dev-control-plane", true, true),
            pod("kube-apiserver-dev-control-plane", true, true),
            pod("kube-controller-manager-dev-control-plane", true, true),
            pod("kube-scheduler-dev-control-plane", false, true),
            pod("kube-proxy-a", true, true),
            pod("coredns-a", true, false),
            pod("coredns-b", true, false),
        ]);
        assert_eq!(
            missing_pods(&wanted, &pods, false),
            ["kube-scheduler-dev-control-plane (Running)", "kube-proxy- (1 of 2)"]
        );
        pods.extend([
            pod("kube-scheduler-dev-control-plane", true, true),
            pod("kube-proxy-b", true, true),
        ]);
        assert_eq!(missing_pods(&wanted, &pods, false), Vec::<String>::new());
    }

    #[test]
    fn waits_only_for_pods_on_the_host_network_without_a_pod_network() {
        let pods = BTreeMap::from([pod("coredns-a", false, false), pod("x", false, true)]);
        assert_eq!(missing_pods(&BTreeMap::new(), &pods, true), ["x (Running)"]);
    }

    #[test]
    fn the_dns_query_succeeds_with_an_answer_without_an_error() {
        let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port().to_string();
        for (error_code, answers, success) in [(0, 1, true), (3, 1, false), (0, 0, false)] {
            let arguments = ["-c", ASK_DNS, "ask-dns", "127.0.0.1", "cluster.local", &port];
            let mut asking = std::process::Command::new("bash").args(arguments).spawn().unwrap();
            let mut packet = [0; 512];
            let (length, client) = server.recv_from(&mut packet).unwrap();
            let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\
                \x08kube-dns\x0bkube-system\x03svc\x07cluster\x05local\0\0\x01\0\x01";
            assert_eq!(packet[..length], query[..]);
            packet[3] = error_code;
            packet[7] = answers;
            server.send_to(&packet[..length], client).unwrap();
            assert_eq!(asking.wait().unwrap().success(), success);
        }
    }

    #[test]
    fn describes_the_objects_that_are_not_ready() {
        let waiting = Waiting::default();
        assert_eq!(waiting.describe(), "");
        waiting.set("pods", vec!["a".into(), "b".into()]);
        waiting.set("nodes", Vec::new());
        assert_eq!(waiting.describe(), "pods a, b");
    }
}
