//! The evaluator against the reference, on random records.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::reference::Reference;
use super::tape::{Tape, judged, pod, program, scenario};
use crate::scenario::history::{FaultState, GapState, ObjectEvent, StepState};
use crate::scenario::language::Action;

/// Something that a run may meet.
#[derive(Debug, Clone)]
enum Happening {
    /// A pod (or, where `is_node`, a node) comes to be in a phase; gone for `None`.
    Object {
        is_node: bool,
        name: usize,
        phase: Option<usize>,
    },
    /// Another one takes its name.
    Replaced {
        name: usize,
        phase: usize,
    },
    Lost {
        is_node: bool,
    },
    Resumed {
        is_node: bool,
    },
    Relisted {
        is_node: bool,
    },
    Api {
        available: bool,
    },
    Step,
    StepFails,
    Retry,
    Fault {
        state: bool,
    },
}

const PHASES: [&str; 5] = ["Pending", "Running", "Ready", "Failed", "Addressed"];

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => (prop::bool::weighted(0.25), 0..3_usize, prop::option::weighted(0.8, 0..5_usize))
            .prop_map(|(is_node, name, phase)| Happening::Object { is_node, name, phase }),
        1 => (0..3_usize, 0..5_usize).prop_map(|(name, phase)| Happening::Replaced { name, phase }),
        1 => prop::bool::weighted(0.3).prop_map(|is_node| Happening::Lost { is_node }),
        1 => any::<bool>().prop_map(|is_node| Happening::Resumed { is_node }),
        1 => any::<bool>().prop_map(|is_node| Happening::Relisted { is_node }),
        1 => any::<bool>().prop_map(|available| Happening::Api { available }),
        4 => Just(Happening::Step),
        1 => Just(Happening::Retry),
        1 => Just(Happening::StepFails),
        1 => any::<bool>().prop_map(|state| Happening::Fault { state }),
    ]
}

