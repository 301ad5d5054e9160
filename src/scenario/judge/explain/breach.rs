use std::sync::Arc;

use serde_json::Value;

use crate::plural::plural;
use crate::scenario::judge::claim::{Occurred, View};
use crate::scenario::judge::pattern::shortened;
use crate::scenario::judge::program::{KindId, Trigger};
use crate::scenario::judge::state::{State, metadata, uid};
use crate::scenario::outcome::{Breach, ObjectName};

const NAMED: usize = 10;

/// The object that something happened to, such as ` (Pod default/web)`; empty without an object.
pub fn happened_to(view: &View<'_>, occurred: &Occurred) -> String {
    match occurred_name(view, occurred) {
        Some((name, _)) => format!(" ({name})"),
        None => String::new(),
    }
}

pub fn not_followed(view: &View<'_>, occurred: &Occurred, ending: &str) -> Vec<Breach> {
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
pub(super) fn breaches(
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
pub(super) fn share(some: usize, all: usize, label: &str) -> String {
    match (some, all) {
        (0, _) => format!("none of {label}"),
        (1, 1) => format!("the only one of {label}"),
        (some, all) if some == all => format!("all {all} of {label}"),
        (some, all) => format!("{some} of {} of {label}", plural(all, "object")),
    }
}

pub(super) fn part(text: &str, value: &Result<Value, String>) -> String {
    match value {
        Ok(value) => format!("{text} = {}", shortened(value)),
        Err(error) => format!("{text} has no value: {error}"),
    }
}
