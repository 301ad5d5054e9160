use std::time::Duration;

use super::*;
use crate::cluster::fixture::{THREE, engine, make};
use crate::cluster::inventory;
use crate::config::Role;
use crate::fault::fixture::fault;
use crate::fault::kind::FaultKind;
use crate::fault::plan::{Request, plan};
use crate::fault::targeting::{NodeTargets, View};
use crate::fault::{Which, heal};
use crate::runtime::fake::FakeEngine;
use crate::runtime::{ContainerState, ExecOutput};

async fn planned(engine: &FakeEngine, fault: FaultKind) -> FaultPlan {
    let view = View {
        cluster: "dev".into(),
        nodes: inventory::nodes(engine, "dev").await.unwrap(),
        ..View::default()
    };
    let duration = Some(Duration::from_secs(60)).filter(|_| !fault.is_instant());
    let request = Request { fault, duration, allow_total: false };
    let plan = plan(&request, "fault-abcde".into(), &view, &[]).unwrap();
    engine.state().calls.clear();
    plan
}

fn workers() -> NodeTargets {
    NodeTargets { role: Some(Role::Worker), ..Default::default() }
}

/// The calls that change something, in order.
fn changes(engine: &FakeEngine) -> Vec<String> {
    let reads = ["containers", "networks", "download", "container "];
    engine
        .calls()
        .into_iter()
        .filter(|call| !reads.iter().any(|read| call.starts_with(read)))
        .collect()
}

async fn active(engine: &FakeEngine) -> Vec<(String, Entry)> {
    let nodes = inventory::nodes(engine, "dev").await.unwrap();
    journal::read(engine, &nodes).await.unwrap()
}

#[tokio::test]
async fn writes_the_journal_before_anything_happens() {
    let engine = engine();
    make(&engine, "dev", 1, &THREE).await;
    let plan = planned(&engine, FaultKind::NodeKill(workers())).await;
    let injected = inject(&engine, &plan).await.unwrap();
    assert_eq!(
        changes(&engine),
        [
            "upload dev-worker /",
            "upload dev-worker2 /",
            "kill_container dev-worker",
            "kill_container dev-worker2"
        ]
    );
    let active = active(&engine).await;
    assert_eq!(active.len(), 2);
    assert_eq!(
        active.iter().map(|(_, entry)| entry).collect::<Vec<_>>(),
        injected.entries.iter().collect::<Vec<_>>()
    );
    assert_eq!(active[0].0, "fault-abcde");
}

/// Where the first call of a kind is.
fn place(engine: &FakeEngine, start: &str) -> usize {
    let calls = engine.calls();
    calls.iter().position(|call| call.starts_with(start)).unwrap_or_else(|| panic!("{calls:?}"))
}

#[tokio::test]
async fn creates_events_first_only_if_a_control_plane_is_hit() {
    for (target, is_first) in [("worker", false), ("control-plane", true)] {
        let engine = engine();
        make(&engine, "my-control-plane", 1, &THREE).await;
        let view = View {
            cluster: "my-control-plane".into(),
            nodes: inventory::nodes(&engine, "my-control-plane").await.unwrap(),
            ..View::default()
        };
        let fault = fault(&format!("node-kill --node {target}"));
        let request = Request { fault, duration: None, allow_total: true };
        let plan = plan(&request, "fault-abcde".into(), &view, &[]).unwrap();
        engine.state().calls.clear();
        inject(&engine, &plan).await.unwrap();
        // The Events need the cluster's kubeconfig, which is in a container.
        let kubeconfig = place(&engine, "containers");
        let kill = place(&engine, "kill_container");
        assert_eq!(kubeconfig < kill, is_first, "{target}: {:?}", engine.calls());
    }
}

#[tokio::test]
async fn healing_starts_killed_nodes_and_runs_their_scripts() {
    let engine = engine();
    make(&engine, "dev", 1, &THREE).await;
    let plan = planned(&engine, FaultKind::NodeKill(workers())).await;
    inject(&engine, &plan).await.unwrap();
    engine.state().calls.clear();
    engine.on_exec(|_, _, _| ExecOutput { stdout: b"healed\n".to_vec(), ..Default::default() });
    let healed = heal(&engine, "dev", &Which::All).await.unwrap();
    assert_eq!(healed.entries.len(), 2);
    let changes = changes(&engine);
    assert_eq!(changes[0], "start_container dev-worker");
    assert!(
        changes[1].starts_with("exec dev-worker sh -c [ ! -e /kindrs/faults/fault-abcde/heal ]")
    );
    // Again: nothing is started, and nothing fails.
    engine.state().calls.clear();
    engine.on_exec(|_, _, _| ExecOutput::default());
    assert_eq!(heal(&engine, "dev", &Which::All).await.unwrap().entries, []);
    assert!(!engine.calls().iter().any(|call| call.starts_with("start_container")));
}

