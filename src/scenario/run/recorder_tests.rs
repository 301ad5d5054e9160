use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::scenario::history::{
    ApiState, Gap, GapState, KindName, ObjectChange, ObjectEvent, StepCause, StepEntry, StepState,
};
use crate::scenario::judge::judge;
use crate::scenario::language::Scenario;
use crate::scenario::run::fixture::{entries, pod, recorder, scenario};

fn step(name: &str, state: StepState, attempt: u32) -> Change {
    let (step, detail) = (name.to_owned(), String::new());
    Change::Step(Box::new(StepEntry { step, state, attempt, detail, cause: StepCause::Own }))
}

fn object(event: ObjectEvent, name: &str) -> Change {
    let change = ObjectChange {
        event,
        kind: KindName("v1/Pod".into()),
        resource_version: "1".to_owned(),
        object: Arc::new(pod(name, "1")),
    };
    Change::Object(Box::new(change))
}

/// A recorder with `keep_time` running.
fn begun(scenario: &Scenario) -> (Arc<Recorder>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let recorder = recorder(scenario, &folder);
    tokio::spawn({
        let recorder = recorder.clone();
        async move { recorder.keep_time().await }
    });
    (recorder, folder)
}

fn wait(condition: &str) -> Scenario {
    let steps = json!([{ "name": "pods", "wait": condition, "deadline": "10s" }]);
    scenario(steps, json!({}))
}

async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

#[tokio::test(start_paused = true)]
async fn deadlines_decide_without_an_entry() {
    let (recorder, _folder) = begun(&wait("size(web) == 1"));
    seconds(5).await;
    let since = recorder.record(step("pods", StepState::Started, 1));
    let judgement = recorder.decided("pods", since).await;
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(judgement.decided, since.at + Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn decides_at_once_when_the_condition_already_holds() {
    let (recorder, _folder) = begun(&wait("size(web) == 0"));
    let since = recorder.record(step("pods", StepState::Started, 1));
    let judgement = recorder.decided("pods", since).await;
    assert_eq!((judgement.verdict, judgement.decided), (Verdict::Pass, since.at));
}

#[tokio::test(start_paused = true)]
async fn ignores_verdicts_before_the_mark() {
    let (recorder, _folder) = begun(&wait("size(web) == 1"));
    let first = recorder.record(step("pods", StepState::Started, 1));
    // The deadline of the first try passed, but is not reported before the second try starts.
    recorder.record(step("pods", StepState::Retried, 1));
    let second = recorder.record(step("pods", StepState::Started, 2));
    assert_eq!(first.at, second.at, "the clock stands still");
    recorder.record(object(ObjectEvent::Added, "web-1"));
    assert_eq!(recorder.decided("pods", second).await.verdict, Verdict::Pass);
    let third = recorder.record(step("pods", StepState::Started, 3));
    recorder.record(object(ObjectEvent::Deleted, "web-1"));
    let fourth = recorder.record(step("pods", StepState::Started, 4));
    assert_eq!(recorder.decided("pods", third).await.verdict, Verdict::Pass);
    assert_eq!(recorder.decided("pods", fourth).await.verdict, Verdict::Fail);
}

#[tokio::test(start_paused = true)]
async fn records_nothing_after_the_end() {
    let (recorder, folder) = begun(&wait("size(web) == 1"));
    recorder.record(step("pods", StepState::Started, 1));
    let (judgements, written) = recorder.end(true);
    written.unwrap();
    assert_eq!(judgements[0].verdict, Verdict::Inconclusive);
    recorder.record(object(ObjectEvent::Added, "web-1"));
    seconds(60).await;
    let entries = entries(&folder);
    let Change::End(end) = &entries.last().unwrap().change else { panic!("{entries:?}") };
    assert!(end.interrupted);
    assert_eq!(end.lines.values().sum::<u64>(), entries.len() as u64 - 1);
}

#[tokio::test(start_paused = true)]
async fn waits_for_what_must_follow() {
    let after = json!({ "assertions": [{
        "name": "deleted",
        "after": { "event": { "created": "web" }, "then": { "deleted": "web" } },
        "within": "30s",
    }] });
    let steps = json!([{ "name": "one", "sleep": { "for": "1s", "reason": "a test" } }]);
    let (recorder, _folder) = begun(&scenario(steps, after));
    recorder.record(step("one", StepState::Started, 1));
    recorder.followed().await;
    recorder.record(object(ObjectEvent::Added, "web-1"));
    recorder.record(step("one", StepState::Passed, 1));
    let followed = tokio::time::timeout(Duration::from_secs(29), recorder.followed());
    assert!(followed.await.is_err());
    recorder.record(object(ObjectEvent::Deleted, "web-1"));
    recorder.followed().await;
    assert_eq!(recorder.end(false).0[0].verdict, Verdict::Pass);
}

#[tokio::test(start_paused = true)]
async fn reports_a_failed_background_assertion() {
    let never = json!({ "assertions": [{ "name": "none", "never": "size(web) == 1" }] });
    let steps = json!([{ "name": "one", "sleep": { "for": "1s", "reason": "a test" } }]);
    let (recorder, _folder) = begun(&scenario(steps, never));
    recorder.record(step("one", StepState::Started, 1));
    let breach = tokio::spawn({
        let recorder = recorder.clone();
        async move { recorder.breached(|judgement| judgement.step.is_none()).await }
    });
    recorder.record(object(ObjectEvent::Added, "web-1"));
    assert_eq!(breach.await.unwrap().assertion, "none");
}

#[tokio::test]
async fn reports_why_the_record_cannot_be_written() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("history.jsonl")).unwrap();
    let recorder = recorder(&wait("size(web) == 1"), &folder);
    let reason = recorder.broken().await;
    assert!(reason.contains("No space left"), "{reason}");
    let (judgements, written) = recorder.end(false);
    assert!(written.is_err());
    assert_eq!(judgements.len(), 1, "what was seen is judged all the same");
}