/// What there is, what of it has been told, and what is told late.
#[derive(Debug, Default)]
struct Kind {
    name: &'static str,
    real: BTreeMap<String, (String, &'static str)>,
    told: BTreeMap<String, (String, &'static str)>,
    late: Vec<(ObjectEvent, String, &'static str)>,
    is_lost: bool,
}

impl Kind {
    fn becomes(&mut self, tape: Tape, at: u64, uid: &str, phase: Option<&'static str>) -> Tape {
        let name = uid.split('#').next().unwrap_or_default().to_owned();
        let old = self.real.get(&name).cloned();
        let (event, uid, phase) = match (old, phase) {
            (None, None) => return tape,
            (Some((uid, phase)), None) => {
                self.real.remove(&name);
                (ObjectEvent::Deleted, uid, phase)
            }
            (None, Some(phase)) => {
                self.real.insert(name, (uid.to_owned(), phase));
                (ObjectEvent::Added, uid.to_owned(), phase)
            }
            (Some((uid, _)), Some(phase)) => {
                self.real.insert(name, (uid.clone(), phase));
                (ObjectEvent::Modified, uid, phase)
            }
        };
        if self.is_lost {
            self.late.push((event, uid, phase));
            return tape;
        }
        self.told.clone_from(&self.real);
        tape.object(at, event, self.name, object(&uid, phase))
    }

    fn lost(&mut self, tape: Tape, at: u64) -> Tape {
        if std::mem::replace(&mut self.is_lost, true) {
            return tape;
        }
        tape.gap(at, self.name, GapState::Lost)
    }

    fn resumed(&mut self, tape: Tape, at: u64) -> Tape {
        if !std::mem::replace(&mut self.is_lost, false) {
            return tape;
        }
        let tape = tape.gap(at, self.name, GapState::Resumed);
        self.told.clone_from(&self.real);
        std::mem::take(&mut self.late).into_iter().fold(tape, |tape, (event, uid, phase)| {
            tape.object(at, event, self.name, object(&uid, phase))
        })
    }

    fn relisted(&mut self, mut tape: Tape, at: u64) -> Tape {
        if !std::mem::replace(&mut self.is_lost, false) {
            return tape;
        }
        self.late.clear();
        for (name, (uid, phase)) in std::mem::take(&mut self.told) {
            if !self.real.contains_key(&name) {
                tape = tape.object(at, ObjectEvent::Missed, self.name, object(&uid, phase));
            }
        }
        for (uid, phase) in self.real.values() {
            tape = tape.object(at, ObjectEvent::Found, self.name, object(uid, phase));
        }
        self.told.clone_from(&self.real);
        tape.gap(at, self.name, GapState::Relisted)
    }
}

fn object(uid: &str, phase: &str) -> serde_json::Value {
    let mut object = pod(uid, if phase == "Addressed" { "Running" } else { phase });
    if phase == "Addressed" {
        object["status"]["hostIP"] = "x".into();
    }
    object
}

/// A record of steps `a`, `it`, `b`, one after the other, and of what happens meanwhile.
fn tape(happenings: Vec<(u64, Happening)>, may_retry: bool, is_interrupted: bool) -> Tape {
    let mut tape = Tape::default();
    let mut pods = Kind { name: "v1/Pod", ..Kind::default() };
    let mut nodes = Kind { name: "v1/Node", ..Kind::default() };
    let (mut at, mut api, mut generation) = (0, true, 0);
    // Even places are a step's start, odd ones its end.
    let steps = ["a", "it", "b"];
    let (mut place, mut attempt) = (0, 1);
    for (pause, happening) in happenings {
        at += pause * 1000;
        tape = match happening {
            Happening::Object { is_node, name, phase } => {
                let kind = if is_node { &mut nodes } else { &mut pods };
                let name = format!("web-{name}");
                let uid = if generation == 0 { name } else { format!("{name}#{generation}") };
                generation += 1;
                kind.becomes(tape, at, &uid, phase.map(|phase| PHASES[phase]))
            }
            Happening::Replaced { name, phase } => {
                let uid = format!("web-{name}#{generation}");
                generation += 1;
                let tape = pods.becomes(tape, at, &uid, None);
                pods.becomes(tape, at, &uid, Some(PHASES[phase]))
            }
            Happening::Lost { is_node: true } => nodes.lost(tape, at),
            Happening::Lost { is_node: false } => pods.lost(tape, at),
            Happening::Resumed { is_node: true } => nodes.resumed(tape, at),
            Happening::Resumed { is_node: false } => pods.resumed(tape, at),
            Happening::Relisted { is_node: true } => nodes.relisted(tape, at),
            Happening::Relisted { is_node: false } => pods.relisted(tape, at),
            Happening::Api { available } if available != api => {
                api = available;
                tape.api(at, available)
            }
            Happening::Fault { state } => {
                tape.fault(at, "a", if state { FaultState::Injected } else { FaultState::Healed })
            }
            Happening::Step if place < 6 => {
                let state = if place % 2 == 0 { StepState::Started } else { StepState::Passed };
                let tape = tape.attempt(at, steps[place / 2], state, attempt);
                place += 1;
                attempt = 1;
                tape
            }
            Happening::Retry if place == 3 && may_retry => {
                place = 2;
                attempt += 1;
                tape.attempt(at, "it", StepState::Retried, attempt - 1)
            }
            Happening::StepFails if place % 2 == 1 => {
                let mut tape = tape.attempt(at, steps[place / 2], StepState::Failed, attempt);
                for step in &steps[place / 2 + 1..] {
                    tape = tape.step(at, step, StepState::Skipped);
                }
                place = 6;
                tape
            }
            _ => tape,
        };
    }
    if is_interrupted { tape.breaks_off(at) } else { tape.ends(at) }
}

fn condition() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "'web.all(p, ready(p))'",
        "'web.exists(p, p.status.phase == \"Failed\")'",
        "{all: web, where: ready(object)}",
        "{all: web, min: 2}",
        "{all: web, where: 'object.status.hostIP == \"x\"'}",
        "{any: web, where: 'object.status.hostIP == \"x\"'}",
        "{none: web, match: {status: {phase: Failed}}}",
        "{none: failed, where: 'object.status.hostIP == \"x\"'}",
        "{count: web, min: 1, max: 2, match: {status: {phase: Running}}}",
        "{count: web, exactly: 1, where: 'object.status.hostIP == \"x\"'}",
        "'web.filter(p, ready(p)).size() >= vars.replicas || size(nodes) == 0'",
        "'size(web.filter(p, p.status.hostIP == \"x\")) == 1'",
        "'web.all(p, p.status.hostIP == \"x\")'",
        "'web.exists(p, p.status.hostIP == \"x\") && size(failed) == 0'",
        "'web.exists_one(p, ready(p))'",
        "'web.map(p, p.status.phase).exists(f, f == \"Failed\")'",
        "'web.all(p, nodes.exists(n, n.status.phase == p.status.phase))'",
        "'failed.all(p, web.exists(q, q.metadata.name == p.metadata.name && !has(q.status.hostIP)))'",
        "'size(web) > 1 ? web.exists(p, ready(p)) : nodes.all(n, ready(n))'",
        "'!(web.exists(p, ready(p)) || nodes.exists(n, n.status.hostIP == \"x\"))'",
        "'web[0].status.phase == \"Running\"'",
        "'size(web) == 2'",
        "'true'",
    ])
}

