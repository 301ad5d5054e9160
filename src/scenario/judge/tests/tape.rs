//! Short records for tests.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::scenario::history::{
    ApiState, Change, End, Entry, FaultEntry, FaultState, Gap, GapState, KindName, Moment,
    ObjectChange, ObjectEvent, StepCause, StepEntry, StepState,
};
use crate::scenario::judge::{Evaluator, Program, judge};
use crate::scenario::language::Scenario;
use crate::scenario::outcome::Judgement;

/// Entries in order. Times are milliseconds.
#[derive(Debug, Default, Clone)]
pub(super) struct Tape {
    pub(super) entries: Vec<Entry>,
}

impl Tape {
    fn push(mut self, at: u64, change: Change) -> Self {
        self.entries.push(Entry { at: Moment(at * 1000), change });
        self
    }

    pub(super) fn step(self, at: u64, step: &str, state: StepState) -> Self {
        self.attempt(at, step, state, 1)
    }

    pub(super) fn attempt(self, at: u64, step: &str, state: StepState, attempt: u32) -> Self {
        let (step, detail) = (step.to_owned(), String::new());
        let entry = StepEntry { step, state, attempt, detail, cause: StepCause::Own };
        self.push(at, Change::Step(Box::new(entry)))
    }

    pub(super) fn starts(self, at: u64, step: &str) -> Self {
        self.step(at, step, StepState::Started)
    }

    pub(super) fn passes(self, at: u64, step: &str) -> Self {
        self.step(at, step, StepState::Passed)
    }

    pub(super) fn object(self, at: u64, event: ObjectEvent, kind: &str, object: Value) -> Self {
        let change = ObjectChange {
            event,
            kind: kind_name(kind),
            resource_version: at.to_string(),
            object: Arc::new(object),
        };
        self.push(at, Change::Object(Box::new(change)))
    }

    /// A pod with the label `app=web`. The phase `Ready` means `Running` with the condition `Ready`.
    pub(super) fn pod(self, at: u64, event: ObjectEvent, name: &str, phase: &str) -> Self {
        self.object(at, event, "v1/Pod", pod(name, phase))
    }

    pub(super) fn adds(self, at: u64, name: &str, phase: &str) -> Self {
        self.pod(at, ObjectEvent::Added, name, phase)
    }

    pub(super) fn becomes(self, at: u64, name: &str, phase: &str) -> Self {
        self.pod(at, ObjectEvent::Modified, name, phase)
    }

    pub(super) fn deletes(self, at: u64, name: &str, phase: &str) -> Self {
        self.pod(at, ObjectEvent::Deleted, name, phase)
    }

    pub(super) fn gap(self, at: u64, kind: &str, state: GapState) -> Self {
        let reason = if state == GapState::Lost { "connection reset" } else { "" }.to_owned();
        self.push(at, Change::Gap(Gap { kind: kind_name(kind), state, reason }))
    }

    pub(super) fn loses(self, at: u64) -> Self {
        self.gap(at, "v1/Pod", GapState::Lost)
    }

    pub(super) fn resumes(self, at: u64) -> Self {
        self.gap(at, "v1/Pod", GapState::Resumed)
    }

    pub(super) fn relists(self, at: u64) -> Self {
        self.gap(at, "v1/Pod", GapState::Relisted)
    }

    pub(super) fn api(self, at: u64, available: bool) -> Self {
        self.push(at, Change::Api(ApiState { available, reason: String::new() }))
    }

    pub(super) fn fault(self, at: u64, step: &str, state: FaultState) -> Self {
        let (step, id, fault) = (step.to_owned(), "1".to_owned(), "node-kill".to_owned());
        let entry = FaultEntry { step, id, fault, state, actions: Vec::new() };
        self.push(at, Change::Fault(Box::new(entry)))
    }

    pub(super) fn ends(self, at: u64) -> Self {
        self.push(at, Change::End(End { interrupted: false, lines: Default::default() }))
    }

