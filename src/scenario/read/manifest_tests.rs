//! How the objects of a step are read.

use std::path::PathBuf;

use serde_json::{Map, json};

use super::manifests;
use crate::scenario::language::Apply;

fn variables() -> Map<String, serde_json::Value> {
    json!({"replicas": 3, "name": "web"}).as_object().cloned().unwrap()
}

#[test]
fn objects_come_from_everywhere() {
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
    insta::assert_snapshot!(text.join("\n"), @r#"
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"}}
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"}}
    {"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"web-2"},"spec":{"replicas":3}}
    {"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"a-"},"data":{"mode":420}}
    "#);
}

#[test]
fn what_is_no_object() {
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
    insta::assert_snapshot!(problems, @r"
    apply:1:1: objects[0].apiVersion: expected a string, found a whole number
    apply:1:1: objects[0].metadata.name: missing required field; set `name` or `generateName`
    apply:1:1: objects[1]: expected a Kubernetes object, found a list
    apply:4:3: apiVersion: missing required field
    FOLDER/a.yaml:1:1: apiVersion: missing required field
    FOLDER/a.yaml:4:1: expected a Kubernetes object, found a list
    FOLDER/a.yaml:8:1: kind: duplicate key; the first is on line 7
    FOLDER/a.yaml:10:3: metadata.name: missing required field; set `name` or `generateName`
    FOLDER/a.yaml:10:16: metadata.labels.a: unknown variable `nam` (did you mean `${name}`?)
    FOLDER/b.yaml:1:5: not valid YAML: while parsing a node, did not find expected node content
    apply:1:1: files[2]: cannot read FOLDER/c.yaml: No such file or directory (os error 2)
    ");
}
