use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::ObjectMistake;
use super::schema::{Node, Shape};
use crate::kubernetes::{Kind, find_kind, kinds};
use crate::scenario::check::placement::Quantity;
use crate::yaml::nearest;

/// All mistakes in a manifest, by the schema of its kind; none for custom resources.
///
/// `status` is only checked for unknown fields and wrong types.
pub fn object_mistakes(object: &Value) -> Vec<ObjectMistake> {
    let mut found = Found::default();
    let Some(fields) = object.as_object() else {
        found.report(
            String::new(),
            format!("expected an object, found {}", described(object)),
            None,
        );
        return found.mistakes;
    };
    let text = |name: &str| match fields.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.as_str()),
        _ => None,
    };
    for name in ["apiVersion", "kind"] {
        if text(name).is_none() {
            found.report(name.to_owned(), "missing required field".to_owned(), None);
        }
    }
    let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
        return found.mistakes;
    };
    if let (true, Some(Value::Array(items))) = (kind == "List", fields.get("items")) {
        for (index, item) in items.iter().enumerate() {
            found.mistakes.extend(object_mistakes(item).into_iter().map(|mistake| {
                let path = format!("items[{index}].{}", mistake.path);
                ObjectMistake { path: path.trim_end_matches('.').to_owned(), ..mistake }
            }));
        }
        return found.mistakes;
    }
    match find_kind(&format!("{api_version}/{kind}")) {
        Some(known) => found.whole(known, object),
        None => found.unknown_kind(api_version, kind),
    }
    found.mistakes
}

/// All mistakes in a part of an object, such as the `match` of a selection, which is compared with the
/// API server's answers; none for custom resources. `kind` can be any name of the kind.
pub fn match_mistakes(kind: &str, part: &Value) -> Vec<ObjectMistake> {
    let mut found = Found { is_match: true, ..Found::default() };
    if let Some(node) = find_kind(kind).and_then(Node::of_kind) {
        found.look_at(node, part, "");
    }
    found.mistakes
}

#[derive(Default)]
struct Found {
    mistakes: Vec<ObjectMistake>,
    /// Whether it checks a part that is compared, not an object that is created.
    is_match: bool,
}

impl Found {
    fn report(&mut self, path: String, message: String, suggestion: Option<String>) {
        self.mistakes.push(ObjectMistake { path, message, suggestion, is_about_name: false });
    }

    fn unknown_kind(&mut self, api_version: &str, kind: &str) {
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let is_own = group.is_empty() || !group.contains('.') || group.ends_with(".k8s.io");
        if !is_own || (kinds().iter().all(|known| known.group != group) && group.contains('.')) {
            return;
        }
        if let Some(known) = kinds().iter().find(|known| known.kind == kind) {
            let expected = known.api_version();
            let message = format!("{kind} belongs to {expected}, not to {api_version}");
            return self.report("apiVersion".to_owned(), message, Some(expected));
        }
        let of_version = |known: &&Kind| known.api_version() == api_version;
        let names: BTreeSet<_> =
            kinds().iter().filter(of_version).map(|known| known.kind).collect();
        if let Some(near) = nearest(kind, &names.into_iter().collect::<Vec<_>>()) {
            let message = format!("{api_version} has no kind {kind}");
            self.report("kind".to_owned(), message, Some(near.to_owned()));
        }
    }

    fn whole(&mut self, kind: &Kind, object: &Value) {
        if let Some(node) = Node::of_kind(kind) {
            self.look_at(node, object, "");
        }
        let has = |name: &str| object.pointer(name).is_some_and(Value::is_string);
        if object.get("metadata").is_some()
            && !has("/metadata/name")
            && !has("/metadata/generateName")
        {
            self.report("metadata.name".to_owned(), "missing required field".to_owned(), None);
        }
    }

    fn look_at(&mut self, node: Node, value: &Value, path: &str) {
        match (node.shape(), value) {
            // A null field counts as absent.
            (Shape::Any, _) | (_, Value::Null) => {}
            (Shape::Object(object), Value::Object(fields)) => {
                self.unknown_fields(&object.fields(), object.name(), fields, path);
                for (name, value) in fields {
                    if let Some(field) = object.field_node(name) {
                        self.look_at(field, value, &joined(path, name));
                    }
                }
                if !self.is_match && path != "status" && !path.starts_with("status.") {
                    for name in object.required() {
                        if fields.get(name).is_none_or(Value::is_null) {
                            let message = format!("missing required field of {}", object.name());
                            self.report(joined(path, name), message, None);
                        }
                    }
                }
            }
            (Shape::Map(element), Value::Object(fields)) => {
                for (name, value) in fields {
                    self.look_at(element, value, &joined(path, name));
                }
            }
            (Shape::List(element), Value::Array(elements)) => {
                for (index, value) in elements.iter().enumerate() {
                    self.look_at(element, value, &format!("{path}[{index}]"));
                }
            }
            (Shape::Quantity, value) => self.look_at_quantity(value, path),
            (Shape::Integer, Value::Number(number)) if !number.is_f64() => {}
            (Shape::Boolean, Value::Bool(_))
            | (Shape::Number, Value::Number(_))
            | (Shape::String, Value::String(_))
            | (Shape::IntOrString, Value::String(_)) => {}
            (Shape::IntOrString, Value::Number(number)) if !number.is_f64() => {}
            (shape, value) => {
                let message = format!("expected {}, found {}", expected(&shape), described(value));
                self.report(path.to_owned(), message, rewritten(&shape, value));
            }
        }
    }

