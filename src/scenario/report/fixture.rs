//! A made-up run for the tests of reports: a node is lost, its pods come back elsewhere, one pod
//! fits nowhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Analysis;
use super::fixture_objects::{
    NODE, RS, deployment, lease, node, pod, pod_ready, pod_running, replica_set, scheduled,
    scheduling_failed, uid,
};
use crate::scenario::history::{
    ApiState, Begin, Change, End, Entry, FaultAction, FaultEntry, FaultState, Gap, GapState,
    KindName, LogLine, Moment, ObjectChange, ObjectEvent, StepEntry, StepState,
};
use crate::scenario::judge::{Breach, Explanation, Judgement, Span, Verdict};
use crate::scenario::language::Timing;
use crate::scenario::outcome::{RunReport, StepReport};

/// The moment so many milliseconds after the record's begin.
pub(super) fn at(milliseconds: u64) -> Moment {
    Moment(milliseconds * 1000)
}

/// Writes a record; what is told is sorted by time at the end.
#[derive(Default)]
pub(super) struct Recorder {
    entries: Vec<Entry>,
    version: u64,
}

impl Recorder {
    pub(super) fn tell(&mut self, milliseconds: u64, change: Change) {
        self.entries.push(Entry { at: at(milliseconds), change });
    }

    pub(super) fn object(&mut self, milliseconds: u64, event: ObjectEvent, object: &Value) {
        self.version += 1;
        let mut object = object.clone();
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let kind = format!(
            "{}/{}",
            object["apiVersion"].as_str().unwrap(),
            object["kind"].as_str().unwrap()
        );
        let change = ObjectChange {
            event,
            kind: KindName(kind.into()),
            resource_version: self.version.to_string(),
            object: Arc::new(object),
        };
        self.tell(milliseconds, Change::Object(Box::new(change)));
    }

    pub(super) fn event(&mut self, milliseconds: u64, involved: &Value, told: [&str; 4]) {
        let [kind, component, reason, message] = told;
        let name = format!("event-{}", self.version);
        let namespace = involved["metadata"]["namespace"].as_str().unwrap_or("default");
        let event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": { "namespace": namespace, "name": name, "uid": uid(&name) },
            "involvedObject": {
                "kind": involved["kind"],
                "namespace": involved["metadata"]["namespace"],
                "name": involved["metadata"]["name"],
                "uid": involved["metadata"]["uid"],
            },
            "type": kind, "reason": reason, "message": message, "count": 1,
            "source": { "component": component },
        });
        self.object(milliseconds, ObjectEvent::Added, &event);
    }

    pub(super) fn step(&mut self, milliseconds: u64, step: &str, state: StepState, attempt: u32) {
        let entry = StepEntry { step: step.to_owned(), state, attempt, detail: String::new() };
        self.tell(milliseconds, Change::Step(Box::new(entry)));
    }

    pub(super) fn log(&mut self, milliseconds: u64, source: &str, line: &str) {
        let line = LogLine { source: source.to_owned(), line: line.to_owned() };
        self.tell(milliseconds, Change::Log(Box::new(line)));
    }

    pub(super) fn api(&mut self, milliseconds: u64, available: bool, reason: &str) {
        self.tell(milliseconds, Change::Api(ApiState { available, reason: reason.to_owned() }));
    }

    pub(super) fn gap(&mut self, milliseconds: u64, kind: &str, state: GapState, reason: &str) {
        let gap = Gap { kind: KindName(kind.into()), state, reason: reason.to_owned() };
        self.tell(milliseconds, Change::Gap(gap));
    }

    pub(super) fn fault(&mut self, milliseconds: u64, state: FaultState) {
        let entry = FaultEntry {
            step: "lose a node".to_owned(),
            id: "node-stop-1".to_owned(),
            fault: "node-stop".to_owned(),
            state,
            actions: vec![FaultAction {
                node: NODE.to_owned(),
                target: format!("node/{NODE}"),
                effect: "stops the node".to_owned(),
            }],
        };
        self.tell(milliseconds, Change::Fault(Box::new(entry)));
    }

    pub(super) fn ended(mut self, milliseconds: u64) -> Vec<Entry> {
        self.tell(
            milliseconds,
            Change::End(End { interrupted: false, lines: BTreeMap::default() }),
        );
        self.entries.sort_by_key(|entry| entry.at);
        self.entries
    }
}

/// The record of the run.
pub(super) fn history() -> Vec<Entry> {
    let mut record = Recorder::default();
    record.tell(0, begin());
    initial(&mut record);
    rollout(&mut record);
    pending(&mut record);
    loss(&mut record);
    recovery(&mut record);
    steps(&mut record);
    record.ended(35_000)
}

