//! Partial objects: whether an object matches one, and where it differs.

use serde_json::{Map, Value};

/// Whether `found` matches `expected`. Mappings match if the expected fields do, lists if all elements do in
/// order, and everything else if it is equal. `null` matches a field that does not exist.
pub(super) fn matches(expected: &Value, found: Option<&Value>) -> bool {
    let found = found.filter(|value| !value.is_null());
    match (expected, found) {
        (Value::Null, found) => found.is_none(),
        (Value::Object(fields), None) => {
            !fields.is_empty() && fields.values().all(|field| matches(field, None))
        }
        (_, None) => false,
        (Value::Object(fields), Some(Value::Object(object))) => {
            fields.iter().all(|(name, field)| matches(field, object.get(name)))
        }
        (Value::Array(elements), Some(Value::Array(list))) => {
            elements.len() == list.len()
                && elements.iter().zip(list).all(|(element, found)| matches(element, Some(found)))
        }
        (expected, Some(found)) => same_scalar(expected, found),
    }
}

fn same_scalar(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        _ => one == other,
    }
}

/// The differences between an object and `expected`, one line each, such as `status.phase: expected
/// "Running", found "Pending"`.
pub(super) fn differences(expected: &Value, found: Option<&Value>) -> Vec<String> {
    let mut lines = Vec::new();
    compare(expected, found, &mut String::new(), &mut lines);
    lines
}

fn compare(expected: &Value, found: Option<&Value>, path: &mut String, lines: &mut Vec<String>) {
    if matches(expected, found) {
        return;
    }
    match (expected, found) {
        (Value::Object(fields), found)
            if !fields.is_empty()
                && found.is_none_or(|found| found.is_object() || found.is_null()) =>
        {
            let object = found.and_then(Value::as_object);
            for (name, field) in fields {
                let length = path.len();
                push_field(path, name);
                compare(field, object.and_then(|object| object.get(name)), path, lines);
                path.truncate(length);
            }
        }
        (Value::Array(elements), Some(Value::Array(list))) if elements.len() == list.len() => {
            for (index, (element, found)) in elements.iter().zip(list).enumerate() {
                let length = path.len();
                path.push_str(&format!("[{index}]"));
                compare(element, Some(found), path, lines);
                path.truncate(length);
            }
        }
        (Value::Array(elements), Some(Value::Array(list))) => lines.push(format!(
            "{path}: expected {}, found {}",
            counted(elements.len(), "element"),
            list.len()
        )),
        _ => lines.push(difference(path, &expectation(expected), found)),
    }
}

/// A line of a difference.
pub(super) fn difference(path: &str, expected: &str, found: Option<&Value>) -> String {
    let place = if path.is_empty() { "the object" } else { path };
    match found.filter(|value| !value.is_null()) {
        Some(found) => format!("{place}: expected {expected}, found {}", shortened(found)),
        None => format!("{place}: expected {expected}, found nothing"),
    }
}

fn expectation(expected: &Value) -> String {
    match expected {
        Value::Null => "nothing".to_owned(),
        Value::Object(fields) if fields.is_empty() => "a mapping".to_owned(),
        other => shortened(other),
    }
}

/// Appends a field to a path, in brackets if the name has special characters, as the names of labels do.
pub(super) fn push_field(path: &mut String, name: &str) {
    let is_plain = name.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-'));
    if !is_plain {
        path.push_str(&format!("[{name:?}]"));
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

/// A path in the same form.
pub(super) fn path_text(fields: &[&str]) -> String {
    let mut path = String::new();
    fields.iter().for_each(|field| push_field(&mut path, field));
    path
}

/// The value at a path.
pub(super) fn at_path<'v>(object: &'v Value, fields: &[&str]) -> Option<&'v Value> {
    fields.iter().try_fold(object, |value, field| value.get(field))
}

/// A value as JSON, shortened if it is long.
pub(super) fn shortened(value: &Value) -> String {
    const LONGEST: usize = 120;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// `1 pod`, `2 pods`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A partial object in one line, such as `status.phase: "Running", spec.nodeName: nothing`.
pub(super) fn part_text(part: &Value) -> String {
    let mut leaves = Vec::new();
    collect_leaves(part, &mut String::new(), &mut leaves);
    leaves.join(", ")
}

fn collect_leaves(part: &Value, path: &mut String, leaves: &mut Vec<String>) {
    let Some(fields) = part.as_object().filter(|fields: &&Map<_, _>| !fields.is_empty()) else {
        leaves.push(format!("{path}: {}", expectation(part)));
        return;
    };
    for (name, field) in fields {
        let length = path.len();
        push_field(path, name);
        collect_leaves(field, path, leaves);
        path.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Value {
        json!({
            "metadata": {"name": "web", "labels": {"app.kubernetes.io/name": "web"}},
            "spec": {"containers": [{"name": "a", "image": "x"}], "priority": 1.0},
            "status": {"phase": "Pending", "hostIP": null},
        })
    }

    #[test]
    fn matches_fields_elements_and_scalars() {
        for (part, expected) in [
            (json!({"status": {"phase": "Pending"}}), true),
            (json!({"status": {"phase": "Running"}}), false),
            (json!({"spec": {"containers": [{"name": "a"}]}}), true),
            (json!({"spec": {"containers": [{"name": "a"}, {}]}}), false),
            (json!({"spec": {"containers": []}}), false),
            (json!({"spec": {"priority": 1}}), true),
            (json!({"spec": {"nodeName": null}}), true),
            (json!({"spec": {"nodeName": null, "priority": null}}), false),
            (json!({"status": {"hostIP": null}}), true),
            (json!({"other": {"field": null}}), true),
            (json!({"other": {}}), false),
            (json!({"status": {}}), true),
            (json!({"status": "Pending"}), false),
            (json!({}), true),
        ] {
            assert_eq!(matches(&part, Some(&pod())), expected, "{part}");
            assert_eq!(differences(&part, Some(&pod())).is_empty(), expected, "{part}");
        }
    }

    #[test]
    fn names_the_path_of_each_difference() {
        let part = json!({
            "metadata": {"labels": {"app.kubernetes.io/name": "db"}},
            "spec": {"containers": [{"image": "y"}], "nodeName": "worker", "priority": null},
            "status": {"phase": "Running", "conditions": [{"type": "Ready"}]},
        });
        insta::assert_snapshot!(differences(&part, Some(&pod())).join("\n"), @r#"
        metadata.labels["app.kubernetes.io/name"]: expected "db", found "web"
        spec.containers[0].image: expected "y", found "x"
        spec.nodeName: expected "worker", found nothing
        spec.priority: expected nothing, found 1.0
        status.phase: expected "Running", found "Pending"
        status.conditions: expected [{"type":"Ready"}], found nothing
        "#);
    }
}
