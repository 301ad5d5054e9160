//! Explains why a condition is not as expected, to readers who know Kubernetes but not kindrs.

mod cel;
mod object;
mod quantified;

use std::sync::Arc;

use serde_json::Value;

use super::claim::{Occurred, View};
use super::pattern::{counted, shortened};
use super::program::{ConditionId, KindId, Source, Trigger};
use super::state::{State, metadata, uid};
use super::verdict::{Breach, Explanation, ObjectName};

/// The largest number of objects that an explanation names.
const NAMED: usize = 10;

/// Explains why a condition is not `expected` at this moment.
pub(super) fn condition(state: &State, condition: ConditionId, expected: bool) -> Explanation {
    match &state.program.conditions[condition].source {
        Source::Cel(expression) => cel::explain(state, expression, expected),
        Source::Quantified(quantity) => quantified::explain(state, quantity, expected),
    }
}

/// Explains why a condition has no value at this moment.
pub(super) fn error(state: &State, id: ConditionId) -> String {
    match &state.program.conditions[id].source {
        Source::Cel(expression) => cel::error(state, expression),
        Source::Quantified(_) => {
            let explanation = condition(state, id, true);
            let first = explanation.breaches.first();
            let line = first.and_then(|breach| breach.differences.first().cloned());
            line.unwrap_or(explanation.summary)
        }
    }
}

/// The object that something happened to, such as ` (Pod default/web)`; empty without an object.
pub(super) fn happened_to(view: &View<'_>, occurred: &Occurred) -> String {
    match occurred_name(view, occurred) {
        Some((name, _)) => format!(" ({name})"),
        None => String::new(),
    }
}

/// The object of an event that nothing followed.
pub(super) fn not_followed(view: &View<'_>, occurred: &Occurred, ending: &str) -> Vec<Breach> {
    let Some((object, then)) = occurred_name(view, occurred) else { return Vec::new() };
    let differences = vec![format!("nothing followed {ending}")];
    vec![Breach { object, differences, then }]
}

fn occurred_name(view: &View<'_>, occurred: &Occurred) -> Option<(ObjectName, Arc<Value>)> {
    let object = occurred.object.as_ref()?;
    match view.plan.occurrences[occurred.occurrence].trigger {
        Trigger::Object { selection, .. } => {
            let kind = view.state.program.selections[selection].kind;
            Some((object_name(view.state, kind, object), Arc::clone(object)))
        }
        _ => None,
    }
}

fn object_name(state: &State, kind: KindId, object: &Value) -> ObjectName {
    let field = |name| metadata(object, name).to_owned();
    ObjectName {
        kind: state.program.kinds[kind].clone(),
        namespace: field("namespace"),
        name: field("name"),
        uid: uid(object).to_owned(),
    }
}

/// The first of the objects that are not as expected, and the number of the others.
fn breaches(
    state: &State,
    kind: KindId,
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

/// Such as `2 of 3 objects of web`, `none of web` or `all 3 of web`.
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
