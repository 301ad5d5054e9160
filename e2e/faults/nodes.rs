//! Nodes that are stopped, frozen and short of resources.

use serde_json::Value;

use harness::faults::{
    NODES, QUICK, active, assert_no_trace, assert_refused, await_event, await_ready, condition,
    events, heal, heal_all, inject, try_inject,
};
use harness::{
    Cluster, Kubectl, Suite, deployment, docker, idle_pod, in_node, inspect, leaving_lost_nodes,
    pass, service, until_holds, web_container,
};

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
        .step("node_with_a_full_disk_evicts", |cluster| {
            evicts(cluster, "disk-fill --node worker2 --size 256Mi", "DiskPressure");
        })
        .step("node_without_memory_evicts", |cluster| {
            evicts(cluster, "memory-stress --node worker2 --size 256Mi", "MemoryPressure");
        })
        .step("cpu_of_a_node_is_busy", cpu_stress)
        .step("stopped_cluster_is_reported", stopped_cluster)
        .step("cluster_with_a_frozen_node_is_deleted", |cluster| {
            inject(&cluster.sandbox, "node-pause --node worker");
            cluster.sandbox.delete();
        })
}

fn create() -> Cluster {
    let cluster = Cluster::with_namespace("faults-nodes", QUICK, "faults");
    let web = leaving_lost_nodes(deployment("web", 4, &[web_container()]));
    cluster.kubectl.start(&[web, service("web")]);
    cluster
}

fn wrong_input(Cluster { sandbox, .. }: &Cluster) {
    let refusals = [
        ("node-kil --node worker", 2, "node-kill"),
        ("node-kill --node wroker", 2, "did you mean `"),
        ("node-kill", 2, "no target is specified"),
        ("node-kill --selector a=b", 2, "no node matches"),
        ("node-kill --selector a=,,b", 2, "--selector"),
        ("node-kill --node worker --for 0s", 2, "duration of zero"),
        ("node-kill --node worker --for 5", 2, "missing unit"),
        ("node-restart --node worker --for 5s", 2, "cannot have a duration"),
        ("node-kill --role worker --count 5", 2, "only 2 available"),
        ("node-stop --node control-plane", 2, "only control plane"),
        ("kubelet-stop --all-nodes", 2, "every node"),
        ("disk-fill --node worker --size 1", 2, "512Mi"),
        ("disk-fill --node worker --size 900000Gi", 3, "smaller --size"),
        ("disk-fill --node worker --whole", 2, "whole cluster"),
    ];
    let ran = sandbox.kindrs("fault inject node-kill --node worker --name e2e-no-such");
    assert!(ran.fails(2).contains("does not exist"));
    assert_refused(sandbox, &refusals);
}

fn dry_run(Cluster { sandbox, .. }: &Cluster) {
    let line = "node-kill --role worker --random --seed 7 --for 60s --dry-run";
    let ran = try_inject(sandbox, line);
    assert!(ran.stderr.contains("seed 7"), "{}", ran.stderr);
    let text = ran.ok();
    assert!(text.contains("cuts the node's power, for 1m; healing starts the node"), "{text}");
    assert_eq!(try_inject(sandbox, line).ok(), text);
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
    assert_eq!(list[0]["id"], *id);
    assert_eq!(list[0]["target"], format!("node/{node}"));
    heal(sandbox, &id);
    await_ready(kubectl, &node, true);
    heal(sandbox, &id);
    for reason in ["FaultInjected", "FaultHealed"] {
        assert_eq!(events(&kubectl.within("default"), &node, reason).len(), 1, "{reason}");
    }
    let told = kubectl.run(&format!("describe node {node}"));
    assert!(told.contains("stops kubelet"), "{told}");
    assert_no_trace(sandbox, &NODES);
}

fn pause(Cluster { sandbox, kubectl }: &Cluster) {
    let node = sandbox.node("worker2");
    inject(sandbox, "node-pause --node worker2 --for 20s");
    assert_eq!(inspect(&node)["State"]["Paused"], true);
    await_ready(kubectl, &node, false);
    let paused = || inspect(&node)["State"]["Paused"].clone();
    until_holds("the node resumes without help", paused, |paused| *paused == false);
    await_ready(kubectl, &node, true);
    until_holds("the journal is empty", || active(sandbox), Vec::is_empty);
    assert_no_trace(sandbox, &NODES);
}

fn kill(Cluster { sandbox, kubectl }: &Cluster) {
    // Earlier steps may have moved the pods to other nodes.
    kubectl.run("rollout restart deployment/web");
    kubectl.rolled_out("deployment/web");
    let node = sandbox.node("worker2");
    address_of_pod_on(kubectl, &node);
    let before = kubectl.pods("app=web");
    let id = inject(sandbox, "node-kill --node worker2");
    assert_eq!(inspect(&node)["State"]["Running"], false);
    await_ready(kubectl, &node, false);
    until_holds(
        "the pods are replaced",
        || kubectl.pods("app=web"),
        |after| !after.is_subset(&before),
    );
    kubectl.rolled_out("deployment/web");
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
    await_event(&kubectl.within("default"), &node, "Starting", "Starting kubelet");
    await_ready(kubectl, &node, true);
    assert_eq!(boot(), machine);
    assert_no_trace(sandbox, &NODES);
}

fn runtime_stop(Cluster { sandbox, kubectl }: &Cluster) {
    let node = sandbox.node("worker");
    let id = inject(sandbox, "runtime-stop --node worker");
    kubectl.apply(&[idle_pod("late", &node)]);
    await_ready(kubectl, &node, false);
    assert_eq!(kubectl.value("get pod late", ".status.phase"), "Pending");
    heal(sandbox, &id);
    kubectl.ready("pod/late");
    await_ready(kubectl, &node, true);
    assert_no_trace(sandbox, &NODES);
    kubectl.run("delete pod late --grace-period=0 --force");
}

/// A node under pressure evicts pods and accepts no others, until the fault heals.
fn evicts(Cluster { sandbox, kubectl }: &Cluster, fault: &str, pressure: &str) {
    let node = sandbox.node("worker2");
    // A pod on this node, whatever the Deployment does.
    kubectl.start(&[idle_pod("victim", &node)]);
    let configuration = in_node(&node, "cat /var/lib/kubelet/config.yaml");
    let id = inject(sandbox, fault);
    until_holds(pressure, || condition(kubectl, &node, pressure), |status| status == "True");
    until_holds(
        "the pod is evicted",
        || kubectl.value("get pod victim", ".status.reason"),
        |reason| reason == "Evicted",
    );
    let taints = kubectl.value(&format!("get node {node}"), ".spec.taints[*].key");
    assert!(taints.contains("pressure"), "{taints}");
    heal(sandbox, &id);
    until_holds(pressure, || condition(kubectl, &node, pressure), |status| status == "False");
    assert_eq!(in_node(&node, "cat /var/lib/kubelet/config.yaml"), configuration);
    assert_no_trace(sandbox, &NODES);
    kubectl.run("delete pod victim --grace-period=0 --force");
    kubectl.rolled_out("deployment/web");
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
    await_event(&kubectl.within("default"), &node, "FaultHealed", "cpu-stress");
    let running = docker("ps -q --filter name=e2e-faults-nodes --filter status=running");
    assert_eq!(running.lines().count(), 3);
}

fn address_of_pod_on(kubectl: &Kubectl, node: &str) -> String {
    let pods = kubectl.items("get pods -l app=web");
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
