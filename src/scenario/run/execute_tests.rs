use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::*;
use crate::cluster::fixture::{THREE, engine, make};
use crate::progress::Progress;
use crate::runtime::ExecOutput;
use crate::scenario::evaluate::Program;
use crate::scenario::history::{Begin, Change, Reader};
use crate::scenario::language::{Scenario, Timing};
use crate::scenario::run::recorder::Recorder;
use crate::scenario::run::session::Parts;

/// A session whose kubectl fails when it is told to.
async fn session(steps: Value, is_ready: bool) -> (Arc<Session>, TempDir) {
    let scenario: Scenario = serde_json::from_value(json!({
        "apiVersion": "kindrs.dev/v1alpha1",
        "kind": "Scenario",
        "metadata": { "name": "test" },
        "steps": steps,
    }))
    .unwrap();
    let engine = engine();
    make(&engine, "dev", 1, &THREE).await;
    let tries = std::sync::atomic::AtomicUsize::new(0);
    engine.on_exec(move |_, command, _| {
        let tried = tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let fails = command.contains(&"fail") || (command.contains(&"once") && tried == 0);
        ExecOutput { code: i64::from(fails), stdout: b"said\n".to_vec(), stderr: Vec::new() }
    });
    let folder = tempfile::tempdir().unwrap();
    let program = Arc::new(Program::compile(&scenario).unwrap_or_else(|_| panic!("compiles")));
    let begin = Begin {
        format: 1,
        kindrs: String::new(),
        scenario: "test".into(),
        time: Timestamp::UNIX_EPOCH,
        cluster: "dev".into(),
        kubernetes: "v1.37.2".into(),
        timing: Timing::Default,
        variables: Map::new(),
        kinds: Vec::new(),
    };
    let recorder = Recorder::begin(&folder.path().join("history.jsonl"), program, begin).unwrap();
    // It is ready, and has an answer to nothing else.
    let api = tower::service_fn(move |request: http::Request<kube::client::Body>| async move {
        if !is_ready || request.uri().path() != "/readyz" {
            std::future::pending::<()>().await;
        }
        Ok::<_, std::io::Error>(http::Response::new(kube::client::Body::empty()))
    });
    let parts = Parts {
        engine: Arc::new(engine),
        cluster: "dev".into(),
        client: kube::Client::new(api, "default"),
        scenario,
        variables: Map::new(),
        folder: PathBuf::new(),
        recorder: Arc::new(recorder),
        progress: Progress::silent(),
    };
    (Arc::new(Session::new(parts)), folder)
}

fn kubectl(name: &str, word: &str) -> Value {
    json!({ "name": name, "kubectl": { "args": [word] } })
}

fn sleep(name: &str, lasting: &str) -> Value {
    json!({ "name": name, "sleep": { "for": lasting, "reason": "a test" } })
}

fn with(mut step: Value, field: &str, value: Value) -> Value {
    step[field] = value;
    step
}

/// How the steps end, in short, and the lines of the record about them.
async fn run_steps_while(steps: Value, is_ready: bool) -> (Vec<String>, Vec<String>) {
    let (session, folder) = session(steps, is_ready).await;
    execute(&session).await;
    session.recorder.end(false).unwrap();
    let ends = session.reports(&session.scenario.steps).into_iter().map(|step| {
        format!("{} {:?} {}", step.name, step.state, step.detail).trim_end().to_owned()
    });
    let entries = Reader::open(&folder.path().join("history.jsonl"), None).unwrap();
    let lines = entries.filter_map(|entry| match entry.unwrap().change {
        Change::Step(step) => Some(format!("{} {:?} {}", step.step, step.state, step.attempt)),
        _ => None,
    });
    (ends.collect(), lines.collect())
}

async fn run_steps(steps: Value) -> (Vec<String>, Vec<String>) {
    run_steps_while(steps, true).await
}

