//! Nodes that are stopped, frozen and short of resources.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use harness::faults::{
    QUICK, active, assert_no_trace, await_ready, condition, events, heal, heal_all, inject,
    try_inject,
};
use harness::{
    Cluster, Kubectl, Suite, container, deployment, docker, in_node, inspect, pass, pod, service,
    until, until_holds, web_container,
};

const NAMESPACE: &str = "faults";
const NODES: [&str; 3] = ["control-plane", "worker", "worker2"];

pub fn suite() -> Suite<Cluster> {
    Suite::new("faults_nodes", create)
        .before_each(|cluster| heal_all(&cluster.sandbox))
        .step("wrong_input_is_refused", wrong_input)
        .step("dry_run_changes_nothing", dry_run)
        .step("pods_run_on_while_kubelet_is_stopped", kubelet_stop)
        .step("frozen_node_resumes_after_its_duration", pause)
        .step("pods_of_a_killed_node_are_replaced", kill)
        .step("next_command_heals_when_the_healer_was_killed", orphaned)
        .step("node_restarts", restart)
        .step("containers_do_not_start_without_a_runtime", runtime_stop)
        .step("node_with_a_full_disk_evicts", disk_fill)
        .step("node_without_memory_evicts", memory_stress)
        .step("cpu_of_a_node_is_busy", cpu_stress)
        .step("stopped_cluster_is_reported", stopped_cluster)
        .step("cluster_with_a_frozen_node_is_deleted", |cluster| {
            inject(&cluster.sandbox, "node-pause --node worker");
            cluster.sandbox.delete();
        })
}

fn create() -> Cluster {
    let cluster = Cluster::create("faults-nodes", QUICK);
    let kubectl = &cluster.kubectl;
    kubectl.namespace(NAMESPACE);
    kubectl.apply(NAMESPACE, &[quick_web(4), service("web")]);
    kubectl.rolled_out(NAMESPACE, "deployment/web");
    cluster
}

