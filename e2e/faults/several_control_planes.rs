//! Three control planes that lose their quorum, one API server, or a node's heartbeats.

use crate::harness::{Kubectl, Sandbox, Steps, in_node, until, until_holds};

use super::{QUICK, active, assert_no_trace, await_ready, events, heal, inject, try_inject};

const NODES: [&str; 4] = ["control-plane", "control-plane2", "control-plane3", "worker"];

#[test]
fn several_control_planes() {
    let sandbox = Sandbox::new("faults-several");
    let three =
        "- role: control-plane\n- role: control-plane\n- role: control-plane\n- role: worker\n";
    let one = "- role: control-plane\n- role: worker\n- role: worker\n";
    let kubectl = sandbox.create(&QUICK.replace(one, three));
    let steps = Steps::default();
    let step = |name: &str, body: &dyn Fn()| {
        steps.step(name, || {
            sandbox.kindrs(&format!("fault heal --all --name {}", sandbox.name)).ok();
            await_api(&kubectl);
            body();
            assert_no_trace(&sandbox, &NODES);
        });
    };
    step("which of them has to be said, and not too many", &|| wrong_input(&sandbox));
    step("one API server less goes unnoticed", &|| one_api_server(&sandbox, &kubectl));
    step("without a quorum nothing can be written", &|| quorum(&sandbox, &kubectl));
    step("requests are hit at every API server", &|| requests(&sandbox, &kubectl));
    step("heartbeats are refused by every API server", &|| heartbeats(&sandbox, &kubectl));
    steps.finish();
}

fn wrong_input(sandbox: &Sandbox) {
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

fn one_api_server(sandbox: &Sandbox, kubectl: &Kubectl) {
    let id = inject(sandbox, "component-stop --component kube-apiserver --node control-plane");
    await_api(kubectl);
    // One member of etcd may go as well, but not what is left of the API servers.
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

fn quorum(sandbox: &Sandbox, kubectl: &Kubectl) {
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

fn requests(sandbox: &Sandbox, kubectl: &Kubectl) {
    let id = inject(sandbox, "api-request --user-agent kubectl* --resource secrets --error 503");
    // The load balancer chooses another each time.
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

fn heartbeats(sandbox: &Sandbox, kubectl: &Kubectl) {
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

/// Waits until kubelet shows a static pod as ready; it makes the one it shows anew.
fn await_static_pod(kubectl: &Kubectl, name: &str) {
    until(&format!("{name} is ready"), || {
        let condition = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        let ran = kubectl.attempt(&format!("-n kube-system get pod {name} --output={condition}"));
        if ran.stdout == "True" { Ok(()) } else { Err(ran.to_string()) }
    });
}

/// Waits until the API server writes and reads.
fn await_api(kubectl: &Kubectl) {
    until("the API server works", || {
        let ran = kubectl.attempt(
            "--request-timeout=5s annotate namespace default kindrs-was-here=yes --overwrite",
        );
        if ran.code == Some(0) { Ok(()) } else { Err(ran.stderr) }
    });
    until_holds(
        "every node is there",
        || kubectl.items("get nodes").len(),
        |nodes| *nodes == NODES.len(),
    );
}
