use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;

fn kind(name: &str) -> KindName {
    KindName(Arc::from(name))
}

fn object(at: u64, kind_name: &str, name: &str) -> Entry {
    Entry {
        at: Moment(at),
        change: Change::Object(Box::new(ObjectChange {
            event: ObjectEvent::Added,
            kind: kind(kind_name),
            resource_version: at.to_string(),
            object: Arc::new(json!({"metadata": {"name": name}, "share": 0.5})),
        })),
    }
}

fn entry(line: &str) -> Entry {
    serde_json::from_str(line).unwrap()
}

fn begin() -> Entry {
    entry(BEGIN)
}

const BEGIN: &str = r#"{"at":0,"begin":{"format":1,"kindrs":"0.1.0","scenario":"drill","time":"2026-01-02T03:04:05Z","cluster":"kindrs","kubernetes":"v1.37.2","timing":"fast","variables":{},"kinds":["v1/Pod"]}}"#;

/// A line of each type, except `begin` and `object`.
const OTHERS: &str = r#"{"at":10,"gap":{"kind":"v1/Pod","state":"lost","reason":"reset"}}
{"at":11,"api":{"available":false,"reason":"refused"}}
{"at":12,"step":{"step":"a","state":"started","attempt":1}}
{"at":13,"fault":{"step":"a","id":"1","fault":"node-kill","state":"injected"}}
{"at":14,"log":{"source":"step/a","line":"\"quoted\""}}
{"at":15,"verdict":{"assertion":"a","verdict":"pass","summary":"it held"}}
{"at":16,"end":{"interrupted":false,"lines":{"step":1}}}"#;

fn all_types() -> Vec<Entry> {
    let mut entries = vec![begin(), object(5, "v1/Pod", "web"), object(5, "v1/Event", "noise")];
    entries.extend(OTHERS.lines().map(entry));
    entries
}

/// A file of the entries' lines, with `more` after them.
fn written(entries: &[Entry], more: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let mut writer = Writer::create(&path).unwrap();
    entries.iter().for_each(|entry| writer.write(entry).unwrap());
    writer.flush().unwrap();
    assert_eq!(writer.lines().values().sum::<u64>(), entries.len() as u64);
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str(more);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn writes_one_field_for_each_change() {
    let line = serde_json::to_string(&object(123, "v1/Pod", "web")).unwrap();
    insta::assert_snapshot!(line, @r#"{"at":123,"object":{"event":"added","kind":"v1/Pod","resourceVersion":"123","object":{"metadata":{"name":"web"},"share":0.5}}}"#);
}

#[test]
fn reads_entries_in_order() {
    let entries = all_types();
    let (_folder, path) = written(&entries, "");
    let read: Vec<Entry> = Reader::open(&path, None).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, entries);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().map(entry).collect::<Vec<_>>(), entries);
    assert!(text.starts_with(BEGIN) && text.trim_end().ends_with(OTHERS), "{text}");
}

#[test]
fn skips_objects_of_other_kinds() {
    let (_folder, path) = written(&all_types(), "");
    let kinds = BTreeSet::from([kind("v1/Pod")]);
    let objects: Vec<Value> = Reader::open(&path, Some(kinds))
        .unwrap()
        .filter_map(|entry| match entry.unwrap().change {
            Change::Object(object) => Some((*object.object).clone()),
            _ => None,
        })
        .collect();
    assert_eq!(objects, [json!({"metadata": {"name": "web"}, "share": 0.5}), Value::Null]);
}

#[test]
fn threads_keep_the_order_of_a_long_record() {
    let mut entries = vec![begin()];
    entries.extend((1..30_000).map(|at| object(at, "v1/Pod", &"x".repeat(at as usize % 300))));
    let (_folder, path) = written(&entries, "");
    assert!(std::fs::metadata(&path).unwrap().len() > 5 << 20);
    let mut reader = Reader::open(&path, None).unwrap();
    for expected in &entries {
        assert_eq!(&reader.next().unwrap().unwrap(), expected);
    }
    assert!(reader.next().is_none());
}

#[test]
fn reports_an_incomplete_last_line() {
    let entries = all_types();
    let (_folder, path) = written(&entries, r#"{"at":99,"object":{"event":"add"#);
    let mut reader = Reader::open(&path, None).unwrap();
    assert_eq!(reader.by_ref().map(Result::unwrap).count(), entries.len());
    assert_eq!(reader.truncated(), Some(entries.len() + 1));
}

#[test]
fn reports_the_position_of_an_invalid_line() {
    let error_of = |entries: &[Entry], more: &str| {
        let (_folder, path) = written(entries, more);
        let error = Reader::open(&path, None).unwrap().find_map(Result::err).unwrap().to_string();
        error.replace(&path.display().to_string(), "history.jsonl")
    };
    let good = "{\"at\":99,\"end\":{\"interrupted\":false}}\n";
    let mut newer = begin();
    if let Change::Begin(begin) = &mut newer.change {
        begin.format = 2;
    }
    let backwards = [begin(), object(7, "v1/Pod", "a"), object(6, "v1/Pod", "b")];
    let errors = [
        error_of(&[begin()], &format!("{{\"at\":5,\"objekt\":1}}\n{good}")),
        error_of(&[begin()], &format!("{{\"at\":5}}\n{good}")),
        error_of(&backwards, good),
        error_of(&[object(7, "v1/Pod", "a")], good),
        error_of(&[], "apiVersion: kindrs.dev/v1alpha1\nkind: Scenario\n"),
        error_of(&[newer], good),
        Reader::open(Path::new("/nowhere/history.jsonl"), None).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(errors.join("\n"));
}