/// A web server of several replicas, which leave a lost node after two seconds.
fn quick_web(replicas: usize) -> Value {
    let mut web = deployment("web", replicas, &[web_container()]);
    let tolerate = |key: &str| json!({ "key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2 });
    web["spec"]["template"]["spec"]["tolerations"] =
        json!(["not-ready", "unreachable"].map(tolerate));
    web
}

fn wrong_input(Cluster { sandbox, .. }: &Cluster) {
    for (line, code, said) in [
        ("node-kil --node worker", 2, "node-kill"),
        ("node-kill --node wroker", 2, "did you mean `"),
        ("node-kill", 2, "no target is specified"),
        ("node-kill --selector a=b", 2, "no node matches"),
        ("node-kill --selector a=,,b", 2, "--selector"),
        ("node-kill --node worker --for 0s", 2, "duration of zero"),
        ("node-kill --node worker --for 5", 2, "no unit"),
        ("node-restart --node worker --for 5s", 2, "cannot have a duration"),
        ("node-kill --role worker --count 5", 2, "only 2 available"),
        ("node-stop --node control-plane", 2, "only control plane"),
        ("kubelet-stop --all-nodes", 2, "every node"),
        ("disk-fill --node worker --size 1", 2, "512Mi"),
        ("disk-fill --node worker --size 900000Gi", 3, "smaller --size"),
        ("disk-fill --node worker --whole", 2, "whole cluster"),
    ] {
        let ran = try_inject(sandbox, line);
        let text = ran.fails(code);
        assert!(text.contains(said), "{line}: {text}");
    }
    let ran = sandbox.kindrs("fault inject node-kill --node worker --name e2e-no-such");
    assert!(ran.fails(2).contains("does not exist"));
    assert_eq!(active(sandbox), Vec::<Value>::new());
}

fn dry_run(Cluster { sandbox, .. }: &Cluster) {
    let ran = try_inject(sandbox, "node-kill --role worker --random --seed 7 --for 60s --dry-run");
    assert!(ran.stderr.contains("seed 7"), "{}", ran.stderr);
    let text = ran.ok();
    assert!(text.contains("cuts the node's power, for 1m; healing starts the node"), "{text}");
    let again =
        try_inject(sandbox, "node-kill --role worker --random --seed 7 --for 60s --dry-run");
    assert_eq!(again.ok(), text);
    assert_eq!(active(sandbox), Vec::<Value>::new());
    for node in NODES {
        assert_eq!(inspect(&sandbox.node(node))["State"]["Running"], true);
    }
}

fn kubelet_stop(Cluster { sandbox, kubectl }: &Cluster) {
    let node = sandbox.node("worker");
    let address = address_of_pod_on(kubectl, &node);
    let id = inject(sandbox, "kubelet-stop --node worker");
    let clash = try_inject(sandbox, "node-kill --node worker").fails(2);
    assert!(clash.contains(&id), "{clash}");
    await_ready(kubectl, &node, false);
    let answer = in_node(&sandbox.node("worker2"), &format!("curl -s -m 5 http://{address}:8080"));
    assert!(answer.contains("web-"), "{answer}");
    let list = active(sandbox);
    assert_eq!(list.len(), 1);
    assert_eq!(
        (&list[0]["id"], &list[0]["target"]),
        (&id.as_str().into(), &format!("node/{node}").into())
    );
    heal(sandbox, &id);
    await_ready(kubectl, &node, true);
    heal(sandbox, &id);
    assert_eq!(events(kubectl, "default", &node, "FaultInjected").len(), 1);
    assert_eq!(events(kubectl, "default", &node, "FaultHealed").len(), 1);
    let told = kubectl.run(&format!("describe node {node}"));
    assert!(told.contains("stops kubelet"), "{told}");
    assert_no_trace(sandbox, &NODES);
}

fn pause(Cluster { sandbox, kubectl }: &Cluster) {
    let node = sandbox.node("worker2");
    inject(sandbox, "node-pause --node worker2 --for 20s");
    assert_eq!(inspect(&node)["State"]["Paused"], true);
    await_ready(kubectl, &node, false);
    until("the node resumes without help", || {
        if inspect(&node)["State"]["Paused"] == false { Ok(()) } else { Err("paused") }
    });
    await_ready(kubectl, &node, true);
    until_holds("the journal is empty", || active(sandbox), Vec::is_empty);
    assert_no_trace(sandbox, &NODES);
}

fn kill(Cluster { sandbox, kubectl }: &Cluster) {
    // Earlier steps may have moved the pods to other nodes.
    kubectl.run(&format!("-n {NAMESPACE} rollout restart deployment/web"));
    kubectl.rolled_out(NAMESPACE, "deployment/web");
    let node = sandbox.node("worker2");
    address_of_pod_on(kubectl, &node);
    let before: BTreeSet<String> = kubectl.pods(NAMESPACE, "app=web").into_iter().collect();
    let id = inject(sandbox, "node-kill --node worker2");
    assert_eq!(inspect(&node)["State"]["Running"], false);
    await_ready(kubectl, &node, false);
    until_holds(
        "the pods are replaced",
        || kubectl.pods(NAMESPACE, "app=web").into_iter().collect::<BTreeSet<String>>(),
        |after| !after.is_subset(&before),
    );
    kubectl.rolled_out(NAMESPACE, "deployment/web");
    heal(sandbox, &id);
    await_ready(kubectl, &node, true);
    assert_no_trace(sandbox, &NODES);
}

fn orphaned(Cluster { sandbox, kubectl }: &Cluster) {
    let node = sandbox.node("worker2");
    let id = inject(sandbox, "node-stop --node worker2 --for 2s");
    let _ =
        std::process::Command::new("pkill").args(["-KILL", "-f", &format!("at-end {id}")]).status();
    pass(3);
    assert_eq!(
        inspect(&node)["State"]["Running"],
        false,
        "the fault healed although its healer was killed"
    );
    let told = sandbox.kindrs(&format!("get nodes --name {} -o json", sandbox.name));
    assert!(told.stderr.contains("healed overdue fault"), "{}", told.stderr);
    assert_eq!(inspect(&node)["State"]["Running"], true);
    await_ready(kubectl, &node, true);
    assert_no_trace(sandbox, &NODES);
}

fn restart(Cluster { sandbox, kubectl }: &Cluster) {
    let node = sandbox.node("worker");
    let started = || inspect(&node)["State"]["StartedAt"].clone();
    let boot = || kubectl.value(&format!("get node {node}"), ".status.nodeInfo.machineID");
    let (before, machine) = (started(), boot());
    inject(sandbox, "node-restart --node worker");
    assert_ne!(started(), before);
    until_holds(
        "kubelet records the restart",
        || {
            kubectl.run(&format!(
                "get events --field-selector involvedObject.name={node},reason=Starting"
            ))
        },
        |events| events.contains("Starting kubelet"),
    );
    await_ready(kubectl, &node, true);
    assert_eq!(boot(), machine);
    assert_no_trace(sandbox, &NODES);
}

fn runtime_stop(Cluster { sandbox, kubectl }: &Cluster) {
    let node = sandbox.node("worker");
    let id = inject(sandbox, "runtime-stop --node worker");
    let mut late = pod("late", &[container("sleep 3600")]);
    late["spec"]["nodeName"] = node.clone().into();
    kubectl.apply(NAMESPACE, &[late]);
    await_ready(kubectl, &node, false);
    assert_eq!(kubectl.value(&format!("-n {NAMESPACE} get pod late"), ".status.phase"), "Pending");
    heal(sandbox, &id);
    kubectl.wait_for(NAMESPACE, "pod/late", "condition=Ready");
    await_ready(kubectl, &node, true);
    assert_no_trace(sandbox, &NODES);
    kubectl.run(&format!("-n {NAMESPACE} delete pod late --grace-period=0 --force"));
}

fn disk_fill(cluster: &Cluster) {
    evicts(cluster, "disk-fill --node worker2 --size 256Mi", "DiskPressure");
}

fn memory_stress(cluster: &Cluster) {
    evicts(cluster, "memory-stress --node worker2 --size 256Mi", "MemoryPressure");
}

/// A node under pressure evicts pods and accepts no others, until the fault heals.
fn evicts(Cluster { sandbox, kubectl }: &Cluster, fault: &str, pressure: &str) {
    let node = sandbox.node("worker2");
    // A pod on this node, whatever the Deployment does.
    let mut victim = pod("victim", &[container("sleep 3600")]);
    victim["spec"]["nodeName"] = node.clone().into();
    kubectl.apply(NAMESPACE, &[victim]);
    kubectl.wait_for(NAMESPACE, "pod/victim", "condition=Ready");
    let configuration = in_node(&node, "cat /var/lib/kubelet/config.yaml");
    let id = inject(sandbox, fault);
    until_holds(pressure, || condition(kubectl, &node, pressure), |status| status == "True");
    until_holds(
        "the pod is evicted",
        || kubectl.value(&format!("-n {NAMESPACE} get pod victim"), ".status.reason"),
        |reason| reason == "Evicted",
    );
    let taints = kubectl.value(&format!("get node {node}"), ".spec.taints[*].key");
    assert!(taints.contains("pressure"), "{taints}");
    heal(sandbox, &id);
    until_holds(pressure, || condition(kubectl, &node, pressure), |status| status == "False");
    assert_eq!(in_node(&node, "cat /var/lib/kubelet/config.yaml"), configuration);
    assert_no_trace(sandbox, &NODES);
    kubectl.run(&format!("-n {NAMESPACE} delete pod victim --grace-period=0 --force"));
    kubectl.rolled_out(NAMESPACE, "deployment/web");
}

fn cpu_stress(Cluster { sandbox, kubectl }: &Cluster) {
    let node = sandbox.node("worker2");
    let used = || -> f64 {
        let metrics =
            kubectl.run(&format!("get --raw /api/v1/nodes/{node}/proxy/metrics/resource"));
        let line = metrics.lines().find(|line| line.starts_with("node_cpu_usage_seconds_total"));
        line.unwrap().split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let before = used();
    inject(sandbox, "cpu-stress --node worker2 --for 10s");
    until_holds("CPU time is used", || used() - before, |used| *used > 2.0);
    until_holds("the journal is empty", || active(sandbox), Vec::is_empty);
    assert_no_trace(sandbox, &NODES);
    until("the node records the end", || {
        let told = events(kubectl, "default", &node, "FaultHealed");
        if told.iter().any(|message| message.contains("cpu-stress")) { Ok(()) } else { Err(told) }
    });
    assert_eq!(
        docker("ps -q --filter name=e2e-faults-nodes --filter status=running").lines().count(),
        3
    );
}

fn address_of_pod_on(kubectl: &Kubectl, node: &str) -> String {
    let pods = kubectl.items(&format!("-n {NAMESPACE} get pods -l app=web"));
    let pod = pods.iter().find(|pod| pod["spec"]["nodeName"] == node).unwrap();
    pod["status"]["podIP"].as_str().unwrap().to_owned()
}

fn stopped_cluster(Cluster { sandbox, .. }: &Cluster) {
    for node in NODES {
        docker(&format!("stop --time 2 {}", sandbox.node(node)));
    }
    let down = try_inject(sandbox, "node-kill --node worker").fails(3);
    assert!(down.contains("no node of cluster"), "{down}");
    for node in NODES {
        docker(&format!("start {}", sandbox.node(node)));
    }
    assert_eq!(active(sandbox), Vec::<Value>::new());
}