fn occurrence() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec![
            "created: web",
            "deleted: web",
            "created: failed",
            "deleted: failed",
            "changed: web, where: 'old.status.phase != object.status.phase'",
            "changed: failed",
            "becomes: web, where: ready(object)",
            "becomes: web, match: {status: {phase: Failed}}",
            "becomes: failed",
            "becomes: nodes, where: 'object.status.hostIP == \"x\"'",
            "step: {started: it}",
            "step: {finished: a}",
            "injected: a",
            "healed: a",
        ])
        .prop_map(str::to_owned),
        2 => condition().prop_map(|condition| format!("holds: {condition}")),
    ]
}

fn object_occurrence() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "deleted: web",
        "created: web",
        "becomes: failed",
        "becomes: web, where: ready(object)",
        "changed: web",
    ])
}

fn range() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["exactly: 1", "min: 1", "max: 1", "min: 1, max: 2", "exactly: 0"])
}

/// An assertion's own fields, and whether it is one about a whole span.
fn rule() -> impl Strategy<Value = (String, bool)> {
    let grace = prop::sample::select(vec!["", ", grace: 1s", ", grace: 2s"]);
    let plain = |text: String| (text, false);
    prop_oneof![
        condition().prop_map(move |c| plain(format!("eventually: {c}"))),
        (condition(), grace.clone()).prop_map(|(c, grace)| (format!("always: {c}{grace}"), true)),
        (condition(), grace.clone()).prop_map(|(c, grace)| (format!("never: {c}{grace}"), true)),
        (condition(), 1..4_u64)
            .prop_map(move |(c, time)| plain(format!("stable: {c}, for: {time}s"))),
        (condition(), condition(), grace).prop_map(move |(hold, until, grace)| plain(format!(
            "until: {{hold: {hold}, until: {until}}}{grace}"
        ))),
        prop::collection::vec(occurrence(), 2..4).prop_map(move |all| plain(format!(
            "order: [{}]",
            all.iter().map(|one| format!("{{{one}}}")).collect::<Vec<_>>().join(", ")
        ))),
        (occurrence(), range())
            .prop_map(|(of, range)| (format!("count: {{of: {{{of}}}, {range}}}"), true)),
    ]
}

fn after() -> impl Strategy<Value = String> {
    let same = (object_occurrence(), object_occurrence()).prop_map(|(event, then)| {
        format!("event: {{{event}}}, then: {{{then}}}, sameObject: true")
    });
    let any = (occurrence(), occurrence())
        .prop_map(|(event, then)| format!("event: {{{event}}}, then: {{{then}}}"));
    (prop_oneof![same, any], 0..3_u64)
        .prop_map(|(after, at_least)| format!("after: {{{after}, atLeast: {at_least}}}"))
}

