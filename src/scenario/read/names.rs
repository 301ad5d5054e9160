//! The names of steps and assertions, by which they and reports know each other.

use std::collections::{HashMap, HashSet};

use crate::scenario::language::{Assertion, Condition, Scenario, Step};

/// Longest part of a condition in a name.
const LONGEST_CONDITION: usize = 60;

/// Gives every step and assertion a name that no other has. Those without one are named after what they
/// do, and numbered from the second on.
///
/// Returns the paths of names that are given to several, with what is wrong with each.
pub(super) fn fill(scenario: &mut Scenario) -> Vec<(String, String)> {
    let mut given: HashMap<String, String> = HashMap::new();
    let mut problems = Vec::new();
    let mut claim = |name: &str, path: String| {
        if name.trim().is_empty() {
            problems.push((path, "expected a name, found nothing".to_owned()));
        } else if let Some(first) = given.get(name) {
            let message = format!("`{name}` is already the name of {first}");
            problems.push((path, message));
        } else {
            let owner = path.strip_suffix(".name").unwrap_or(&path).to_owned();
            given.insert(name.to_owned(), owner);
        }
    };
    for (index, assertion) in scenario.assertions.iter().enumerate() {
        if let Some(name) = &assertion.name {
            claim(name, format!("assertions[{index}].name"));
        }
    }
    claim_steps(&scenario.steps, "steps", &mut claim);
    let mut taken: HashSet<String> = given.into_keys().collect();
    for assertion in &mut scenario.assertions {
        let name =
            assertion.name.take().unwrap_or_else(|| numbered(&describe(assertion), &mut taken));
        assertion.name = Some(name);
    }
    name_steps(&mut scenario.steps, &mut taken);
    problems
}

fn claim_steps(steps: &[Step], path: &str, claim: &mut dyn FnMut(&str, String)) {
    for (index, step) in steps.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match (&step.name, step.assert.as_ref().and_then(|assertion| assertion.name.as_ref())) {
            (Some(name), _) => claim(name, format!("{path}.name")),
            (None, Some(name)) => claim(name, format!("{path}.assert.name")),
            (None, None) => {}
        }
        for (field, steps) in [("parallel", &step.parallel), ("steps", &step.steps)] {
            claim_steps(steps.as_deref().unwrap_or_default(), &format!("{path}.{field}"), claim);
        }
    }
}

fn name_steps(steps: &mut [Step], taken: &mut HashSet<String>) {
    for step in steps {
        let asserted = step.assert.as_ref().and_then(|assertion| assertion.name.clone());
        let name = step.name.take().or(asserted).unwrap_or_else(|| {
            let action = match (&step.assert, step.actions().first()) {
                (Some(assertion), _) => kind(assertion).map_or("assert", |(claim, _)| claim),
                (None, Some((field, _))) => field,
                (None, None) => "step",
            };
            numbered(action, taken)
        });
        if let Some(assertion) = &mut step.assert {
            assertion.name = Some(name.clone());
        }
        step.name = Some(name);
        for steps in [&mut step.parallel, &mut step.steps] {
            name_steps(steps.as_deref_mut().unwrap_or_default(), taken);
        }
    }
}

fn numbered(name: &str, taken: &mut HashSet<String>) -> String {
    let mut number = 1;
    let mut candidate = name.to_owned();
    while !taken.insert(candidate.clone()) {
        number += 1;
        candidate = format!("{name} {number}");
    }
    candidate
}

/// The claim of an assertion, and its condition.
fn kind(assertion: &Assertion) -> Option<(&'static str, Option<&Condition>)> {
    let conditions = [
        ("eventually", &assertion.eventually),
        ("always", &assertion.always),
        ("never", &assertion.never),
        ("stable", &assertion.stable),
    ];
    let mut all = conditions
        .into_iter()
        .filter_map(|(claim, condition)| Some((claim, Some(condition.as_ref()?))))
        .chain(assertion.until.as_ref().map(|until| ("until", Some(&until.until))))
        .chain(assertion.order.as_ref().map(|_| ("order", None)))
        .chain(assertion.count.as_ref().map(|_| ("count", None)))
        .chain(assertion.after.as_ref().map(|_| ("after", None)));
    all.next()
}

fn describe(assertion: &Assertion) -> String {
    let Some((claim, condition)) = kind(assertion) else { return "assertion".to_owned() };
    let Some(Condition::Cel(cel)) = condition else { return claim.to_owned() };
    let line = cel.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST_CONDITION {
        return format!("{claim} {line}");
    }
    let short: String = line.chars().take(LONGEST_CONDITION - 1).collect();
    format!("{claim} {short}…")
}
