use super::*;
use crate::fault::fixture::view;
use crate::fault::journal;
use crate::fault::targeting::NodeTargets;
use crate::runtime::ContainerState;

fn on(nodes: &[&str]) -> NodeTargets {
    let node = nodes.iter().map(|node| (*node).to_owned()).collect();
    NodeTargets { node, ..Default::default() }
}

fn request(fault: FaultKind) -> Request {
    Request { fault, duration: Some(Duration::from_secs(60)), allow_total: false }
}

fn refusal(request: &Request, view: &View, active: &[Entry]) -> String {
    let failure = plan(request, "id".into(), view, active).unwrap_err();
    assert!(matches!(failure, Failure::Input { .. }), "{failure}");
    format!("{failure}\n{}", failure.hint().unwrap_or_default())
}

/// The entries of a fault as it would be active.
fn active(fault: FaultKind, view: &View) -> Vec<Entry> {
    let request = Request { allow_total: true, ..request(fault) };
    let plan = plan(&request, "kubelet-stop-aaaaa".into(), view, &[]).unwrap();
    let now = jiff::Timestamp::UNIX_EPOCH;
    plan.actions.iter().map(|action| journal::entry(&plan, action, now)).collect()
}

#[test]
fn a_duration_of_zero_and_one_for_what_is_over_at_once_are_refused() {
    let view = view(1, 2);
    let zero =
        Request { duration: Some(Duration::ZERO), ..request(FaultKind::NodeStop(on(&["worker"]))) };
    insta::assert_snapshot!(refusal(&zero, &view, &[]), @r"
    a fault of no duration has no effect
    give --for 1s or more, or leave it out and heal by hand
    ");
    let instant = request(FaultKind::NodeRestart(on(&["worker"])));
    insta::assert_snapshot!(refusal(&instant, &view, &[]), @r"
    node-restart is over as soon as it was done: it takes no duration
    leave out --for
    ");
}

#[test]
fn what_takes_the_whole_cluster_is_refused() {
    let one = view(1, 2);
    let three = view(3, 0);
    let stop = |nodes: &[&str]| request(FaultKind::NodeStop(on(nodes)));
    let refused = |request, view| refusal(&request, view, &[]).lines().next().unwrap().to_owned();
    assert_eq!(refused(stop(&["control-plane"]), &one), "this would take the only control plane");
    let all = NodeTargets { all_nodes: true, ..Default::default() };
    assert_eq!(
        refused(request(FaultKind::KubeletStop(all)), &one),
        "this would take every node of the cluster"
    );
    assert_eq!(
        refused(stop(&["control-plane2", "control-plane3"]), &three),
        "this would take etcd's quorum: 1 of 3 members would be left"
    );
    assert!(plan(&stop(&["control-plane3"]), "id".into(), &three, &[]).is_ok());
    assert!(plan(&stop(&["worker", "worker2"]), "id".into(), &one, &[]).is_ok());
    let allowed = Request { allow_total: true, ..stop(&["control-plane"]) };
    assert!(plan(&allowed, "id".into(), &one, &[]).is_ok());
}

#[test]
fn the_guard_counts_what_is_gone_already() {
    let mut three = view(3, 1);
    let stop = request(FaultKind::NodeStop(on(&["control-plane3"])));
    let others = active(FaultKind::KubeletStop(on(&["control-plane"])), &three);
    assert!(refusal(&stop, &three, &others).contains("1 of 3 members"));
    three.nodes[0].state = ContainerState::Exited;
    assert!(refusal(&stop, &three, &[]).contains("1 of 3 members"));
    // What takes nothing is not refused for what is gone.
    let stress = FaultKind::CpuStress(crate::fault::kind::CpuStress {
        cpus: 1,
        targets: on(&["control-plane3"]),
    });
    assert!(plan(&request(stress), "id".into(), &three, &others).is_ok());
}

#[test]
fn a_fault_in_the_way_is_named() {
    let view = view(1, 2);
    let active = active(FaultKind::KubeletStop(on(&["worker"])), &view);
    let stop = request(FaultKind::NodePause(on(&["worker"])));
    insta::assert_snapshot!(refusal(&stop, &view, &active), @r"
    dev-worker has a fault already that this one conflicts with: kubelet-stop-aaaaa kubelet-stop stops kubelet
    heal it first: kindrs fault heal kubelet-stop-aaaaa
    ");
    let elsewhere = request(FaultKind::NodePause(on(&["worker2"])));
    assert!(plan(&elsewhere, "id".into(), &view, &active).is_ok());
    let other = request(FaultKind::RuntimeStop(on(&["worker"])));
    assert!(plan(&other, "id".into(), &view, &active).is_ok());
}

#[test]
fn a_node_that_does_not_run_is_told() {
    let mut view = view(1, 2);
    view.nodes[1].state = ContainerState::Exited;
    let stop = request(FaultKind::KubeletStop(on(&["worker"])));
    insta::assert_snapshot!(refusal(&stop, &view, &[]), @r"
    dev-worker is exited, not running
    start it first: docker start dev-worker
    ");
}

#[test]
fn actions_of_every_kind_on_a_node() {
    let view = view(1, 2);
    let stress = |targets| {
        [
            FaultKind::DiskFill(crate::fault::kind::DiskFill {
                size: "1Gi".into(),
                whole: false,
                targets,
            }),
            FaultKind::MemoryStress(crate::fault::kind::MemoryStress {
                size: "512Mi".into(),
                targets: on(&["worker"]),
            }),
            FaultKind::CpuStress(crate::fault::kind::CpuStress {
                cpus: 2,
                targets: on(&["worker"]),
            }),
        ]
    };
    let faults = [
        FaultKind::NodeStop(on(&["worker"])),
        FaultKind::NodeKill(on(&["worker"])),
        FaultKind::NodePause(on(&["worker"])),
        FaultKind::KubeletStop(on(&["worker"])),
        FaultKind::RuntimeStop(on(&["worker"])),
    ];
    for fault in faults.into_iter().chain(stress(on(&["worker"]))) {
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
fn what_is_about_a_node_counts_for_it_wherever_it_happens() {
    let view = view(1, 2);
    let workers = |nodes: &[&str]| request(FaultKind::HeartbeatLoss(on(nodes)));
    // It happens on the only control plane, and takes a worker.
    plan(&workers(&["worker"]), "id".into(), &view, &[]).unwrap();
    let active = active(FaultKind::HeartbeatLoss(on(&["worker", "control-plane"])), &view);
    assert_eq!(
        refusal(&workers(&["worker2"]), &view, &active).lines().next(),
        Some("this would take every node of the cluster")
    );
}

#[test]
fn an_api_server_is_lost_with_its_etcd() {
    let view = view(3, 0);
    let active = active(FaultKind::NodeStop(on(&["control-plane"])), &view);
    let stop = |component: &str, node: &str| {
        let json = serde_json::json!({
            "kind": "component-stop", "component": component, "node": [node],
        });
        request(serde_json::from_value(json).unwrap())
    };
    let last = refusal(&stop("etcd", "control-plane2"), &view, &active);
    assert!(last.starts_with("this would take etcd's quorum"), "{last}");
    plan(&stop("kube-apiserver", "control-plane2"), "id".into(), &view, &active).unwrap();
}
