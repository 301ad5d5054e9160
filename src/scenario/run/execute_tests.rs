use serde_json::{Value, json};

use super::*;
use crate::runtime::ExecOutput;
use crate::scenario::history::Change;
use crate::scenario::run::fixture::{Answer, Stage, entries};

/// A session whose kubectl fails on request.
async fn stage(steps: Value) -> Stage {
    let stage = Stage::with(steps).await;
    let tries = std::sync::atomic::AtomicUsize::new(0);
    stage.engine.on_exec(move |_, command, _| {
        let tried = tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let fails = command.contains(&"fail") || (command.contains(&"once") && tried == 0);
        ExecOutput { code: i64::from(fails), stdout: b"said\n".to_vec(), stderr: Vec::new() }
    });
    stage
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

/// The ends of the steps, abbreviated, and the record's lines about them.
async fn run_steps(steps: Value) -> (Vec<String>, Vec<String>) {
    let stage = stage(steps).await;
    let ends = stage.run().await;
    stage.session.recorder.end(false).1.unwrap();
    let lines = entries(&stage.folder).into_iter().filter_map(|entry| match entry.change {
        Change::Step(step) => Some(format!("{} {:?} {}", step.step, step.state, step.attempt)),
        _ => None,
    });
    (ends, lines.collect())
}

#[tokio::test]
async fn runs_steps_in_order() {
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
async fn the_first_failure_skips_the_rest() {
    let group = json!({ "name": "later", "parallel": [sleep("a", "1ms"), sleep("b", "1ms")] });
    let (ends, _) = run_steps(json!([kubectl("one", "fail"), group])).await;
    let failed = "one Failed exit code 1, expected 0: said";
    assert_eq!(ends, [failed, "later Skipped", "a Skipped", "b Skipped"]);
}

#[tokio::test]
async fn continues_after_a_tolerated_failure() {
    let first = with(kubectl("one", "fail"), "continueOnFailure", true.into());
    let (ends, _) = run_steps(json!([first, kubectl("two", "get")])).await;
    assert_eq!(ends[1], "two Passed said");
}

#[tokio::test]
async fn records_each_retry() {
    let retries = json!({ "attempts": 3, "delay": "1ms" });
    let step = with(kubectl("one", "once"), "retries", retries);
    let (ends, lines) = run_steps(json!([step])).await;
    assert_eq!(ends, ["one Passed said"]);
    assert_eq!(lines, ["one Started 1", "one Retried 1", "one Started 2", "one Passed 2"]);
}

#[tokio::test]
async fn a_failed_step_ends_parallel_steps() {
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
    let late = "b Inconclusive cut short: the deadline of the group passed";
    assert_eq!(
        ends,
        ["all Failed not done within the deadline of 50ms", "a Passed", late, "later Skipped"]
    );
}

#[tokio::test]
async fn waits_for_steps_in_the_background() {
    let slow = with(sleep("slow", "50ms"), "background", true.into());
    let (ends, lines) = run_steps(json!([slow, kubectl("next", "get")])).await;
    assert_eq!(ends, ["slow Passed", "next Passed said"]);
    assert_eq!(lines.last().unwrap(), "slow Passed 1");
}

#[tokio::test(start_paused = true)]
async fn retries_until_the_deadline_while_the_api_server_does_not_answer() {
    let step = json!({ "name": "one", "cordon": { "nodes": ["dev-worker"] }, "deadline": "5s" });
    let asked = |api: &crate::scenario::run::fixture::FakeApi| {
        api.asked_for("PATCH /api/v1/nodes/dev-worker").len()
    };
    let stage = stage(json!([step.clone()])).await;
    stage.api.refuses("PATCH /api/v1/nodes/dev-worker", 503, "not now");
    assert_eq!(stage.run().await, ["one Failed not done within the deadline of 5s"]);
    assert!((5..=15).contains(&asked(&stage.api)), "{}", asked(&stage.api));
    let stage = self::stage(json!([step])).await;
    stage.api.now("GET /readyz", Answer::Silence);
    stage.api.on("PATCH /api/v1/nodes/dev-worker", Answer::Silence);
    let unknown =
        "one Inconclusive not done within the deadline of 5s (API server: no answer in 2 s)";
    assert_eq!(stage.run().await, [unknown]);
}

#[tokio::test]
async fn an_interruption_ends_the_steps() {
    let steps = json!([
        with(sleep("slow", "1m"), "background", true.into()),
        sleep("one", "1m"),
        sleep("two", "1m"),
    ]);
    let stage = stage(steps).await;
    tokio::join!(execute(&stage.session), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        stage.session.end_steps(Stop::Interrupted);
    });
    let ends = ["slow Inconclusive interrupted", "one Inconclusive interrupted", "two Skipped"];
    assert_eq!(stage.ends(), ends);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_ends_the_pause_between_tries() {
    let retries = json!({ "attempts": 3, "delay": "1h" });
    let stage = stage(json!([with(kubectl("one", "fail"), "retries", retries)])).await;
    tokio::join!(execute(&stage.session), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        stage.session.end_steps(Stop::Interrupted);
    });
    assert_eq!(stage.ends(), ["one Failed exit code 1, expected 0: said"]);
    assert!(stage.session.recorder.now().elapsed() < Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn the_scenario_has_a_deadline() {
    let stage = stage(json!([sleep("one", "1m"), sleep("two", "1m")])).await;
    let mut scenario = stage.session.scenario.clone();
    scenario.deadline = Some(serde_json::from_value(json!("90s")).unwrap());
    let stage = Stage::of(scenario).await;
    let ends = stage.run().await;
    assert_eq!(ends, ["one Passed", "two Failed the scenario's deadline of 1m 30s passed"]);
}

#[tokio::test(start_paused = true)]
async fn retries_all_steps_of_a_group() {
    let retries = json!({ "attempts": 3 });
    let steps = json!([
        kubectl("first", "once"),
        { "name": "holds", "wait": "size(web) == 0" },
        sleep("last", "1ms"),
    ]);
    let group = with(json!({ "name": "all", "steps": steps }), "retries", retries);
    let (ends, lines) = run_steps(json!([group, kubectl("later", "get")])).await;
    assert_eq!(ends[0], "all Passed");
    assert_eq!(ends[1], "first Passed said");
    assert!(ends[2].starts_with("holds Passed"), "{ends:?}");
    assert_eq!(ends[4], "later Passed said");
    let expected = [
        "all Started 1",
        "first Started 1",
        "first Failed 1",
        "all Retried 1",
        "all Started 2",
        "first Started 2",
        "first Passed 2",
        "holds Started 1",
        "holds Passed 1",
    ];
    assert_eq!(lines[..9], expected);
}

#[tokio::test(start_paused = true)]
async fn judges_assertions_in_each_try_of_a_group() {
    let retries = json!({ "attempts": 2 });
    let steps = json!([
        { "name": "holds", "wait": "size(web) == 0" },
        { "name": "since", "assert": { "always": "size(web) == 0", "from": "first" } },
        kubectl("fails", "fail"),
        kubectl("never", "get"),
    ]);
    let group = with(json!({ "name": "all", "steps": steps }), "retries", retries);
    let (ends, lines) = run_steps(json!([sleep("first", "1ms"), group])).await;
    assert_eq!(ends[1], "all Failed a step of the group failed");
    for (name, end) in [("holds", "Passed 2"), ("since", "Passed 2"), ("fails", "Failed 2")] {
        assert!(lines.contains(&format!("{name} {end}")), "{lines:#?}");
    }
    assert_eq!(lines.iter().filter(|line| *line == "never Skipped 1").count(), 1, "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_fails_its_last_try_ends_the_rest() {
    let group = json!({
        "name": "both", "parallel": [sleep("a", "1m"), kubectl("b", "fail")],
        "retries": { "attempts": 2 },
    });
    let (ends, lines) = run_steps(json!([group, kubectl("later", "get")])).await;
    assert_eq!(ends[0], "both Failed a step of the group failed");
    assert_eq!(ends[3], "later Skipped");
    assert_eq!(lines.iter().filter(|line| line.starts_with("a Inconclusive")).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn ignores_the_verdict_on_an_earlier_try() {
    let retries = json!({ "attempts": 3, "delay": "0s" });
    let never = json!({ "name": "pods", "wait": "size(web) == 1", "deadline": "10s" });
    let (ends, lines) = run_steps(json!([with(never, "retries", retries)])).await;
    assert!(ends[0].starts_with("pods Failed"), "{ends:?}");
    let expected = [
        "pods Started 1",
        "pods Retried 1",
        "pods Started 2",
        "pods Retried 2",
        "pods Started 3",
        "pods Failed 3",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test(start_paused = true)]
async fn a_failed_background_assertion_ends_the_steps() {
    let scenario = crate::scenario::run::fixture::scenario(
        json!([sleep("one", "1m"), sleep("two", "1m")]),
        json!({ "assertions": [{ "name": "none", "never": "size(web) == 0" }] }),
    );
    let stage = Stage::of(scenario).await;
    assert_eq!(
        stage.run().await,
        ["one Inconclusive cut short: assertion `none` failed", "two Skipped"]
    );
}