    fn look_at_quantity(&mut self, value: &Value, path: &str) {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) if self.is_match => {
                let message =
                    "expected a string, which the API server returns for quantities".to_owned();
                return self.report(path.to_owned(), message, Some(format!("\"{number}\"")));
            }
            Value::Number(number) => number.to_string(),
            other => {
                let message =
                    format!("expected a quantity such as 500m or 2Gi, found {}", described(other));
                return self.report(path.to_owned(), message, None);
            }
        };
        if let Err(error) = text.parse::<Quantity>() {
            self.report(path.to_owned(), error.to_string(), None);
        }
    }

    fn unknown_fields(
        &mut self,
        known: &[&str],
        owner: &str,
        fields: &Map<String, Value>,
        path: &str,
    ) {
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let suggestion = nearest(name, known).filter(|near| !fields.contains_key(*near));
            self.mistakes.push(ObjectMistake {
                path: joined(path, name),
                message: format!("{owner} has no such field"),
                suggestion: suggestion.map(str::to_owned),
                is_about_name: true,
            });
        }
    }
}

fn joined(path: &str, name: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    match (path, !name.is_empty() && name.chars().all(is_plain)) {
        ("", true) => name.to_owned(),
        (path, true) => format!("{path}.{name}"),
        (path, false) => format!("{path}[{name:?}]"),
    }
}

fn expected(shape: &Shape) -> &'static str {
    match shape {
        Shape::Any => "anything",
        Shape::Boolean => "`true` or `false`",
        Shape::Integer => "a whole number",
        Shape::Number => "a number",
        Shape::String => "a string",
        Shape::Quantity => "a quantity",
        Shape::IntOrString => "a whole number or a string",
        Shape::List(_) => "a list",
        Shape::Map(_) | Shape::Object(_) => "a mapping",
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(truth) => format!("{truth}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string {text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

/// The value in the notation of the expected type.
fn rewritten(shape: &Shape, value: &Value) -> Option<String> {
    match (shape, value) {
        (Shape::String | Shape::IntOrString, Value::Number(_) | Value::Bool(_)) => {
            Some(format!("\"{value}\""))
        }
        (Shape::Integer, Value::String(text)) => text.parse::<i64>().is_ok().then(|| text.clone()),
        (Shape::Boolean, Value::String(text)) => {
            matches!(text.as_str(), "true" | "false").then(|| text.clone())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(mistakes: &[ObjectMistake]) -> String {
        mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn deployment() -> Value {
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "labels": {"app.kubernetes.io/name": "web"}},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "web"}},
                "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{
                        "name": "web",
                        "image": "web",
                        "resources": {"requests": {"cpu": "100m", "memory": 1024}},
                    }]},
                },
            },
        })
    }

    #[test]
    fn accepts_valid_manifests() {
        assert_eq!(lines(&object_mistakes(&deployment())), "");
        for right in [
            json!({"apiVersion": "example.com/v1", "kind": "Widget", "anything": 1}),
            json!({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot"}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x"},
                "spec": {"containers": [{"name": "x"}], "nodeName": null}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"},
                "data": {"a": "b"}}),
        ] {
            assert_eq!(lines(&object_mistakes(&right)), "");
        }
    }

    #[test]
    fn finds_all_mistakes_in_a_manifest() {
        let mut manifest = deployment();
        manifest["spec"]["replcas"] = json!(2);
        manifest["spec"]["replicas"] = json!("2");
        manifest["spec"]["paused"] = json!(1);
        manifest["metadata"]["labels"]["on"] = json!(true);
        let pod = &mut manifest["spec"]["template"]["spec"];
        pod["container"] = json!([]);
        pod["containers"][0]["imag"] = json!("web");
        pod["containers"][0]["resources"]["requests"]["cpu"] = json!("100 m");
        pod["containers"].as_array_mut().unwrap().push(json!({"image": 1}));
        pod["nodeSelector"] = json!(["a"]);
        manifest["spec"].as_object_mut().unwrap().remove("selector");
        insta::assert_snapshot!(lines(&object_mistakes(&manifest)));
    }

    #[test]
    fn checks_the_kinds_of_kubernetes_groups() {
        for (object, expected) in [
            (json!({"kind": "Pod"}), "apiVersion: missing required field"),
            (
                json!({"apiVersion": "v1", "kind": "Deployment"}),
                "apiVersion: Deployment belongs to apps/v1, not to v1 (did you mean `apps/v1`?)",
            ),
            (
                json!({"apiVersion": "extensions/v1beta1", "kind": "Ingress"}),
                "apiVersion: Ingress belongs to networking.k8s.io/v1, not to extensions/v1beta1 (did \
                 you mean `networking.k8s.io/v1`?)",
            ),
            (
                json!({"apiVersion": "apps/v1", "kind": "Deploymnt"}),
                "kind: apps/v1 has no kind Deploymnt (did you mean `Deployment`?)",
            ),
            (json!("x"), "expected an object, found the string \"x\""),
            (
                json!({"apiVersion": "v1", "kind": "List", "items": [{"kind": "Pod"}]}),
                "items[0].apiVersion: missing required field",
            ),
            (
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}),
                "metadata.name: missing required field",
            ),
        ] {
            assert_eq!(lines(&object_mistakes(&object)), expected);
        }
    }

    #[test]
    fn checks_a_match_against_the_answers_of_the_api_server() {
        let right = json!({"spec": {"containers": [{"image": "web"}]}, "status": {"phase": null}});
        assert_eq!(lines(&match_mistakes("Pod", &right)), "");
        assert_eq!(lines(&match_mistakes("example.com/v1/Widget", &json!({"a": 1}))), "");
        let wrong = json!({
            "status": {"phse": "Running", "conditions": {"type": "Ready"}},
            "spec": {"overhead": {"cpu": 1}, "priority": 1.5},
        });
        insta::assert_snapshot!(lines(&match_mistakes("pods", &wrong)));
    }
}
