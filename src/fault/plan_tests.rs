use super::*;
use crate::fault::fixture::{fault, message, named_view, view, words};
use crate::fault::journal;
use crate::fault::targeting::NodeTargets;
use crate::runtime::ContainerState;

fn on(nodes: &[&str]) -> NodeTargets {
    let node = nodes.iter().map(|node| (*node).into()).collect();
    NodeTargets { node, ..Default::default() }
}

fn request(fault: FaultKind) -> Request {
    Request { fault, duration: Some(Duration::from_secs(60)), allow_total: false }
}

fn refusal(request: &Request, view: &View, active: &[Entry]) -> String {
    words(&plan(request, "id".into(), view, active).unwrap_err())
}

/// The entries of the fault if it were active.
fn active(fault: FaultKind, view: &View) -> Vec<Entry> {
    let request = Request { allow_total: true, ..request(fault) };
    let plan = plan(&request, "kubelet-stop-aaaaa".into(), view, &[]).unwrap();
    let now = jiff::Timestamp::UNIX_EPOCH;
    plan.actions.iter().map(|action| journal::entry(&plan, action, now)).collect()
}

#[test]
fn refuses_a_duration_that_makes_no_sense() {
    let view = view(1, 2);
    let zero =
        Request { duration: Some(Duration::ZERO), ..request(FaultKind::NodeStop(on(&["worker"]))) };
    insta::assert_snapshot!(refusal(&zero, &view, &[]), @r"
    a fault with a duration of zero has no effect
    leave out <for> to heal the fault yourself
    ");
    let instant = request(FaultKind::NodeRestart(on(&["worker"])));
    insta::assert_snapshot!(refusal(&instant, &view, &[]), @r"
    node-restart ends at once and cannot have a duration
    leave out <for>
    ");
}

#[test]
fn refuses_a_total_loss() {
    let one = view(1, 2);
    let three = view(3, 0);
    let stop = |nodes: &[&str]| request(FaultKind::NodeStop(on(nodes)));
    let refused = |request, view| refusal(&request, view, &[]).lines().next().unwrap().to_owned();
    assert_eq!(
        refused(stop(&["control-plane"]), &one),
        "this would take down the only control plane"
    );
    let all = NodeTargets { all_nodes: true, ..Default::default() };
    assert_eq!(
        refused(request(FaultKind::KubeletStop(all)), &one),
        "this would take down every node of the cluster"
    );
    assert_eq!(
        refused(stop(&["control-plane2", "control-plane3"]), &three),
        "this would take down etcd's quorum: 1 of 3 members would be left"
    );
    assert!(plan(&stop(&["control-plane3"]), "id".into(), &three, &[]).is_ok());
    assert!(plan(&stop(&["worker", "worker2"]), "id".into(), &one, &[]).is_ok());
    let allowed = Request { allow_total: true, ..stop(&["control-plane"]) };
    assert!(plan(&allowed, "id".into(), &one, &[]).is_ok());
}

#[test]
fn the_guard_counts_what_is_down_already() {
    let mut three = view(3, 1);
    let stop = request(FaultKind::NodeStop(on(&["control-plane3"])));
    let others = active(FaultKind::KubeletStop(on(&["control-plane"])), &three);
    assert!(refusal(&stop, &three, &others).contains("1 of 3 members"));
    three.nodes[0].state = ContainerState::Exited;
    assert!(refusal(&stop, &three, &[]).contains("1 of 3 members"));
    // A fault without an impact is not refused.
    let stress = fault("cpu-stress --node control-plane3");
    assert!(plan(&request(stress), "id".into(), &three, &others).is_ok());
}

#[test]
fn names_the_conflicting_fault() {
    let view = view(1, 2);
    let active = active(FaultKind::KubeletStop(on(&["worker"])), &view);
    let stop = request(FaultKind::NodePause(on(&["worker"])));
    insta::assert_snapshot!(refusal(&stop, &view, &active), @r"
    node `dev-worker` already has a conflicting fault: kubelet-stop-aaaaa (kubelet-stop) stops kubelet
    run `kindrs fault heal kubelet-stop-aaaaa` first
    ");
    let elsewhere = request(FaultKind::NodePause(on(&["worker2"])));
    assert!(plan(&elsewhere, "id".into(), &view, &active).is_ok());
    let other = request(FaultKind::RuntimeStop(on(&["worker"])));
    assert!(plan(&other, "id".into(), &view, &active).is_ok());
}

#[test]
fn refuses_a_stopped_node() {
    let mut view = view(1, 2);
    view.nodes[1].state = ContainerState::Exited;
    let stop = request(FaultKind::KubeletStop(on(&["worker"])));
    insta::assert_snapshot!(refusal(&stop, &view, &[]), @r"
    node `dev-worker` is exited, not running
    run `docker start dev-worker` first
    ");
}

#[test]
fn actions_of_every_kind_on_a_node() {
    let view = view(1, 2);
    for line in [
        "node-stop --node worker",
        "node-kill --node worker",
        "node-pause --node worker",
        "kubelet-stop --node worker",
        "runtime-stop --node worker",
        "disk-fill --size 1Gi --node worker",
        "memory-stress --size 512Mi --node worker",
        "cpu-stress --cpus 2 --node worker",
    ] {
        let fault = fault(line);
        let name = fault.name();
        let plan = plan(&request(fault), format!("{name}-abcde"), &view, &[]).unwrap();
        insta::assert_debug_snapshot!(name, plan.actions);
    }
}

#[test]
fn the_scripts_of_an_action() {
    let view = view(1, 2);
    let fault = FaultKind::KubeletStop(on(&["worker"]));
    let plan = plan(&request(fault), "kubelet-stop-abcde".into(), &view, &[]).unwrap();
    let script = crate::fault::script::inject(&plan.id, &plan.actions[0], plan.duration).unwrap();
    insta::assert_snapshot!("inject_script", script);
    insta::assert_snapshot!("heal_script", crate::fault::script::heal(&plan.id, &plan.actions[0]));
}

#[test]
fn an_action_counts_for_the_node_it_is_about() {
    let view = view(1, 2);
    let workers = |nodes: &[&str]| request(FaultKind::HeartbeatLoss(on(nodes)));
    // The action is on the only control plane, and takes down a worker.
    plan(&workers(&["worker"]), "id".into(), &view, &[]).unwrap();
    let active = active(FaultKind::HeartbeatLoss(on(&["worker", "control-plane"])), &view);
    assert_eq!(
        refusal(&workers(&["worker2"]), &view, &active).lines().next(),
        Some("this would take down every node of the cluster")
    );
}

#[test]
fn an_api_server_goes_down_with_its_etcd() {
    let view = view(3, 0);
    let active = active(FaultKind::NodeStop(on(&["control-plane"])), &view);
    let stop = |component: &str, node: &str| {
        request(fault(&format!("component-stop --component {component} --node {node}")))
    };
    let last = refusal(&stop("etcd", "control-plane2"), &view, &active);
    assert!(last.starts_with("this would take down etcd's quorum"), "{last}");
    plan(&stop("kube-apiserver", "control-plane2"), "id".into(), &view, &active).unwrap();
}

#[test]
fn only_the_role_makes_a_control_plane() {
    let affects = |cluster: &str, line: &str| {
        let view = named_view(cluster, 3, 2);
        plan(&request(fault(line)), "id".into(), &view, &[]).unwrap().affects_control_plane()
    };
    for cluster in ["dev", "my-control-plane"] {
        assert!(!affects(cluster, "node-kill --node worker"), "{cluster}");
        assert!(affects(cluster, "node-kill --node control-plane"), "{cluster}");
        assert!(!affects(cluster, "cpu-stress --node control-plane"), "{cluster}");
    }
}

#[test]
fn checks_parameters_without_a_cluster() {
    let check = |line: &str| message(&request(fault(line)).check().unwrap_err());
    insta::assert_snapshot!(check("node-stop"), @"no target is specified");
    insta::assert_snapshot!(check("pod-delete --count 1"), @"pod-delete ends at once and cannot have a duration");
    insta::assert_snapshot!(check("dns-failure --random"), @"no target is specified");
    insta::assert_snapshot!(check("node-stop --random --count 2"), @"<random> cannot be used together with <count>");
    insta::assert_snapshot!(check("disk-fill --whole --size 1Gi --node worker"), @"<whole> cannot be used together with <size>");
    for line in ["node-stop --percent 50", "component-stop --component etcd", "etcd-quorum-loss"] {
        assert_eq!(request(fault(line)).check(), Ok(()), "{line}");
    }
}