#[tokio::test]
async fn heals_all_nodes_if_one_fails() {
    let engine = engine();
    make(&engine, "dev", 1, &THREE).await;
    let plan = planned(&engine, FaultKind::NodePause(workers())).await;
    let error = EngineError::refused("pausing", "no freezer");
    engine.fail("pause_container", 2, error);
    let failure = inject(&engine, &plan).await.unwrap_err();
    let Error::Failed(failure) = failure else { panic!("{failure:?}") };
    let text = format!("{failure:#}");
    assert!(text.contains("failed and is healed"), "{text}");
    assert!(text.contains("no freezer"), "{text}");
    assert!(changes(&engine).contains(&"unpause_container dev-worker".to_owned()));
    assert_eq!(engine.state().containers["dev-worker"].info.state, ContainerState::Running);
}

#[tokio::test]
async fn refuses_an_unable_node_before_anything_changes() {
    let engine = engine();
    make(&engine, "dev", 1, &THREE).await;
    let plan = planned(&engine, fault("disk-fill --role worker")).await;
    engine.on_exec(|_, _, _| ExecOutput { code: 1, ..Default::default() });
    let failure = inject(&engine, &plan).await.unwrap_err();
    assert!(matches!(failure, Error::Refused(Refusal::Unable(_))), "{failure:?}");
    assert!(changes(&engine).iter().all(|call| call.starts_with("exec")), "{:?}", changes(&engine));
    assert!(active(&engine).await.is_empty());
}

#[tokio::test]
async fn injects_a_single_action_with_one_command() {
    let engine = engine();
    make(&engine, "dev", 1, &THREE).await;
    let plan = planned(&engine, fault("disk-fill --node worker")).await;
    engine.on_exec(|_, _, _| ExecOutput { code: script::UNABLE, ..Default::default() });
    let failure = inject(&engine, &plan).await.unwrap_err();
    assert!(matches!(failure, Error::Refused(Refusal::Unable(_))), "{failure:?}");
    assert_eq!(changes(&engine).len(), 1);
    assert!(changes(&engine)[0].starts_with("exec dev-worker sh -c (["), "{:?}", changes(&engine));

    let plan = planned(&engine, fault("kubelet-stop --node worker")).await;
    engine.on_exec(|_, _, _| ExecOutput::default());
    inject(&engine, &plan).await.unwrap();
    insta::assert_snapshot!(changes(&engine).join("\n"), @r"
    exec dev-worker sh -c tar -xf - -C / || { rm -rf /kindrs/faults/fault-abcde; exit 1; }
    exec sh /kindrs/faults/fault-abcde/inject
    ");
    assert_eq!(active(&engine).await.len(), 1);
}

#[tokio::test]
async fn an_unknown_fault_is_not_an_error() {
    let engine = engine();
    make(&engine, "dev", 1, &THREE).await;
    let which = Which::Named(vec!["gone".into()]);
    let healed = heal(&engine, "dev", &which).await.unwrap();
    assert_eq!(healed.unknown, ["gone"]);
    assert_eq!(heal(&engine, "other", &Which::All).await.unwrap(), Default::default());
}

#[tokio::test]
async fn cannot_heal_a_script_on_a_stopped_node() {
    let engine = engine();
    make(&engine, "dev", 1, &THREE).await;
    let plan = planned(&engine, FaultKind::KubeletStop(workers())).await;
    inject(&engine, &plan).await.unwrap();
    engine.stop_container("dev-worker", Duration::ZERO).await.unwrap();
    let failure = heal(&engine, "dev", &Which::All).await.unwrap_err();
    assert!(failure.to_string().contains("node `dev-worker` is exited"), "{failure}");
    engine.state().containers.remove("dev-worker");
    heal(&engine, "dev", &Which::All).await.unwrap();
}

#[tokio::test]
async fn waits_for_a_stopping_node_and_starts_it() {
    let engine = engine();
    make(&engine, "dev", 1, &THREE).await;
    let plan = planned(&engine, FaultKind::NodeStop(workers())).await;
    inject(&engine, &plan).await.unwrap();
    // As if kindrs had been killed before Docker was done.
    for node in ["dev-worker", "dev-worker2"] {
        engine.start_container(node).await.unwrap();
    }
    engine.on_exec(|node, command, _| {
        let state: &[u8] = if node == "dev-worker" { b"stopping\n" } else { b"running\n" };
        let asked = command == ["systemctl", "is-system-running"];
        ExecOutput { stdout: if asked { state.to_vec() } else { Vec::new() }, ..Default::default() }
    });
    engine.state().calls.clear();
    let healed = heal(&engine, "dev", &Which::All).await.unwrap();
    assert_eq!(healed.entries.len(), 1);
    let starts: Vec<String> =
        engine.calls().into_iter().filter(|call| call.contains("start_container")).collect();
    assert_eq!(starts, ["start_container dev-worker"]);
    assert!(engine.calls().contains(&"wait_container dev-worker".to_owned()));
}
