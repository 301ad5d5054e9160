use serde_json::{Value, json};

use super::*;
use crate::cluster::fixture::engine;
use crate::progress::Progress;
use crate::scenario::history::Change;
use crate::scenario::run::fixture::{Answer, FakeApi, Stage, entries, lines, scenario};

const KINDS: [&str; 2] = ["v1/Pod", "v1/Node"];

fn kinds() -> Vec<KindName> {
    KINDS.map(|kind| KindName(kind.into())).to_vec()
}

/// An API server without objects, except the namespace `default`.
fn has_nothing(api: &FakeApi) {
    let list = json!({ "metadata": { "resourceVersion": "5" }, "items": [] });
    api.gives("GET /api/v1/pods", list.clone()).gives("GET /api/v1/nodes", list);
    api.gives("GET /api/v1/namespaces/default", json!({ "metadata": { "name": "default" } }));
}

async fn stage(steps: Value, rest: Value) -> Stage {
    let stage = Stage::of(scenario(steps, rest)).await;
    has_nothing(&stage.api);
    stage
}

fn sleep(lasting: &str) -> Value {
    json!([{ "name": "one", "sleep": { "for": lasting, "reason": "a test" } }])
}

fn never() -> Value {
    json!({ "assertions": [{ "name": "none", "never": "size(web) > 0" }] })
}

/// Whether the record's end is marked as interrupted.
fn was_cut_short(stage: &Stage) -> bool {
    let entries = entries(&stage.folder);
    let Change::End(end) = &entries.last().unwrap().change else { panic!("{entries:?}") };
    end.interrupted
}

#[tokio::test(start_paused = true)]
async fn runs_a_session_to_its_verdicts() {
    let stage = stage(sleep("1m"), never()).await;
    let outcome = on_session(&stage.session, kinds(), &CancellationToken::new()).await;
    assert_eq!(outcome.errors, Vec::<String>::new());
    assert_eq!(outcome.judgements[0].verdict, Verdict::Pass);
    assert_eq!(stage.ends(), ["one Passed"]);
    assert!(!was_cut_short(&stage));
}

#[tokio::test(start_paused = true)]
async fn an_interruption_before_the_first_step() {
    let stage = stage(sleep("1m"), never()).await;
    stage.api.now("GET /api/v1/pods", Answer::Silence);
    let interrupted = CancellationToken::new();
    let (outcome, ()) = tokio::join!(on_session(&stage.session, kinds(), &interrupted), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        interrupted.cancel();
    });
    assert_eq!(outcome.errors, ["interrupted"]);
    assert_eq!(stage.ends(), ["one Skipped"]);
    assert!(was_cut_short(&stage));
}

#[tokio::test(start_paused = true)]
async fn an_interruption_heals_and_cleans_up() {
    let kill = json!({ "name": "lose", "inject": { "fault": "node-kill", "node": "dev-worker" } });
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a" } });
    let apply = json!({ "name": "make", "apply": { "objects": [pod] } });
    let wait = json!({ "name": "wait", "wait": "size(web) == 1", "deadline": "1h" });
    let stage = stage(json!([kill, apply, wait]), json!({})).await;
    stage.session.state.cleanup.enable();
    stage.engine.on_exec(|_, _, _| crate::runtime::ExecOutput {
        stdout: b"healed\n".to_vec(),
        ..Default::default()
    });
    let path = "/api/v1/namespaces/default/pods/a";
    stage.api.gives(&format!("PATCH {path}"), pod.clone());
    stage.api.gives(&format!("DELETE {path}"), pod);
    let interrupted = CancellationToken::new();
    let (outcome, ()) = tokio::join!(on_session(&stage.session, kinds(), &interrupted), async {
        tokio::time::sleep(Duration::from_secs(600)).await;
        interrupted.cancel();
    });
    assert_eq!(outcome.errors, ["interrupted"]);
    assert_eq!(outcome.steps[2].detail, "interrupted");
    assert_eq!(stage.api.asked_for(&format!("DELETE {path}")).len(), 1);
    let calls = stage.engine.calls();
    assert!(calls.contains(&"start_container dev-worker".to_owned()), "{calls:?}");
    // Healing after the last step is not part of the scenario.
    assert_eq!(lines(&stage.folder), ["Injected lose"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_cleanup_keeps_the_verdicts() {
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a" } });
    let apply = json!({ "name": "make", "apply": { "objects": [pod] } });
    let stage = stage(json!([apply]), never()).await;
    stage.session.state.cleanup.enable();
    let path = "/api/v1/namespaces/default/pods/a";
    stage.api.gives(&format!("PATCH {path}"), pod);
    stage.api.refuses(&format!("DELETE {path}"), 403, "you may not");
    let outcome = on_session(&stage.session, kinds(), &CancellationToken::new()).await;
    assert_eq!(outcome.errors, ["cannot clean up the cluster: Pod a: you may not"]);
    assert_eq!(outcome.judgements[0].verdict, Verdict::Pass);
    assert_eq!(outcome.steps[0].detail, "Pod a");
}

#[tokio::test(start_paused = true)]
async fn starts_no_step_if_objects_cannot_be_listed() {
    let stage = stage(sleep("1m"), never()).await;
    stage
        .api
        .now("GET /api/v1/nodes", Answer::Json(403, json!({ "code": 403, "message": "denied" })));
    let outcome = on_session(&stage.session, kinds(), &CancellationToken::new()).await;
    assert_eq!(outcome.errors.len(), 1);
    assert!(outcome.errors[0].starts_with("cannot list v1/Node: "), "{:?}", outcome.errors);
    assert_eq!(stage.ends(), ["one Skipped"]);
    assert!(was_cut_short(&stage));
}

fn job(output: PathBuf) -> Job {
    Job {
        file: "a.yaml".into(),
        folder: PathBuf::new(),
        variant: String::new(),
        scenario: scenario(sleep("1m"), json!({})),
        variables: Default::default(),
        cluster: "fresh".to_owned(),
        config: None,
        output,
    }
}

#[tokio::test]
async fn creates_no_cluster_if_the_record_cannot_be_written() {
    let fake = Arc::new(engine());
    let engine: Arc<dyn Engine> = fake.clone();
    let file = tempfile::NamedTempFile::new().unwrap();
    let job = job(file.path().join("report"));
    let (options, stop) = (Options::default(), CancellationToken::new());
    let report = run_one(&engine, &job, &options, &Progress::silent(), &stop).await;
    assert_eq!(report.verdict, Verdict::Inconclusive);
    let error = report.error.unwrap();
    assert!(error.starts_with("cannot write ") && error.contains("history.jsonl"), "{error}");
    assert_eq!(fake.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn an_interruption_before_the_start_leaves_no_old_record() {
    let fake = Arc::new(engine());
    let engine: Arc<dyn Engine> = fake.clone();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("history.jsonl"), "of an earlier run\n").unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let job = job(folder.path().to_owned());
    let report = run_one(&engine, &job, &Options::default(), &Progress::silent(), &stop).await;
    assert_eq!(report.error.unwrap(), "interrupted");
    assert_eq!(std::fs::read_to_string(folder.path().join("history.jsonl")).unwrap(), "");
    assert_eq!(fake.calls(), Vec::<String>::new());
}
