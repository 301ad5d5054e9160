//! Each kind of assertion, passing, failing and inconclusive, with its explanation.

use serde_json::json;

use super::tape::{Tape, judged, program, verdict, written};
use crate::scenario::history::{FaultState, ObjectEvent, StepState};

/// Three steps, so that a span can begin and end: `a`, `b`, `c`.
const STEPS: &str = "
steps:
- {name: a, sleep: {for: 1s, reason: because}}
- {name: b, sleep: {for: 1s, reason: because}}
- {name: c, sleep: {for: 1s, reason: because}}
";

/// An assertion in the background, over step `b`.
fn over_b(assertion: &str) -> String {
    format!("assertions:\n- {{name: it, from: b, to: b, {assertion}}}\n{STEPS}")
}

/// An assertion that is the step `it`.
fn step(assertion: &str) -> String {
    format!("steps:\n- {{name: it, assert: {{{assertion}}}}}\n")
}

fn tape() -> Tape {
    Tape::default().adds(0, "web-1", "Ready").adds(0, "web-2", "Pending")
}

#[test]
fn eventually() {
    let all_ready = step("eventually: {all: web, where: ready(object)}, within: 30s");
    let begun = tape().starts(1000, "it");
    let later = begun.clone().becomes(5000, "web-2", "Ready").passes(5001, "it").ends(6000);
    let never = begun.clone().becomes(5000, "web-2", "Running").ends(90_000);
    let unseen = begun.clone().loses(3000).resumes(4000).ends(60_000);
    let cut = begun.clone().breaks_off(9000);
    let nothing = Tape::default().starts(0, "it").ends(60_000);
    let outcomes =
        [later, never.clone(), unseen, cut, nothing].map(|tape| verdict(&all_ready, &tape));
    insta::assert_snapshot!("eventually", outcomes.join("\n\n"));
    let cel = step(
        "eventually: 'size(web) >= vars.replicas && web.all(p, p.status.phase == \"Running\" && ready(p))'",
    );
    let whole = step("eventually: 'web.map(p, p.status.phase).exists(phase, phase == \"Failed\")'");
    let missing = step("eventually: 'web.all(p, p.status.hostIP != \"\")', within: 1m");
    let few = step("eventually: 'web.filter(p, ready(p)).size() >= 2 || size(nodes) > 0'");
    let outcomes = [cel, whole, missing, few].map(|scenario| verdict(&scenario, &never));
    insta::assert_snapshot!("eventually_cel", outcomes.join("\n\n"));
}

#[test]
fn always() {
    let held = over_b("always: 'web.exists(p, ready(p))'");
    let begun = tape().starts(1000, "a").passes(2000, "a").starts(2000, "b");
    let end = |tape: Tape| tape.passes(9000, "b").ends(10_000);
    let broken =
        end(begun.clone().becomes(4000, "web-1", "Running").becomes(4100, "web-1", "Ready"));
    let resumed = end(begun.clone().loses(3000).resumes(5000));
    let relisted = end(begun.clone().loses(3000).relists(5000));
    let lost = end(begun.clone().loses(3000));
    let api = end(begun.clone().api(3000, false).api(5000, true));
    let cut = begun.clone().breaks_off(5000);
    let skipped = tape()
        .starts(1000, "a")
        .step(2000, "a", StepState::Failed)
        .step(2000, "b", StepState::Skipped)
        .ends(3000);
    let tapes = [end(begun.clone()), broken.clone(), resumed, relisted, lost, api, cut, skipped];
    let outcomes = tapes.map(|tape| verdict(&held, &tape));
    insta::assert_snapshot!("always", outcomes.join("\n\n"));
    let outcomes = [
        verdict(&over_b("always: 'web.exists(p, ready(p))', grace: 100ms"), &broken),
        verdict(&over_b("always: 'web.exists(p, ready(p))', grace: 99ms"), &broken),
        verdict(&over_b("always: 'web.all(p, p.status.hostIP != \"\")'"), &broken),
        verdict(
            &over_b("always: {count: web, exactly: 2, match: {status: {phase: Running}}}"),
            &broken,
        ),
    ];
    insta::assert_snapshot!("always_forms", outcomes.join("\n\n"));
}

#[test]
fn never() {
    let none_failed = over_b("never: {any: web, match: {status: {phase: Failed}}}");
    let begun = tape().starts(1000, "a").passes(2000, "a").starts(2000, "b");
    let end = |tape: Tape| tape.passes(9000, "b").ends(10_000);
    let broken =
        end(begun.clone().becomes(4000, "web-2", "Failed").deletes(4001, "web-2", "Failed"));
    let relisted = end(begun.clone().loses(3000).relists(5000));
    let tapes = [end(begun.clone()), broken.clone(), relisted];
    let mut outcomes = tapes.map(|tape| verdict(&none_failed, &tape)).to_vec();
    let cel = over_b(
        "never: 'web.exists(p, p.status.phase in [\"Failed\", \"Unknown\"]) && size(web) == 2'",
    );
    outcomes.push(verdict(&cel, &broken));
    outcomes.push(verdict(&over_b("never: 'web.exists(p, p.status.hostIP == \"\")'"), &broken));
    insta::assert_snapshot!("never", outcomes.join("\n\n"));
}

