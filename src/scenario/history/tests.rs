use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::*;
use crate::scenario::language::Timing;

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

fn begin() -> Entry {
    Entry {
        at: Moment(0),
        change: Change::Begin(Box::new(Begin {
            format: 1,
            kindrs: "0.1.0".to_owned(),
            scenario: "drill".to_owned(),
            time: "2026-01-02T03:04:05Z".parse().unwrap(),
            cluster: "kindrs".to_owned(),
            kubernetes: "v1.37.2".to_owned(),
            timing: Timing::Fast,
            variables: Map::new(),
            kinds: vec![kind("v1/Pod")],
        })),
    }
}

fn all_types() -> Vec<Entry> {
    let changes = vec![
        Change::Gap(Gap {
            kind: kind("v1/Pod"),
            state: GapState::Lost,
            reason: "reset".to_owned(),
        }),
        Change::Api(ApiState { available: false, reason: "refused".to_owned() }),
        Change::Step(Box::new(StepEntry {
            step: "a".to_owned(),
            state: StepState::Started,
            attempt: 1,
            detail: String::new(),
            cause: StepCause::Own,
        })),
        Change::Fault(Box::new(FaultEntry {
            step: "a".to_owned(),
            id: "1".to_owned(),
            fault: "node-kill".to_owned(),
            state: FaultState::Injected,
            actions: vec![],
        })),
        Change::Log(Box::new(LogLine {
            source: "step/a".to_owned(),
            line: "\"quoted\"".to_owned(),
        })),
        Change::Verdict(Box::new(VerdictEntry {
            assertion: "a".to_owned(),
            verdict: Verdict::Pass,
            summary: "it held".to_owned(),
        })),
        Change::End(End { interrupted: false, lines: BTreeMap::from([("step".to_owned(), 1)]) }),
    ];
    let mut entries = vec![begin(), object(5, "v1/Pod", "web"), object(5, "v1/Event", "noise")];
    entries.extend((10..).zip(changes).map(|(at, change)| Entry { at: Moment(at), change }));
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
    for (line, entry) in std::fs::read_to_string(&path).unwrap().lines().zip(&entries) {
        assert_eq!(&serde_json::from_str::<Entry>(line).unwrap(), entry);
    }
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
