//! Components of the control plane that are stopped, frozen and killed.

use harness::{
    Cluster, Kubectl, Sandbox, Suite, deployment, in_node, pass, pod, until, until_holds,
    web_container,
};

use harness::faults::{QUICK, active, assert_no_trace, events, heal, heal_all, inject, try_inject};

const NAMESPACE: &str = "control";
const NODES: [&str; 3] = ["control-plane", "worker", "worker2"];

pub fn suite() -> Suite<Cluster> {
    Suite::new("faults_control_plane", create)
        .before_each(|cluster| {
            heal_all(&cluster.sandbox);
            await_api(&cluster.kubectl);
        })
        .after_each(|cluster| assert_no_trace_soon(&cluster.sandbox))
        .step("wrong_input_is_refused", wrong_input)
        .step("pods_stay_pending_without_a_scheduler", scheduler_stopped)
        .step("pods_are_not_replaced_without_controllers", controllers_stopped)
        .step("frozen_api_server_does_not_answer", |cluster| {
            api_outage(cluster, "component-pause --component kube-apiserver");
        })
        .step("stopped_api_server_does_not_answer", |cluster| {
            api_outage(cluster, "component-stop --component kube-apiserver");
        })
        .step("writes_fail_without_etcd", |cluster| api_outage(cluster, "etcd-quorum-loss"))
        .step("killed_etcd_returns", killed)
        .step("restarted_scheduler_schedules", restarted)
}

fn create() -> Cluster {
    let cluster = Cluster::create("faults-control-plane", QUICK);
    let kubectl = &cluster.kubectl;
    kubectl.namespace(NAMESPACE);
    kubectl.apply(NAMESPACE, &[deployment("web", 2, &[web_container()])]);
    kubectl.rolled_out(NAMESPACE, "deployment/web");
    cluster
}

fn wrong_input(Cluster { sandbox, kubectl }: &Cluster) {
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

fn scheduler_stopped(Cluster { sandbox, kubectl }: &Cluster) {
    let id = inject(sandbox, "component-stop --component kube-scheduler");
    assert_eq!(processes(sandbox, "kube-scheduler"), "");
    // Two faults of the same component would undo each other.
    let said = try_inject(sandbox, "component-pause --component kube-scheduler").fails(2);
    assert!(said.contains(&id), "{said}");

    kubectl.apply(NAMESPACE, &[pod("late", &[web_container()])]);
    pass(5);
    let node = || kubectl.value(&format!("-n {NAMESPACE} get pod late"), ".spec.nodeName");
    assert_eq!(node(), "", "the pod was scheduled");
    heal(sandbox, &id);
    until_holds("the pod has a node", node, |node| !node.is_empty());
    kubectl.wait_for(NAMESPACE, "pod/late", "condition=Ready");
    let told = events(kubectl, "default", &sandbox.node("control-plane"), "FaultHealed");
    assert!(told.iter().any(|message| message.contains("starts kube-scheduler")), "{told:?}");
}

fn controllers_stopped(Cluster { sandbox, kubectl }: &Cluster) {
    let id = inject(sandbox, "component-stop --component kube-controller-manager");
    let pods = || kubectl.pods(NAMESPACE, "app=web");
    let before = pods();
    assert_eq!(before.len(), 2);
    kubectl.run(&format!("-n {NAMESPACE} delete pod {}", before[0]));
    pass(5);
    assert_eq!(pods(), before[1..], "the pod was replaced");
    heal(sandbox, &id);
    until_holds("the pod is replaced", pods, |pods| pods.len() == 2);
    kubectl.rolled_out(NAMESPACE, "deployment/web");
}

/// The API server does not answer for the duration of the fault, and returns without help.
fn api_outage(Cluster { sandbox, kubectl }: &Cluster, fault: &str) {
    let id = inject(sandbox, &format!("{fault} --allow-total --for 8s"));
    let ran = kubectl.attempt("--request-timeout=2s create namespace never");
    assert!(ran.code != Some(0), "{ran}");
    assert!(active(sandbox).iter().any(|fault| fault["id"] == *id));
    until_holds("the node has healed the fault", || active(sandbox), Vec::is_empty);
    await_api(kubectl);
    // One was recorded just before the API server stopped, the other by the node when it was back.
    let node = sandbox.node("control-plane");
    for reason in ["FaultInjected", "FaultHealed"] {
        until_holds(
            &format!("there is an Event {reason}"),
            || events(kubectl, "default", &node, reason),
            |told| told.iter().any(|message| message.contains(&id)),
        );
    }
}

fn killed(Cluster { sandbox, kubectl }: &Cluster) {
    let before = processes(sandbox, "etcd");
    inject(sandbox, "component-kill --component etcd --allow-total");
    let other = |now: &String| !now.is_empty() && *now != before;
    until_holds("etcd has another process", || processes(sandbox, "etcd"), other);
    await_api(kubectl);
}

fn restarted(Cluster { sandbox, kubectl }: &Cluster) {
    // Without an API server it loses its lease and exits, and kubelet waits before it starts it again.
    let before = until("the scheduler is restarted", || {
        let before = processes(sandbox, "kube-scheduler");
        if before.is_empty() {
            return Err("it is not running".to_owned());
        }
        let ran = try_inject(sandbox, "component-restart --component kube-scheduler");
        if ran.code == Some(0) { Ok(before) } else { Err(ran.stderr) }
    });
    let other = |now: &String| !now.is_empty() && *now != before;
    until_holds(
        "the scheduler has another process",
        || processes(sandbox, "kube-scheduler"),
        other,
    );
    kubectl.apply(NAMESPACE, &[pod("after-restart", &[web_container()])]);
    kubectl.wait_for(NAMESPACE, "pod/after-restart", "condition=Ready");
}

/// The process ids of a component on the control plane.
fn processes(sandbox: &Sandbox, component: &str) -> String {
    // The kernel keeps 15 characters of a name.
    let name: String = component.chars().take(15).collect();
    in_node(&sandbox.node("control-plane"), &format!("pgrep -x {name} || true"))
}

/// Waits until the API server accepts writes.
fn await_api(kubectl: &Kubectl) {
    until("the API server works", || {
        let ran = kubectl.attempt(
            "--request-timeout=5s annotate namespace default kindrs-was-here=yes --overwrite",
        );
        if ran.code == Some(0) { Ok(()) } else { Err(ran.stderr) }
    });
}

/// Waits first, because the node's timer may still be recording its Event.
fn assert_no_trace_soon(sandbox: &Sandbox) {
    let node = sandbox.node("control-plane");
    let units = "systemctl list-units --all --plain --no-legend 'kindrs-fault*'";
    until_holds("the timers are done", || in_node(&node, units), String::is_empty);
    assert_no_trace(sandbox, &NODES);
    for component in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] {
        in_node(&node, &format!("test -s /etc/kubernetes/manifests/{component}.yaml"));
    }
}
