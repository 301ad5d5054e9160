//! The names of steps and assertions, by which they and reports know each other.

use std::collections::{HashMap, HashSet};

use crate::scenario::language::{Action, Assertion, Condition, Scenario, Step};

/// Longest part of a condition in a name.
const LONGEST_CONDITION: usize = 60;

/// Gives every step and assertion a unique name. Those without one are named after what they do, and
/// numbered from the second on.
///
/// Returns the paths of names that are not unique, each with what is wrong.
pub(super) fn fill(scenario: &mut Scenario) -> Vec<(String, String)> {
    let mut given: HashMap<String, String> = HashMap::new();
    let mut problems = Vec::new();
    let mut claim = |name: &str, path: String| {
        if name.trim().is_empty() {
            problems.push((path, "expected a name, found an empty text".to_owned()));
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
        let asserted = match &step.action {
            Action::Assert(assertion) => assertion.name.as_ref(),
            _ => None,
        };
        match (&step.name, asserted) {
            (Some(name), _) => claim(name, format!("{path}.name")),
            (None, Some(name)) => claim(name, format!("{path}.assert.name")),
            (None, None) => {}
        }
        claim_steps(step.children(), &format!("{path}.{}", step.action.name()), claim);
    }
}

fn name_steps(steps: &mut [Step], taken: &mut HashSet<String>) {
    for step in steps {
        let described = match &step.action {
            Action::Assert(assertion) => assertion.claim.name(),
            action => action.name(),
        };
        let asserted = match &mut step.action {
            Action::Assert(assertion) => assertion.name.take(),
            _ => None,
        };
        let name = step.name.take().or(asserted);
        let name = name.unwrap_or_else(|| numbered(described, taken));
        step.name = Some(name.clone());
        match &mut step.action {
            Action::Assert(assertion) => assertion.name = Some(name),
            Action::Parallel(steps) | Action::Steps(steps) => name_steps(steps, taken),
            _ => {}
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

fn describe(assertion: &Assertion) -> String {
    let claim = assertion.claim.name();
    let Some(Condition::Cel(cel)) = assertion.claim.condition() else { return claim.to_owned() };
    let line = cel.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST_CONDITION {
        return format!("{claim} {line}");
    }
    let short: String = line.chars().take(LONGEST_CONDITION - 1).collect();
    format!("{claim} {short}…")
}