fn begin() -> Change {
    Change::Begin(Box::new(Begin {
        format: 1,
        kindrs: "0.1.0".to_owned(),
        scenario: "self-healing".to_owned(),
        time: "2026-11-24T10:00:00Z".parse().unwrap(),
        cluster: "demo".to_owned(),
        kubernetes: "v1.37.2".to_owned(),
        timing: Timing::Fast,
        variables: Map::new(),
        kinds: ["v1/Node", "v1/Pod", "v1/Event", "apps/v1/ReplicaSet", "apps/v1/Deployment"]
            .map(|kind| KindName(kind.into()))
            .to_vec(),
    }))
}

fn initial(record: &mut Recorder) {
    for name in ["demo-control-plane", NODE, "demo-worker2"] {
        record.object(0, ObjectEvent::Initial, &node(name, "True", &[]));
        let mut proxy =
            pod("kube-system", &format!("kube-proxy-{name}"), ("DaemonSet", "kube-proxy"));
        scheduled(&mut proxy, name);
        pod_ready(&mut proxy, true);
        record.object(0, ObjectEvent::Initial, &proxy);
        let last = if name == NODE { 8 } else { 34 };
        for second in (0..=last).step_by(2) {
            let event = if second == 0 { ObjectEvent::Initial } else { ObjectEvent::Modified };
            record.object(second * 1000, event, &lease(name, second));
        }
    }
}

fn rollout(record: &mut Recorder) {
    record.object(600, ObjectEvent::Added, &deployment(0, 0));
    record.object(620, ObjectEvent::Added, &replica_set(0));
    for (name, node, ready) in [
        ("web-5d8c-a", NODE, 2100),
        ("web-5d8c-b", "demo-worker2", 2300),
        ("web-5d8c-c", NODE, 2400),
    ] {
        start(record, name, node, 640, ready);
    }
    record.object(2150, ObjectEvent::Modified, &deployment(1, 1));
    record.object(2350, ObjectEvent::Modified, &deployment(1, 2));
    record.object(2450, ObjectEvent::Modified, &replica_set(3));
    record.object(2500, ObjectEvent::Modified, &deployment(1, 3));

    let mut restarted = web("web-5d8c-b", "demo-worker2");
    pod_running(&mut restarted, 1);
    record.object(12_000, ObjectEvent::Modified, &restarted);
    record.log(11_900, "pod/default/web-5d8c-b/web", "panic: out of cheese");
    record.event(
        12_010,
        &restarted,
        ["Warning", "kubelet", "BackOff", "Back-off restarting failed container web"],
    );
    pod_ready(&mut restarted, true);
    record.object(13_000, ObjectEvent::Modified, &restarted);
}

fn web(name: &str, node: &str) -> Value {
    let mut pod = pod("default", name, ("ReplicaSet", RS));
    scheduled(&mut pod, node);
    pod
}

/// A pod of the ReplicaSet from its creation until it is ready.
fn start(record: &mut Recorder, name: &str, node: &str, created: u64, ready: u64) {
    record.object(created, ObjectEvent::Added, &pod("default", name, ("ReplicaSet", RS)));
    let mut pod = web(name, node);
    record.object(created + 30, ObjectEvent::Modified, &pod);
    let message = format!("Successfully assigned default/{name} to {node}");
    record.event(
        created + 32,
        &pod,
        ["Normal", "default-scheduler", "Scheduled", message.as_str()],
    );
    pod_running(&mut pod, 0);
    record.object(created + 800, ObjectEvent::Modified, &pod);
    pod_ready(&mut pod, true);
    record.object(ready, ObjectEvent::Modified, &pod);
}

/// The message of the scheduler about the pod that fits nowhere.
pub(super) const NO_NODE: &str = "0/3 nodes are available: 1 node(s) had untolerated taint \
    {node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu.";

/// The pod that fits nowhere.
pub(super) fn big() -> Value {
    let mut big = pod("default", "big", ("", ""));
    big["spec"]["containers"][0]["resources"] = json!({ "requests": { "cpu": "64" } });
    scheduling_failed(&mut big, NO_NODE);
    big
}

fn pending(record: &mut Recorder) {
    let mut created = big();
    created["status"] = json!({ "phase": "Pending" });
    record.object(3050, ObjectEvent::Added, &created);
    record.object(3070, ObjectEvent::Modified, &big());
    record.event(3080, &big(), ["Warning", "default-scheduler", "FailedScheduling", NO_NODE]);
    record.event(30_000, &big(), ["Warning", "default-scheduler", "FailedScheduling", NO_NODE]);
}

