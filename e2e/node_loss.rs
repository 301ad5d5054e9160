//! Nodes that stop and start again.

use std::collections::BTreeSet;

use serde_json::json;

use harness::{
    Cluster, Kubectl, Suite, deployment, docker, inspect, service, until, until_holds,
    web_container,
};

const THREE_NODES: &str = include_str!("../configs/three-nodes.yaml");
const NAMESPACE: &str = "loss";

pub fn suite() -> Suite<Cluster> {
    Suite::new("node_loss", create)
        .step("pods_of_a_stopped_worker_run_elsewhere", worker_stopped)
        .then("worker_returns_with_its_address", worker_returns)
        .step("pods_survive_a_restart_of_the_control_plane", control_plane_restarted)
        .step("cluster_survives_a_stop_of_all_nodes", all_stopped)
}

fn create() -> Cluster {
    let cluster = Cluster::create("loss", THREE_NODES);
    let kubectl = &cluster.kubectl;
    kubectl.namespace(NAMESPACE);
    let mut web = deployment("web", 5, &[web_container()]);
    // By default, a pod tolerates the loss of its node for five minutes.
    let tolerate = |key: &str| json!({ "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2 });
    web["spec"]["template"]["spec"]["tolerations"] = json!(
        ["not-ready", "unreachable"].map(|key| tolerate(&format!("node.kubernetes.io/{key}")))
    );
    kubectl.apply(NAMESPACE, &[web, service("web")]);
    kubectl.rolled_out(NAMESPACE, "deployment/web");
    cluster
}

fn worker_stopped(Cluster { sandbox, kubectl }: &Cluster) {
    let (lost, other) = (sandbox.node("worker2"), sandbox.node("worker"));
    let before: BTreeSet<String> = kubectl.pods(NAMESPACE, "app=web").into_iter().collect();
    assert!(nodes_of_pods(kubectl).contains(&lost), "no pod was on {lost}");
    docker(&format!("stop {lost}"));
    kubectl.wait_for(NAMESPACE, &format!("node/{lost}"), "condition=Ready=Unknown");
    until_holds(
        "five pods are ready on the other worker",
        || ready_pods(kubectl).into_iter().filter(|(_, node)| *node == other).count(),
        |count| *count == 5,
    );
    let after: BTreeSet<String> = ready_pods(kubectl).into_iter().map(|(name, _)| name).collect();
    assert!(!after.is_subset(&before), "there are no new pods");
    let nodes = sandbox.kindrs(&format!("get nodes --name {} -o json", sandbox.name)).ok();
    assert!(nodes.contains("exited"), "{nodes}");
}

fn worker_returns(Cluster { sandbox, kubectl }: &Cluster) {
    let node = sandbox.node("worker2");
    let address = address_of(kubectl, &node);
    docker(&format!("start {node}"));
    kubectl.wait_for(NAMESPACE, &format!("node/{node}"), "condition=Ready");
    assert_eq!(address_of(kubectl, &node), address);
    let container = inspect(&node);
    let network = format!("kindrs-{}", sandbox.name);
    assert_eq!(container["NetworkSettings"]["Networks"][network]["IPAddress"], *address);
    until_holds(
        "the pods that were on it are gone",
        || kubectl.pods(NAMESPACE, "app=web").len(),
        |count| *count == 5,
    );
    // The node accepts pods again, and they have a network.
    kubectl.run(&format!("-n {NAMESPACE} rollout restart deployment/web"));
    kubectl.rolled_out(NAMESPACE, "deployment/web");
    assert!(nodes_of_pods(kubectl).contains(&node), "no new pod is on {node}");
    every_pod_answers(kubectl);
}

fn control_plane_restarted(Cluster { sandbox, kubectl }: &Cluster) {
    // The pods that the step before replaced may still be terminating.
    let before = until_holds("there are five pods", || identities(kubectl), |pods| pods.len() == 5);
    docker(&format!("restart {}", sandbox.node("control-plane")));
    until_holds(
        "the API is back",
        || kubectl.attempt("--request-timeout=5s get --raw /readyz").stdout,
        |answer| answer == "ok",
    );
    until("its controllers work", || {
        let line = format!("-n {NAMESPACE} create configmap after-restart");
        kubectl.attempt(&format!("-n {NAMESPACE} delete configmap after-restart"));
        let ran = kubectl.attempt(&line);
        if ran.code == Some(0) { Ok(()) } else { Err(ran.stderr) }
    });
    kubectl.wait_for(NAMESPACE, "node --all", "condition=Ready");
    assert_eq!(identities(kubectl), before);
    every_pod_answers(kubectl);
    kubectl.run(&format!("-n {NAMESPACE} scale deployment/web --replicas=6"));
    kubectl.rolled_out(NAMESPACE, "deployment/web");
}

fn all_stopped(Cluster { sandbox, kubectl }: &Cluster) {
    let nodes = ["control-plane", "worker", "worker2"].map(|node| sandbox.node(node)).join(" ");
    docker(&format!("stop {nodes}"));
    docker(&format!("start {nodes}"));
    until_holds(
        "the API is back",
        || kubectl.attempt("--request-timeout=5s get --raw /readyz").stdout,
        |answer| answer == "ok",
    );
    // Objects still have their status from before the stop, so that only a change shows the recovery.
    kubectl.run(&format!("-n {NAMESPACE} rollout restart deployment/web"));
    kubectl.rolled_out(NAMESPACE, "deployment/web");
    kubectl.wait_for(NAMESPACE, "node --all", "condition=Ready");
    kubectl.rolled_out("kube-system", "deployment/coredns");
    every_pod_answers(kubectl);
}

/// The name and node of every pod that is ready and not being deleted.
fn ready_pods(kubectl: &Kubectl) -> Vec<(String, String)> {
    let pods = kubectl.items(&format!("-n {NAMESPACE} get pods -l app=web"));
    pods.iter()
        .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
        .filter(|pod| {
            let conditions = pod["status"]["conditions"].as_array();
            conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True")
        })
        .map(|pod| {
            let text = |path: &str| pod.pointer(path).unwrap().as_str().unwrap().to_owned();
            (text("/metadata/name"), text("/spec/nodeName"))
        })
        .collect()
}

fn nodes_of_pods(kubectl: &Kubectl) -> BTreeSet<String> {
    ready_pods(kubectl).into_iter().map(|(_, node)| node).collect()
}

/// What must not change in each pod while the control plane is stopped.
fn identities(kubectl: &Kubectl) -> BTreeSet<String> {
    let pods = kubectl.items(&format!("-n {NAMESPACE} get pods -l app=web"));
    pods.iter()
        .map(|pod| {
            let container = &pod["status"]["containerStatuses"][0]["containerID"];
            format!("{} {} {container}", pod["metadata"]["uid"], pod["status"]["podIP"])
        })
        .collect()
}

fn address_of(kubectl: &Kubectl, node: &str) -> String {
    kubectl.value(&format!("get node {node}"), ".status.addresses[?(@.type=='InternalIP')].address")
}

/// Requests the Service by its name from one of its pods, until every pod has answered. On a busy machine a
/// pod may be replaced meanwhile, so that the current ones count.
fn every_pod_answers(kubectl: &Kubectl) {
    let script = "for i in $(seq 40); do wget -q -T 5 -O - web.loss.svc.cluster.local; done";
    let mut answered: BTreeSet<String> = BTreeSet::new();
    until("every pod has answered", || {
        let pods: BTreeSet<String> =
            ready_pods(kubectl).into_iter().map(|(name, _)| name).collect();
        let Some(first) = pods.first() else { return Err(("no pod is ready".into(), pods)) };
        let ran = kubectl.try_exec(NAMESPACE, first, script);
        answered.extend(ran.stdout.lines().map(str::to_owned));
        if pods.is_subset(&answered) { Ok(()) } else { Err((ran.stderr, pods)) }
    });
}