    pub(super) fn breaks_off(self, at: u64) -> Self {
        self.push(at, Change::End(End { interrupted: true, lines: Default::default() }))
    }
}

fn kind_name(name: &str) -> KindName {
    KindName(Arc::from(name))
}

/// A pod whose UID is its full name: `web#2` is another pod with the name `web`.
pub(super) fn pod(name: &str, phase: &str) -> Value {
    let (phase, ready) = match phase {
        "Ready" => ("Running", "True"),
        phase => (phase, "False"),
    };
    let short = name.split('#').next().unwrap_or_default();
    let reason = if ready == "True" { "" } else { "ContainersNotReady" };
    json!({
        "metadata": {
            "namespace": "default", "name": short, "uid": format!("uid-{name}"),
            "labels": {"app": "web"},
        },
        "spec": {"nodeName": "worker", "containers": [{"name": "web", "image": "web:1"}]},
        "status": {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": ready, "reason": reason}],
        },
    })
}

/// A scenario with the selection `web`, and `assertions` and `steps` in YAML.
pub(super) fn scenario(rest: &str) -> Scenario {
    let text = format!(
        "apiVersion: kindrs.dev/v1alpha1\nkind: Scenario\nmetadata: {{name: test}}\n\
         variables: {{replicas: 2}}\n\
         selections:\n  web: {{kind: Pod, labels: app=web}}\n  nodes: {{kind: Node}}\n{rest}"
    );
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub(super) fn program(rest: &str) -> Arc<Program> {
    let program =
        Program::compile(&scenario(rest)).unwrap_or_else(|invalid| panic!("{invalid:#?}"));
    Arc::new(program)
}

pub(super) fn judged(program: &Arc<Program>, tape: &Tape) -> Vec<Judgement> {
    let judgements = judge(Arc::clone(program), tape.entries.clone());
    // A live run, in which time passes between entries, gets the same verdicts.
    let mut evaluator = Evaluator::new(Arc::clone(program));
    let mut live = Vec::new();
    for entry in &tape.entries {
        evaluator.advance(entry.at);
        evaluator.accept(entry);
        live.append(&mut evaluator.take_decided());
    }
    let end = tape.entries.last().map(|entry| entry.at).unwrap_or_default();
    evaluator.finish(end, true);
    live.append(&mut evaluator.take_decided());
    for judgement in &judgements {
        let last = live.iter().rev().find(|live| live.assertion == judgement.assertion);
        assert_eq!(last, Some(judgement));
    }
    judgements
}

/// The verdict on the only claim of a scenario, in words.
pub(super) fn verdict(rest: &str, tape: &Tape) -> String {
    let judgements = judged(&program(rest), tape);
    assert_eq!(judgements.len(), 1, "{judgements:#?}");
    written(&judgements[0])
}

pub(super) fn written(judgement: &Judgement) -> String {
    let explanation = &judgement.explanation;
    let mut lines = vec![
        format!("{}: {}", judgement.verdict, judgement.claim),
        format!("  {}", explanation.summary),
    ];
    let span = match judgement.span {
        Some(span) => format!("{} to {}", span.from, span.to),
        None => "none".to_owned(),
    };
    let moment = explanation.moment.map(|moment| format!(", moment {moment}")).unwrap_or_default();
    lines.push(format!("  span {span}, decided {}{moment}", judgement.decided));
    lines.extend(explanation.parts.iter().map(|part| format!("  part: {part}")));
    for breach in &explanation.breaches {
        lines.push(format!("  {}", breach.object));
        lines.extend(breach.differences.iter().map(|difference| format!("    {difference}")));
    }
    if explanation.more > 0 {
        lines.push(format!("  and {} more", explanation.more));
    }
    lines.extend(explanation.unknown.iter().map(|note| format!("  unknown: {note}")));
    lines.join("\n")
}
