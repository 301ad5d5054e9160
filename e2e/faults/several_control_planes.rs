//! Faults of three control planes: a lost quorum, a stopped API server, refused heartbeats.

use harness::{Cluster, Kubectl, Suite, in_node, until, until_holds};

use harness::faults::{
    QUICK, active, assert_no_trace, await_ready, events, heal, heal_all, inject, try_inject,
};

const NODES: [&str; 4] = ["control-plane", "control-plane2", "control-plane3", "worker"];

pub fn suite() -> Suite<Cluster> {
    let three =
        "- role: control-plane\n- role: control-plane\n- role: control-plane\n- role: worker\n";
    let one = "- role: control-plane\n- role: worker\n- role: worker\n";
    let configuration = QUICK.replace(one, three);
    Suite::new("faults_several_control_planes", move || {
        Cluster::create("faults-several", &configuration)
    })
    .before_each(|cluster| {
        heal_all(&cluster.sandbox);
        await_api(&cluster.kubectl);
    })
    .after_each(|cluster| assert_no_trace(&cluster.sandbox, &NODES))
    .step("ambiguous_and_excessive_targets_are_refused", wrong_input)
    .step("one_api_server_less_goes_unnoticed", one_api_server)
    .step("writes_fail_without_a_quorum", quorum)
    .step("requests_fail_at_every_api_server", requests)
    .step("every_api_server_refuses_heartbeats", heartbeats)
}

fn wrong_input(Cluster { sandbox, .. }: &Cluster) {
    for (line, refusal) in [
        ("component-stop --component etcd", "there are 3 control planes"),
        (
            "component-stop --component etcd --node control-plane --node control-plane2",
            "etcd's quorum: 1 of 3 members would be left",
        ),
        (
            "component-pause --component kube-apiserver --role control-plane",
            "this would take down the API servers of all 3 control planes",
        ),
        ("etcd-quorum-loss", "etcd's quorum: 1 of 3 members would be left"),
    ] {
        let said = try_inject(sandbox, line).fails(2);
        assert!(said.contains(refusal), "{line}: {said}");
    }
    assert!(active(sandbox).is_empty());
}

fn one_api_server(Cluster { sandbox, kubectl }: &Cluster) {
    let id = inject(sandbox, "component-stop --component kube-apiserver --node control-plane");
    await_api(kubectl);
    // One member of etcd can stop as well, but not the remaining API servers.
    let more = "component-stop --component etcd --node control-plane2 --dry-run";
    try_inject(sandbox, more).ok();
    let said = try_inject(
        sandbox,
        "component-stop --component kube-apiserver --node control-plane2,control-plane3",
    );
    assert!(said.fails(2).contains("the API servers of all 3 control planes"));
    heal(sandbox, &id);
    await_static_pod(kubectl, &format!("kube-apiserver-{}", sandbox.node("control-plane")));
}

fn quorum(Cluster { sandbox, kubectl }: &Cluster) {
    let id = inject(sandbox, "etcd-quorum-loss --allow-total");
    let hit: Vec<String> =
        active(sandbox).iter().map(|fault| fault["node"].as_str().unwrap().to_owned()).collect();
    assert_eq!(hit, [sandbox.node("control-plane2"), sandbox.node("control-plane3")]);
    let ran = kubectl.attempt("--request-timeout=5s create namespace never");
    assert!(ran.code != Some(0), "{ran}");
    heal(sandbox, &id);
    await_api(kubectl);
    for node in ["control-plane2", "control-plane3"] {
        await_static_pod(kubectl, &format!("etcd-{}", sandbox.node(node)));
    }
}

fn requests(Cluster { sandbox, kubectl }: &Cluster) {
    let id = inject(sandbox, "api-request --user-agent kubectl* --resource secrets --error 503");
    // The load balancer chooses another API server each time.
    for _ in 0..6 {
        let said = kubectl.attempt("get secrets").fails(1);
        assert!(said.contains(&id), "{said}");
    }
    kubectl.run("get configmaps");
    heal(sandbox, &id);
    for _ in 0..6 {
        kubectl.run("get secrets");
    }
}

fn heartbeats(Cluster { sandbox, kubectl }: &Cluster) {
    let node = sandbox.node("worker");
    let id = inject(sandbox, "heartbeat-loss --node worker");
    await_ready(kubectl, &node, false);
    assert_eq!(active(sandbox).len(), 3);
    heal(sandbox, &id);
    await_ready(kubectl, &node, true);
    let told = events(kubectl, "default", &node, "FaultInjected");
    assert!(!told.is_empty());
    assert!(!in_node(&sandbox.node("control-plane3"), "nft list tables").contains("kindrs"));
}

/// Waits until a static pod is ready. kubelet replaces its mirror pod, so that it can be missing.
fn await_static_pod(kubectl: &Kubectl, name: &str) {
    until(&format!("{name} is ready"), || {
        let condition = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        let ran = kubectl.attempt(&format!("-n kube-system get pod {name} --output={condition}"));
        if ran.stdout == "True" { Ok(()) } else { Err(ran.to_string()) }
    });
}

/// Waits until the API server accepts writes.
fn await_api(kubectl: &Kubectl) {
    until("the API server works", || {
        let ran = kubectl.attempt(
            "--request-timeout=5s annotate namespace default kindrs-was-here=yes --overwrite",
        );
        if ran.code == Some(0) { Ok(()) } else { Err(ran.stderr) }
    });
    until_holds(
        "every node is registered",
        || kubectl.items("get nodes").len(),
        |nodes| *nodes == NODES.len(),
    );
}