/// The rest of a scenario, and whether the assertion is a step.
fn assertion() -> impl Strategy<Value = (String, bool)> {
    let within = || {
        prop_oneof![Just(String::new()), (1..9_u64).prop_map(|time| format!(", within: {time}s"))]
    };
    let background = (
        prop_oneof![rule().prop_map(|(text, _)| text), after()],
        within(),
        prop::sample::select(vec!["", ", from: a", ", from: it"]),
        prop::sample::select(vec!["", ", to: it", ", to: b"]),
    )
        .prop_map(|(rule, within, from, to)| {
            let sleep = "sleep: {for: 1s, reason: because}";
            let text = format!(
                "assertions:\n- {{name: claim, {rule}{within}{from}{to}}}\nsteps:\n\
                 - {{name: a, {sleep}}}\n- {{name: it, {sleep}}}\n- {{name: b, {sleep}}}\n"
            );
            (text, false)
        });
    let step =
        (rule(), within(), any::<bool>(), prop::option::of(1..9_u64), prop::option::of(2..9_u64))
            .prop_map(|((rule, is_span), within, looks_back, lasting, deadline)| {
                let from =
                    if looks_back || (is_span && lasting.is_none()) { ", from: a" } else { "" };
                let lasting = match lasting.filter(|_| is_span) {
                    Some(time) => format!(", for: {time}s"),
                    None => String::new(),
                };
                let within = if is_span { String::new() } else { within };
                (rule, from, lasting, within, deadline, "retries: {attempts: 3}, ")
            });
    let after_step = (after(), within(), any::<bool>(), prop::option::of(1..9_u64)).prop_map(
        |(rule, within, looks_back, lasting)| {
            let from = if looks_back { ", from: a" } else { "" };
            let lasting = lasting.map(|time| format!(", for: {time}s")).unwrap_or_default();
            let retries = if looks_back { "" } else { "retries: {attempts: 3}, " };
            (rule, from, lasting, within, Some(7), retries)
        },
    );
    let step = prop_oneof![3 => step, 1 => after_step].prop_map(
        |(rule, from, lasting, within, deadline, retries)| {
            let deadline = deadline.map(|time| format!(", deadline: {time}s")).unwrap_or_default();
            let sleep = "sleep: {for: 1s, reason: because}";
            let text = format!(
                "steps:\n- {{name: a, {sleep}}}\n\
                 - {{name: it, {retries}assert: {{{rule}{within}{from}{lasting}}}{deadline}}}\n\
                 - {{name: b, {sleep}}}\n"
            );
            (text, true)
        },
    );
    prop_oneof![background, step]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_evaluator_agrees_with_the_reference(
        (rest, is_step) in assertion(),
        happenings in prop::collection::vec((0..3_u64, happening()), 5..60),
        is_interrupted in prop::bool::weighted(0.2),
    ) {
        let rest = format!("  failed: {{kind: Pod, match: {{status: {{phase: Failed}}}}}}\n{rest}");
        let scenario = scenario(&rest);
        let may_retry = !is_step || rest.contains("retries");
        let tape = tape(happenings, may_retry, is_interrupted);
        let reference = Reference::new(&scenario, &tape.entries);
        let expected = match is_step {
            true => {
                let step = &scenario.steps[1];
                let Action::Assert(assertion) = &step.action else { panic!() };
                reference.judge(assertion, Some(step))
            }
            false => reference.judge(&scenario.assertions[0], None),
        };
        let judgements = judged(&program(&rest), &tape);
        prop_assert_eq!(judgements.len(), 1);
        let judgement = &judgements[0];
        prop_assert_eq!((judgement.verdict, judgement.decided), expected, "{:#?}", judgement);
    }
}