fn loss(record: &mut Recorder) {
    let unreachable = "node.kubernetes.io/unreachable";
    record.fault(10_000, FaultState::Injected);
    let lost = node(NODE, "Unknown", &[(unreachable, "NoSchedule")]);
    record.object(18_000, ObjectEvent::Modified, &lost);
    record.event(
        18_010,
        &lost,
        [
            "Normal",
            "node-controller",
            "NodeNotReady",
            "Node demo-worker status is now: NodeNotReady",
        ],
    );
    let lost = node(NODE, "Unknown", &[(unreachable, "NoSchedule"), (unreachable, "NoExecute")]);
    record.object(18_050, ObjectEvent::Modified, &lost);
    for name in ["web-5d8c-a", "web-5d8c-c"] {
        let mut unready = web(name, NODE);
        pod_running(&mut unready, 0);
        record.object(18_100, ObjectEvent::Modified, &unready);
        let pod = evicted(name);
        record.object(24_000, ObjectEvent::Modified, &pod);
        record.event(
            24_001,
            &pod,
            ["Normal", "taint-eviction-controller", "TaintManagerEviction", "Marking for deletion"],
        );
    }
    record.object(18_110, ObjectEvent::Modified, &deployment(1, 1));
}

/// A pod of the lost node, marked for deletion.
fn evicted(name: &str) -> Value {
    let mut pod = web(name, NODE);
    pod_running(&mut pod, 0);
    pod["metadata"]["deletionTimestamp"] = json!("2026-11-24T10:00:54Z");
    pod["status"]["conditions"].as_array_mut().unwrap().push(json!({
        "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
    }));
    pod
}

fn recovery(record: &mut Recorder) {
    start(record, "web-5d8c-d", "demo-worker2", 24_050, 27_200);
    start(record, "web-5d8c-e", "demo-worker2", 24_060, 28_000);
    record.object(27_250, ObjectEvent::Modified, &deployment(1, 2));
    record.object(28_050, ObjectEvent::Modified, &deployment(1, 3));

    record.api(30_100, false, "connection refused");
    record.gap(30_100, "v1/Pod", GapState::Lost, "connection refused");
    record.gap(30_100, "v1/Event", GapState::Lost, "connection refused");
    record.api(31_600, true, "");
    record.gap(31_600, "v1/Pod", GapState::Resumed, "");
    record.gap(31_650, "v1/Event", GapState::Relisted, "resource version too old");
    record.fault(34_500, FaultState::Healed);
    for name in ["web-5d8c-a", "web-5d8c-c"] {
        record.object(34_800, ObjectEvent::Deleted, &evicted(name));
    }
}

fn steps(record: &mut Recorder) {
    for (name, started, ended, state) in [
        ("apply web", 500, 700, StepState::Passed),
        ("web runs", 700, 2500, StepState::Passed),
        ("apply big", 3000, 3060, StepState::Passed),
        ("lose a node", 9900, 10_100, StepState::Passed),
        ("web is healed", 10_100, 28_050, StepState::Passed),
        ("big runs", 29_500, 33_500, StepState::Failed),
    ] {
        record.step(started, name, StepState::Started, 1);
        record.step(ended, name, state, 1);
    }
    record.step(28_100, "ask web", StepState::Started, 1);
    record.log(28_550, "step/ask web", "curl: (7) Failed to connect");
    record.step(28_600, "ask web", StepState::Retried, 1);
    record.step(29_000, "ask web", StepState::Started, 2);
    record.step(29_400, "ask web", StepState::Passed, 2);
    record.step(33_500, "delete web", StepState::Skipped, 1);
}