#[derive(Debug, Clone)]
enum Event {
    Passes(u64),
    Pod(bool, usize),
    Gap(GapState),
    Api(bool),
    Step(bool),
    /// The step is retried.
    Retry,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1_u64..4000).prop_map(Event::Passes),
        6 => (any::<bool>(), 0_usize..3).prop_map(|(is_there, number)| Event::Pod(is_there, number)),
        1 => prop_oneof![
            Just(GapState::Lost), Just(GapState::Resumed), Just(GapState::Relisted)
        ]
        .prop_map(Event::Gap),
        1 => any::<bool>().prop_map(Event::Api),
        2 => any::<bool>().prop_map(Event::Step),
        1 => Just(Event::Retry),
    ]
}

/// Assertions of every kind, in the background and as steps.
fn every_kind() -> Scenario {
    let never = json!({ "name": "never", "never": "size(web) == 3", "grace": "500ms" });
    let always = json!({ "name": "always", "always": "size(web) < 3", "from": "stable" });
    let count = json!({ "name": "count", "count": { "of": { "created": "web" }, "max": 4 } });
    let after = json!({
        "name": "after", "within": "3s",
        "after": { "event": { "created": "web" }, "then": { "deleted": "web" }, "sameObject": true },
    });
    let order = json!({
        "name": "order", "within": "20s",
        "order": [{ "created": "web" }, { "step": { "finished": "wait" } }, { "deleted": "web" }],
    });
    let until = json!({
        "name": "until", "within": "9s",
        "until": { "hold": "size(web) < 2", "until": "size(web) == 2" },
    });
    let steps = json!([
        { "name": "wait", "wait": "size(web) == 2", "deadline": "5s", "retries": { "attempts": 3 } },
        { "name": "stable", "assert": {
            "stable": "size(web) >= 1", "for": "2s", "within": "8s"
        }, "retries": { "attempts": 3 } },
        { "name": "since", "assert": { "never": "size(web) == 0", "from": "stable" },
          "retries": { "attempts": 3 } },
    ]);
    let assertions = json!([never, always, count, after, order, until]);
    scenario(steps, json!({ "assertions": assertions }))
}

/// Sends events to a recorder, and returns its verdicts.
async fn play(scenario: &Scenario, events: &[Event]) -> (Vec<Judgement>, TempDir) {
    let (recorder, folder) = begun(scenario);
    let names = ["wait", "stable", "since"];
    let (mut at, mut attempt) = (0, 1);
    recorder.record(step(names[0], StepState::Started, 1));
    for event in events {
        match event {
            Event::Passes(time) => tokio::time::sleep(Duration::from_millis(*time)).await,
            Event::Pod(is_there, number) => {
                let event = if *is_there { ObjectEvent::Added } else { ObjectEvent::Deleted };
                recorder.record(object(event, &format!("web-{number}")));
            }
            Event::Gap(state) => {
                let (kind, reason) = (KindName("v1/Pod".into()), String::new());
                recorder.record(Change::Gap(Gap { kind, state: *state, reason }));
            }
            Event::Api(available) => {
                let (available, reason) = (*available, String::new());
                recorder.record(Change::Api(ApiState { available, reason }));
            }
            Event::Step(passes) if at < names.len() => {
                let state = if *passes { StepState::Passed } else { StepState::Inconclusive };
                recorder.record(step(names[at], state, attempt));
                (at, attempt) = (at + 1, 1);
                if let Some(name) = names.get(at) {
                    recorder.record(step(name, StepState::Started, 1));
                }
            }
            Event::Retry if at < names.len() => {
                recorder.record(step(names[at], StepState::Retried, attempt));
                attempt += 1;
                recorder.record(step(names[at], StepState::Started, attempt));
            }
            Event::Step(_) | Event::Retry => {}
        }
    }
    let (judgements, written) = recorder.end(false);
    written.unwrap();
    (judgements, folder)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The verdicts and their moments are the same.
    #[test]
    fn rechecking_a_record_gives_the_same_verdicts(events in prop::collection::vec(event(), 0..60)) {
        let scenario = every_kind();
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build().unwrap();
        let (mut live, folder) = runtime.block_on(play(&scenario, &events));
        let program = crate::scenario::judge::Program::compile(&scenario);
        let program = Arc::new(program.unwrap_or_else(|invalid| panic!("{invalid:#?}")));
        let entries = entries(&folder);
        prop_assert!(entries.is_sorted_by_key(|entry| entry.at));
        let mut again = judge(program, entries);
        let by_name = |judgement: &Judgement| judgement.assertion.clone();
        live.sort_by_key(by_name);
        again.sort_by_key(by_name);
        prop_assert_eq!(live.len(), 9);
        prop_assert_eq!(live, again);
    }
}