#[test]
fn stable() {
    let ready = step("stable: 'web.exists(p, ready(p))', for: 10s, within: 30s");
    let begun = tape().starts(1000, "it");
    let flapping = (0..15).fold(begun.clone(), |tape, round| {
        let at = 2000 + round * 4000;
        tape.becomes(at, "web-1", "Running").becomes(at + 2000, "web-1", "Ready")
    });
    let late = begun.clone().becomes(2000, "web-1", "Running").becomes(25_000, "web-1", "Ready");
    let just = begun.clone().becomes(2000, "web-1", "Running").becomes(21_000, "web-1", "Ready");
    let unseen = begun
        .clone()
        .loses(5000)
        .resumes(6000)
        .loses(15_000)
        .resumes(16_000)
        .loses(25_000)
        .resumes(26_000);
    let tapes = [begun, just, flapping, late, unseen].map(|tape| tape.ends(90_000));
    let outcomes = tapes.map(|tape| verdict(&ready, &tape));
    insta::assert_snapshot!("stable", outcomes.join("\n\n"));
}

#[test]
fn until() {
    let scenario =
        step("until: {hold: 'web.exists(p, ready(p))', until: {count: web, min: 3}}, within: 30s");
    let begun = tape().starts(1000, "it");
    let reached = begun.clone().adds(5000, "web-3", "Pending").ends(40_000);
    let broken =
        begun.clone().becomes(4000, "web-1", "Failed").adds(5000, "web-3", "Ready").ends(40_000);
    let missing = begun.clone().ends(40_000);
    let relisted =
        begun.clone().loses(2000).relists(3000).adds(5000, "web-3", "Ready").ends(40_000);
    let unseen = begun.clone().loses(2000).resumes(3000).ends(40_000);
    let outcomes =
        [reached, broken.clone(), missing, relisted, unseen].map(|tape| verdict(&scenario, &tape));
    insta::assert_snapshot!("until", outcomes.join("\n\n"));
    let lenient = scenario.replace("within", "grace: 2s, within");
    insta::assert_snapshot!("until_grace", verdict(&lenient, &broken));
}

#[test]
fn order() {
    let scenario = step(
        "order: [{step: {started: it}}, {becomes: web, where: '!ready(object)'}, {created: web}, \
         {holds: {all: web, where: ready(object)}}], within: 30s",
    );
    let begun = tape().becomes(1, "web-2", "Ready").starts(1000, "it");
    let right = begun
        .clone()
        .becomes(2000, "web-1", "Failed")
        .adds(3000, "web-3", "Pending")
        .deletes(4000, "web-1", "Failed")
        .becomes(5000, "web-3", "Ready");
    let wrong = begun.clone().adds(3000, "web-3", "Ready");
    let short = begun.clone().becomes(2000, "web-1", "Failed");
    let relisted = begun
        .clone()
        .loses(1500)
        .relists(1600)
        .becomes(2000, "web-1", "Failed")
        .adds(3000, "web-3", "Pending")
        .deletes(4000, "web-1", "Failed")
        .becomes(5000, "web-3", "Ready");
    let tapes = [right, wrong, short, relisted].map(|tape| tape.ends(60_000));
    insta::assert_snapshot!("order", tapes.map(|tape| verdict(&scenario, &tape)).join("\n\n"));
}

#[test]
fn count() {
    let scenario = over_b("count: {of: {created: web}, min: 1, max: 2}");
    let begun = tape().starts(1000, "a").passes(2000, "a").starts(2000, "b");
    let two = begun
        .clone()
        .adds(3000, "web-3", "Pending")
        .deletes(4000, "web-3", "Pending")
        .adds(5000, "web-3#2", "Pending");
    let three = two.clone().adds(6000, "web-4", "Ready");
    let found = begun
        .clone()
        .loses(3000)
        .pod(3500, ObjectEvent::Found, "web-5", "Ready")
        .relists(3500)
        .adds(4000, "web-3", "Ready");
    let tapes = [two, three, begun, found].map(|tape| tape.passes(9000, "b").ends(10_000));
    insta::assert_snapshot!("count", tapes.map(|tape| verdict(&scenario, &tape)).join("\n\n"));
}