/// The run, with a failed and an inconclusive assertion.
pub(super) fn run() -> RunReport {
    let step = |name: &str, action: &str, state, times: Option<(u64, u64)>| StepReport {
        name: name.to_owned(),
        action: action.to_owned(),
        depth: 0,
        state,
        started: times.map(|(from, _)| at(from)),
        ended: times.map(|(_, to)| at(to)),
        attempts: 1,
        detail: String::new(),
    };
    let mut steps = vec![
        step("apply web", "apply", StepState::Passed, Some((500, 700))),
        step("web runs", "wait", StepState::Passed, Some((700, 2500))),
        step("apply big", "apply", StepState::Passed, Some((3000, 3060))),
        step("lose a node", "inject", StepState::Passed, Some((9900, 10_100))),
        step("web is healed", "assert", StepState::Passed, Some((10_100, 28_050))),
        step("ask web", "kubectl", StepState::Passed, Some((28_100, 29_400))),
        step("big runs", "assert", StepState::Failed, Some((29_500, 33_500))),
        step("delete web", "delete", StepState::Skipped, None),
    ];
    steps[3].detail = "node-stop: stops the node demo-worker".to_owned();
    steps[5].attempts = 2;
    let variables = json!({ "replicas": 3 }).as_object().cloned().unwrap_or_default();
    RunReport {
        scenario: "self-healing".to_owned(),
        description: Some("A node is lost: its pods are made anew on another one.".to_owned()),
        file: "scenarios/self-healing.yaml".into(),
        variant: "kubernetes=v1.37.2 #2".to_owned(),
        variables,
        cluster: "demo".to_owned(),
        kubernetes: "v1.37.2".to_owned(),
        time: "2026-11-24T10:00:00Z".parse().unwrap(),
        verdict: Verdict::Fail,
        error: None,
        creation: Some(Duration::from_millis(12_345)),
        elapsed: Duration::from_secs(35),
        history: "out/history.jsonl".into(),
        steps,
        judgements: judgements(),
        kept: false,
    }
}

/// The same run without its failures.
pub(super) fn passed() -> RunReport {
    let mut run = run();
    run.verdict = Verdict::Pass;
    run.variant = "kubernetes=v1.37.2 #1".to_owned();
    run.judgements.retain(|judgement| judgement.verdict == Verdict::Pass);
    run.steps.retain(|step| step.state == StepState::Passed);
    run
}

pub(super) fn analysis() -> Analysis {
    Analysis::new(run(), &history())
}

pub(super) fn passed_analysis() -> Analysis {
    Analysis::new(passed(), &history())
}

fn judgements() -> Vec<Judgement> {
    let judgement =
        |assertion: &str, step: bool, claim: &str, verdict, span: (u64, u64), decided| Judgement {
            assertion: assertion.to_owned(),
            step: step.then(|| assertion.to_owned()),
            claim: claim.to_owned(),
            verdict,
            span: Some(Span { from: at(span.0), to: at(span.1) }),
            decided: at(decided),
            explanation: Explanation {
                summary: "held".to_owned(),
                moment: Some(at(decided)),
                ..Explanation::default()
            },
        };
    let mut unseen = judgement(
        "no pod is evicted twice",
        false,
        "never evictions.exists(e, e.count > 1)",
        Verdict::Inconclusive,
        (500, 35_000),
        35_000,
    );
    unseen.explanation = Explanation {
        summary: "was not seen, but v1/Event was not watched for 1.5s".to_owned(),
        unknown: vec!["v1/Event: events may be missing from 30.100s to 31.650s".to_owned()],
        ..Explanation::default()
    };
    let mut failed = judgement(
        "big runs",
        true,
        "eventually big.all(pod, ready(pod)) within 4s",
        Verdict::Fail,
        (29_500, 33_500),
        33_500,
    );
    failed.explanation = Explanation {
        summary: "did not hold within 4s: 0 of 1 objects match".to_owned(),
        moment: Some(at(33_500)),
        parts: vec!["big.all(pod, ready(pod)) = false".to_owned()],
        breaches: vec![Breach {
            object: super::fields::name(&KindName("v1/Pod".into()), &big()),
            differences: vec!["ready(pod): expected true, is false".to_owned()],
            then: Arc::new(big()),
        }],
        ..Explanation::default()
    };
    vec![
        judgement(
            "one pod always runs",
            false,
            "always web.exists(pod, ready(pod))",
            Verdict::Pass,
            (2500, 35_000),
            35_000,
        ),
        unseen,
        judgement(
            "web runs",
            true,
            "eventually web.all(pod, ready(pod)) within 60s",
            Verdict::Pass,
            (700, 2500),
            2500,
        ),
        judgement(
            "web is healed",
            true,
            "eventually size(web) == 3 && web.all(pod, ready(pod)) within 60s",
            Verdict::Pass,
            (10_100, 28_050),
            28_050,
        ),
        failed,
    ]
}

/// The run's record and report as files, by which the page is tested in a browser.
#[test]
fn the_files_for_the_browser_are_of_this_run() {
    let mut lines = Vec::new();
    for entry in history() {
        lines.extend(serde_json::to_vec(&entry).unwrap());
        lines.push(b'\n');
    }
    let report = serde_json::to_vec_pretty(&run()).unwrap();
    insta::with_settings!({
        snapshot_path => "../../../tests/fixtures", prepend_module_to_snapshot => false,
    }, {
        insta::assert_binary_snapshot!("lost_node_history.jsonl", lines);
        insta::assert_binary_snapshot!("lost_node_report.json", report);
    });
}