#[tokio::test]
async fn steps_run_in_their_order() {
    let steps = json!([kubectl("one", "get"), sleep("two", "1ms"), kubectl("three", "get")]);
    let (ends, lines) = run_steps(steps).await;
    assert_eq!(ends, ["one Passed said", "two Passed", "three Passed said"]);
    let expected = [
        "one Started 1",
        "one Passed 1",
        "two Started 1",
        "two Passed 1",
        "three Started 1",
        "three Passed 1",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn the_first_failure_ends_them() {
    let group = json!({ "name": "later", "parallel": [sleep("a", "1ms"), sleep("b", "1ms")] });
    let (ends, _) = run_steps(json!([kubectl("one", "fail"), group])).await;
    let failed = "one Failed exit code 1, expected 0: said";
    assert_eq!(ends, [failed, "later Skipped", "a Skipped", "b Skipped"]);
}

#[tokio::test]
async fn a_failure_that_is_no_end_is_none() {
    let first = with(kubectl("one", "fail"), "continueOnFailure", true.into());
    let (ends, _) = run_steps(json!([first, kubectl("two", "get")])).await;
    assert_eq!(ends[1], "two Passed said");
}

#[tokio::test]
async fn retries_are_told() {
    let retries = json!({ "attempts": 3, "delay": "1ms" });
    let step = with(kubectl("one", "once"), "retries", retries);
    let (ends, lines) = run_steps(json!([step])).await;
    assert_eq!(ends, ["one Passed said"]);
    assert_eq!(lines, ["one Started 1", "one Retried 1", "one Started 2", "one Passed 2"]);
}

#[tokio::test]
async fn a_failed_step_ends_those_beside_it() {
    let group = json!({ "name": "both", "parallel": [sleep("a", "1m"), kubectl("b", "fail")] });
    let (ends, _) = run_steps(json!([group])).await;
    assert_eq!(ends[0], "both Failed a step of the group failed");
    assert_eq!(ends[1], "a Inconclusive cut short: another step failed");
}

#[tokio::test]
async fn a_group_has_a_deadline() {
    let steps = json!([sleep("a", "1ms"), sleep("b", "1m")]);
    let group = json!({ "name": "all", "steps": steps, "deadline": "50ms" });
    let (ends, _) = run_steps(json!([group, kubectl("later", "get")])).await;
    let late = "b Inconclusive cut short: the time of its group was up";
    assert_eq!(
        ends,
        ["all Failed not done within its deadline of 50ms", "a Passed", late, "later Skipped"]
    );
}

#[tokio::test]
async fn the_run_waits_for_steps_in_the_background() {
    let slow = with(sleep("slow", "50ms"), "background", true.into());
    let (ends, lines) = run_steps(json!([slow, kubectl("next", "get")])).await;
    assert_eq!(ends, ["slow Passed", "next Passed said"]);
    assert_eq!(lines.last().unwrap(), "slow Passed 1");
}

#[tokio::test]
async fn an_api_server_without_an_answer_is_asked_until_the_deadline() {
    let step = json!({ "name": "one", "cordon": { "nodes": ["dev-worker"] }, "deadline": "50ms" });
    let (ends, _) = run_steps_while(json!([step.clone()]), true).await;
    assert_eq!(ends, ["one Failed not done within its deadline of 50ms"]);
    let (ends, _) = run_steps_while(json!([step]), false).await;
    let unknown =
        "one Inconclusive not done within its deadline of 50ms: the API server: no answer in 2 s";
    assert_eq!(ends, [unknown]);
}

#[tokio::test]
async fn an_interruption_ends_the_steps() {
    let (session, _folder) = session(json!([sleep("one", "1m"), sleep("two", "1m")]), true).await;
    tokio::join!(execute(&session), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        session.end_steps(Stop::Interrupted);
    });
    let ends: Vec<StepState> =
        session.reports(&session.scenario.steps).into_iter().map(|step| step.state).collect();
    assert_eq!(ends, [StepState::Inconclusive, StepState::Skipped]);
}
