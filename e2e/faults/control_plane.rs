//! Components of the control plane that stop, freeze and are killed.

use crate::harness::{
    Kubectl, Sandbox, Steps, deployment, in_node, pod, until, until_holds, web_container,
};

use super::{QUICK, active, assert_no_trace, events, heal, inject, pass, try_inject};

const NAMESPACE: &str = "control";
const NODES: [&str; 3] = ["control-plane", "worker", "worker2"];

#[test]
fn control_plane() {
    let sandbox = Sandbox::new("faults-control-plane");
    let kubectl = sandbox.create(QUICK);
    kubectl.namespace(NAMESPACE);
    kubectl.apply(NAMESPACE, &[deployment("web", 2, &[web_container()])]);
    kubectl.rolled_out(NAMESPACE, "deployment/web");
    let steps = Steps::default();
    let step = |name: &str, body: &dyn Fn()| {
        steps.step(name, || {
            sandbox.kindrs(&format!("fault heal --all --name {}", sandbox.name)).ok();
            await_api(&kubectl);
            body();
            assert_no_trace_soon(&sandbox);
        });
    };
    step("wrong input is told, and nothing is injected", &|| wrong_input(&sandbox, &kubectl));
    step("without a scheduler pods stay pending", &|| scheduler_stopped(&sandbox, &kubectl));
    step("without controllers nothing is replaced", &|| controllers_stopped(&sandbox, &kubectl));
    step("a frozen API server answers nobody", &|| {
        api_away(&sandbox, &kubectl, "component-pause --component kube-apiserver");
    });
    step("a stopped API server answers nobody", &|| {
        api_away(&sandbox, &kubectl, "component-stop --component kube-apiserver");
    });
    step("without etcd nothing can be written", &|| {
        api_away(&sandbox, &kubectl, "etcd-quorum-loss");
    });
    step("a killed etcd comes back", &|| killed(&sandbox, &kubectl));
    step("a restarted scheduler schedules", &|| restarted(&sandbox, &kubectl));
    steps.finish();
}

fn wrong_input(sandbox: &Sandbox, kubectl: &Kubectl) {
    for (line, refusal) in [
        (
            "component-stop --component kube-apiserver",
            "this would take down the only control plane",
        ),
        ("component-pause --component etcd", "this would take down the only control plane"),
        ("component-kill --component etcd", "this would take down the only control plane"),
        ("etcd-quorum-loss", "this would take down the only control plane"),
        ("component-stop --component kube-scheduler --node worker", "runs no kube-scheduler"),
        ("component-stop --component kube-scheduler --all-nodes", "is not a control plane"),
        ("component-stop --component kubelet", "invalid value 'kubelet'"),
        ("component-restart --component kube-scheduler --for 5s", "cannot have a duration"),
        ("component-stop", "--component"),
    ] {
        let said = try_inject(sandbox, line).fails(2);
        assert!(said.contains(refusal), "{line}: {said}");
    }
    assert!(active(sandbox).is_empty());
    await_api(kubectl);
}

fn scheduler_stopped(sandbox: &Sandbox, kubectl: &Kubectl) {
    let id = inject(sandbox, "component-stop --component kube-scheduler");
    assert_eq!(processes(sandbox, "kube-scheduler"), "");
    // Two faults of one component would undo each other.
    let said = try_inject(sandbox, "component-pause --component kube-scheduler").fails(2);
    assert!(said.contains(&id), "{said}");

    kubectl.apply(NAMESPACE, &[pod("late", &[web_container()])]);
    pass(5);
    let node = || kubectl.value(&format!("-n {NAMESPACE} get pod late"), ".spec.nodeName");
    assert_eq!(node(), "", "the pod has a node");
    heal(sandbox, &id);
    until_holds("the pod has a node", node, |node| !node.is_empty());
    kubectl.wait_for(NAMESPACE, "pod/late", "condition=Ready");
    let told = events(kubectl, "default", &sandbox.node("control-plane"), "FaultHealed");
    assert!(told.iter().any(|message| message.contains("starts kube-scheduler")), "{told:?}");
}

