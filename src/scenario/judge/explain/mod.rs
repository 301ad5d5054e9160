//! Why a condition is not what was expected of it: for people who know Kubernetes, and neither this
//! program nor the run.

mod body;
mod cel;
mod quantified;

use std::sync::Arc;

use serde_json::Value;

use super::claim::{Look, Occurred};
use super::pattern::{counted, shortened};
use super::plan::{Source, What};
use super::state::{State, metadata, uid};
use super::verdict::{Breach, Explanation, ObjectName};

/// How many objects an explanation names.
const NAMED: usize = 10;

/// Why a condition is not `expected` at this moment.
pub(super) fn condition(state: &State, condition: usize, expected: bool) -> Explanation {
    match &state.program.conditions[condition].source {
        Source::Cel(expression) => cel::explain(state, expression, expected),
        Source::Quantified(quantity) => quantified::explain(state, quantity, expected),
    }
}

/// Why a condition has no value at this moment.
pub(super) fn error(state: &State, number: usize) -> String {
    match &state.program.conditions[number].source {
        Source::Cel(expression) => cel::error(state, expression),
        Source::Quantified(_) => {
            let explanation = condition(state, number, true);
            let first = explanation.breaches.first();
            let line = first.and_then(|breach| breach.differences.first().cloned());
            line.unwrap_or(explanation.summary)
        }
    }
}

/// The object that something happened to, as ` (Pod default/web)`; empty for what is about none.
pub(super) fn happened_to(look: &Look<'_>, occurred: &Occurred) -> String {
    match occurred_name(look, occurred) {
        Some((name, _)) => format!(" ({name})"),
        None => String::new(),
    }
}

/// The object that was not followed by what had to follow.
pub(super) fn not_followed(look: &Look<'_>, occurred: &Occurred, ending: &str) -> Vec<Breach> {
    let Some((object, then)) = occurred_name(look, occurred) else { return Vec::new() };
    let differences = vec![format!("nothing followed {ending}")];
    vec![Breach { object, differences, then }]
}

fn occurred_name(look: &Look<'_>, occurred: &Occurred) -> Option<(ObjectName, Arc<Value>)> {
    let object = occurred.object.as_ref()?;
    match look.plan.occurrences.get(occurred.index)?.what {
        What::Object { selection, .. } => {
            let kind = look.state.program.selections[selection].kind;
            Some((object_name(look.state, kind, object), Arc::clone(object)))
        }
        _ => None,
    }
}

fn object_name(state: &State, kind: usize, object: &Value) -> ObjectName {
    let field = |name| metadata(object, name).to_owned();
    ObjectName {
        kind: state.program.kinds[kind].clone(),
        namespace: field("namespace"),
        name: field("name"),
        uid: uid(object).to_owned(),
    }
}

/// Objects that are not as expected, the first of them named.
fn breaches(
    state: &State,
    kind: usize,
    objects: &[&Arc<Value>],
    differences: impl Fn(&Value) -> Vec<String>,
) -> (Vec<Breach>, usize) {
    let named = objects.iter().take(NAMED).map(|object| Breach {
        object: object_name(state, kind, object),
        differences: differences(object),
        then: Arc::clone(object),
    });
    (named.collect(), objects.len().saturating_sub(NAMED))
}

/// `2 of 3 objects of web`, `none of web`, `all 3 of web`.
fn share(some: usize, all: usize, label: &str) -> String {
    match (some, all) {
        (0, _) => format!("none of {label}"),
        (1, 1) => format!("the only one of {label}"),
        (some, all) if some == all => format!("all {all} of {label}"),
        (some, all) => format!("{some} of {} of {label}", counted(all, "object")),
    }
}

/// `text = value`.
fn part(text: &str, value: &Result<Value, String>) -> String {
    match value {
        Ok(value) => format!("{text} = {}", shortened(value)),
        Err(error) => format!("{text} has no value: {error}"),
    }
}