#[test]
fn after() {
    let scenario = over_b(
        "after: {event: {deleted: web}, then: {becomes: web, where: ready(object)}}, within: 10s",
    );
    let begun = tape()
        .starts(1000, "a")
        .passes(2000, "a")
        .starts(2000, "b")
        .deletes(3000, "web-1", "Ready");
    let end = |tape: Tape| {
        tape.passes(5000, "b").starts(5000, "c").becomes(12_000, "web-2", "Running").ends(30_000)
    };
    let followed = end(begun.clone().adds(4000, "web-3", "Ready"));
    let late = begun
        .clone()
        .passes(5000, "b")
        .starts(5000, "c")
        .adds(12_000, "web-3", "Ready")
        .ends(30_000);
    let not = end(begun.clone());
    let unseen = end(begun.clone().loses(4000).resumes(4500));
    let nothing =
        tape().starts(1000, "a").passes(2000, "a").starts(2000, "b").passes(5000, "b").ends(30_000);
    let waiting = begun.clone().passes(5000, "b").ends(6000);
    let tapes = [followed, late, not.clone(), unseen, nothing, waiting];
    let mut outcomes = tapes.map(|tape| verdict(&scenario, &tape)).to_vec();
    outcomes.push(verdict(
        &over_b("after: {event: {deleted: web}, then: {holds: 'web.filter(p, ready(p)).size() == 1'}}, within: 5s"),
        &not,
    ));
    insta::assert_snapshot!("after", outcomes.join("\n\n"));
}

#[test]
fn after_the_same_object() {
    let scenario = over_b(
        "after: {event: {becomes: web, where: '!ready(object)'}, then: {deleted: web}, sameObject: true}, within: 10s",
    );
    let begun = tape()
        .starts(1000, "a")
        .passes(2000, "a")
        .starts(2000, "b")
        .becomes(3000, "web-1", "Failed");
    let same = begun.clone().deletes(4000, "web-1", "Failed").passes(5000, "b").ends(20_000);
    let other = begun.deletes(4000, "web-2", "Failed").passes(5000, "b").ends(20_000);
    assert!(verdict(&scenario, &same).starts_with("pass"));
    insta::assert_snapshot!(verdict(&scenario, &other));
}

#[test]
fn occurrences_of_faults_and_steps() {
    let scenario = format!(
        "assertions:\n- {{name: it, order: [{{injected: b}}, {{becomes: web, match: {{status: {{phase: Failed}}}}}}, {{healed: b}}, {{step: {{finished: c}}}}]}}\n{STEPS}"
    );
    let tape = tape()
        .starts(1000, "a")
        .passes(2000, "a")
        .starts(2000, "b")
        .fault(2500, "b", FaultState::Injected)
        .passes(2600, "b")
        .becomes(3000, "web-1", "Failed")
        .starts(3000, "c")
        .fault(4000, "b", FaultState::Healed)
        .passes(5000, "c")
        .ends(6000);
    insta::assert_snapshot!(verdict(&scenario, &tape));
}

#[test]
fn a_step_looks_back_to_the_start_of_its_span() {
    let scenario = "
steps:
- {name: a, sleep: {for: 1s, reason: because}}
- {name: it, assert: {never: 'web.exists(p, p.status.phase == \"Failed\")', from: a}}
";
    let begun =
        tape().becomes(500, "web-1", "Failed").becomes(600, "web-1", "Ready").starts(1000, "a");
    let good = begun.clone().passes(2000, "a").starts(3000, "it").passes(3000, "it").ends(4000);
    let bad = begun
        .clone()
        .becomes(1500, "web-1", "Failed")
        .becomes(1600, "web-1", "Ready")
        .passes(2000, "a")
        .starts(3000, "it")
        .ends(4000);
    let not = begun
        .becomes(1500, "web-1", "Failed")
        .step(2000, "a", StepState::Failed)
        .step(2000, "it", StepState::Skipped)
        .ends(4000);
    let outcomes = [good, bad, not].map(|tape| verdict(scenario, &tape));
    insta::assert_snapshot!(outcomes.join("\n\n"));
}

#[test]
fn judges_each_try_of_a_step() {
    let scenario = "
steps:
- name: it
  retries: {attempts: 2}
  deadline: 10s
  wait: 'web.all(p, ready(p))'
";
    let tape = tape()
        .starts(1000, "it")
        .attempt(11_002, "it", StepState::Retried, 1)
        .attempt(12_000, "it", StepState::Started, 2)
        .becomes(15_000, "web-2", "Ready")
        .attempt(15_001, "it", StepState::Passed, 2)
        .ends(16_000);
    insta::assert_snapshot!(verdict(scenario, &tape));
}

#[test]
fn ignores_other_namespaces_and_labels() {
    let scenario = "
  all: {kind: Pod, namespace: '*', name: other}
assertions:
- {name: own, always: size(web) == 2}
- {name: wide, eventually: size(all) == 1}
steps:
- {name: a, sleep: {for: 1s, reason: because}}
";
    let other = json!({"metadata": {"namespace": "x", "name": "other", "uid": "u", "labels": {"app": "web"}}});
    let unlabelled = json!({"metadata": {"namespace": "default", "name": "plain", "uid": "v"}});
    let tape = tape()
        .starts(1000, "a")
        .object(2000, ObjectEvent::Added, "v1/Pod", other)
        .object(2000, ObjectEvent::Added, "v1/Pod", unlabelled)
        .passes(3000, "a")
        .ends(3000);
    let outcomes: Vec<_> = judged(&program(scenario), &tape).iter().map(written).collect();
    insta::assert_snapshot!(outcomes.join("\n\n"));
}
