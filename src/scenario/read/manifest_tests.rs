//! Tests of a step's objects.

use std::path::PathBuf;

use serde_json::{Map, json};

use super::manifests;
use crate::scenario::language::Apply;

fn variables() -> Map<String, serde_json::Value> {
    json!({"replicas": 3, "name": "web"}).as_object().cloned().unwrap()
}

#[test]
fn reads_inline_objects_texts_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: \"${name}-2\"}\n\
                spec: {replicas: \"${replicas}\"}\n---\n---\n\
                {apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}, data: {mode: 0644}}\n";
    std::fs::write(folder.path().join("a.yaml"), file).unwrap();
    let apply = Apply {
        objects: vec![json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}})],
        manifest: Some("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n- {apiVersion: v1, kind: Pod, metadata: {name: c}}\n".into()),
        files: vec![PathBuf::from("a.yaml")],
        ..Apply::default()
    };
    let objects = manifests(&apply, folder.path(), &variables()).unwrap();
    let text: Vec<String> = objects.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn rejects_invalid_objects() {
    let folder = tempfile::tempdir().unwrap();
    let file = "kind: Pod\nmetadata: {name: a}\n---\n- a\n---\napiVersion: v1\nkind: Pod\nkind: Pod\nmetadata:\n  labels: {a: \"${nam}\"}\n";
    std::fs::write(folder.path().join("a.yaml"), file).unwrap();
    std::fs::write(folder.path().join("b.yaml"), "a: [").unwrap();
    let apply = Apply {
        objects: vec![json!({"apiVersion": 1, "kind": "Pod", "metadata": {"name": ""}}), json!([])],
        manifest: Some(
            "apiVersion: v1\nkind: List\nitems:\n- {kind: Pod, metadata: {name: b}}\n".into(),
        ),
        files: vec!["a.yaml".into(), "b.yaml".into(), "c.yaml".into()],
        ..Apply::default()
    };
    let problems = manifests(&apply, folder.path(), &variables()).unwrap_err().to_string();
    let problems = problems.replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(problems);
}