fn controllers_stopped(sandbox: &Sandbox, kubectl: &Kubectl) {
    let id = inject(sandbox, "component-stop --component kube-controller-manager");
    let pods = || kubectl.pods(NAMESPACE, "app=web");
    let before = pods();
    assert_eq!(before.len(), 2);
    kubectl.run(&format!("-n {NAMESPACE} delete pod {}", before[0]));
    pass(5);
    assert_eq!(pods(), before[1..], "the pod is replaced");
    heal(sandbox, &id);
    until_holds("the pod is replaced", pods, |pods| pods.len() == 2);
    kubectl.rolled_out(NAMESPACE, "deployment/web");
}

/// The API server is away for as long as it is meant to be, and works again by itself.
fn api_away(sandbox: &Sandbox, kubectl: &Kubectl, fault: &str) {
    let id = inject(sandbox, &format!("{fault} --allow-total --for 8s"));
    let ran = kubectl.attempt("--request-timeout=2s create namespace never");
    assert!(ran.code != Some(0), "{ran}");
    assert!(active(sandbox).iter().any(|fault| fault["id"] == *id));
    until_holds("the node has healed it", || active(sandbox), Vec::is_empty);
    await_api(kubectl);
    // What the API server told just before it went, and what the node told when it was back.
    let node = sandbox.node("control-plane");
    for reason in ["FaultInjected", "FaultHealed"] {
        until_holds(
            &format!("there is an Event {reason}"),
            || events(kubectl, "default", &node, reason),
            |told| told.iter().any(|message| message.contains(&id)),
        );
    }
}

fn killed(sandbox: &Sandbox, kubectl: &Kubectl) {
    let before = processes(sandbox, "etcd");
    inject(sandbox, "component-kill --component etcd --allow-total");
    let other = |now: &String| !now.is_empty() && *now != before;
    until_holds("there is another etcd", || processes(sandbox, "etcd"), other);
    await_api(kubectl);
}

fn restarted(sandbox: &Sandbox, kubectl: &Kubectl) {
    // It ended with etcd, and kubelet may still be waiting before it starts it again.
    let before = until_holds(
        "there is a scheduler",
        || processes(sandbox, "kube-scheduler"),
        |now| !now.is_empty(),
    );
    inject(sandbox, "component-restart --component kube-scheduler");
    let other = |now: &String| !now.is_empty() && *now != before;
    until_holds("there is another scheduler", || processes(sandbox, "kube-scheduler"), other);
    kubectl.apply(NAMESPACE, &[pod("after-restart", &[web_container()])]);
    kubectl.wait_for(NAMESPACE, "pod/after-restart", "condition=Ready");
}

/// The ids of a component's processes on the control plane.
fn processes(sandbox: &Sandbox, component: &str) -> String {
    // The kernel keeps fifteen characters of a name.
    let name: String = component.chars().take(15).collect();
    in_node(&sandbox.node("control-plane"), &format!("pgrep -x {name} || true"))
}

/// Waits until the API server writes and reads.
fn await_api(kubectl: &Kubectl) {
    until("the API server works", || {
        let ran = kubectl.attempt(
            "--request-timeout=5s annotate namespace default kindrs-was-here=yes --overwrite",
        );
        if ran.code == Some(0) { Ok(()) } else { Err(ran.stderr) }
    });
}

/// The node's own timer may still be telling the API server that it has healed.
fn assert_no_trace_soon(sandbox: &Sandbox) {
    let node = sandbox.node("control-plane");
    let units = "systemctl list-units --all --plain --no-legend 'kindrs-fault*'";
    until_holds("the timers are done", || in_node(&node, units), String::is_empty);
    assert_no_trace(sandbox, &NODES);
    for component in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] {
        in_node(&node, &format!("test -s /etc/kubernetes/manifests/{component}.yaml"));
    }
}
