//! `kindrs scenario` from outside, without Docker.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::assert::{Assert, OutputAssertExt as _};
use predicates::prelude::*;
use serde_json::{Value, json};

/// A valid scenario.
const GOOD: &str = "\
apiVersion: kindrs.dev/v1alpha1
kind: Scenario
metadata: {name: good}
variables: {count: 1}
selections:
  web: {kind: Pod, labels: app=web}
steps:
- name: deploy
  apply:
    objects:
    - {apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}
- name: runs
  assert: {eventually: size(web) == vars.count, within: 10s}
";

/// A scenario with ten mistakes.
const BAD: &str = "\
apiVersion: kindrs.dev/v1alpha2
kind: Scenario
metadata: {name: Bad Name}
colour: red
selections:
  web: {kind: Pod, labels: app=web, hue: blue}
steps:
- name: typo
  aply: {}
- name: late
  deadline: 5s
  assert: {eventually: size(web) == 1, within: 1m}
- name: no CEL
  wait: size(web
- name: no variable
  wait: size(web) == vars.nothing
- name: no fault
  inject: {fault: node-kil, node: x}
- name: no time
  sleep: {for: soon, reason: x}
- name: nothing
- name: two
  cordon: {nodes: [a]}
  drain: {node: a}
";

/// A folder for one test.
struct Place(tempfile::TempDir);

impl Place {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs `kindrs scenario` where Docker does not respond.
    fn scenario(&self, arguments: &[&str]) -> Assert {
        Command::new(env!("CARGO_BIN_EXE_kindrs"))
            .env_clear()
            .env("HOME", self.path())
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .stdin(Stdio::null())
            .current_dir(self.path())
            .arg("scenario")
            .args(arguments)
            .assert()
    }
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

#[test]
fn prints_help_for_every_verb() {
    let place = Place::with(&[]);
    for verb in ["run", "lint", "check", "schema"] {
        let assert = place.scenario(&[verb, "--help"]).success().stderr("");
        insta::assert_snapshot!(format!("help-{verb}"), stdout(&assert));
    }
    insta::assert_snapshot!("help", stdout(&place.scenario(&["--help"]).success().stderr("")));
}

#[test]
fn lint_reports_every_mistake() {
    let place = Place::with(&[("bad.yaml", BAD)]);
    let assert = place.scenario(&["lint", "bad.yaml"]).code(2);
    let text = stdout(&assert);
    insta::assert_snapshot!("lint-of-ten-mistakes", text);
    insta::assert_snapshot!("lint-of-ten-mistakes-summary", stderr(&assert));
    assert!(text.lines().filter(|line| line.contains("bad.yaml:")).count() >= 10, "{text}");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn lint_accepts_a_valid_scenario() {
    let place = Place::with(&[("good.yaml", GOOD)]);
    let assert = place.scenario(&["lint", "good.yaml"]).success().stdout("");
    assert_eq!(stderr(&assert), "no errors in 1 scenario\n");
}

#[test]
fn lint_prints_json() {
    let place = Place::with(&[("bad.yaml", BAD), ("good.yaml", GOOD)]);
    let assert = place.scenario(&["lint", "good.yaml", "-o", "json"]).success();
    assert_eq!(serde_json::from_str::<Value>(&stdout(&assert)).unwrap(), json!([]));
    let assert = place.scenario(&["lint", ".", "-o", "json"]).code(2);
    let findings: Value = serde_json::from_str(&stdout(&assert)).unwrap();
    assert!(findings.as_array().unwrap().len() >= 10);
    insta::assert_json_snapshot!("lint-as-json", findings[0]);
}

#[test]
fn prints_the_published_schema() {
    let place = Place::with(&[]);
    let printed = stdout(&place.scenario(&["schema"]).success().stderr(""));
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/scenario.schema.json");
    let published: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(printed, published);
}

/// A record of the valid scenario that ends after 12 s. The pod is created after `pod_after`
/// seconds, if at all. Without `seen`, pods are not watched after 2 s.
fn record(pod_after: Option<u64>, seen: bool) -> String {
    let mut lines = vec![json!({ "at": 0, "begin": {
        "format": 1, "kindrs": "0.1.0", "scenario": "good", "time": "2026-11-24T10:00:00Z",
        "cluster": "demo", "kubernetes": "v1.37.2", "timing": "default",
        "variables": { "cluster": "demo", "count": 1, "removed": "since the run" },
        "kinds": ["v1/Pod"],
    } })];
    let mut line = |seconds: u64, what: &str, body: Value| {
        lines.push(json!({ "at": seconds * 1_000_000, what: body }));
    };
    let step = |step: &str, state: &str| json!({ "step": step, "state": state, "attempt": 1 });
    line(1, "step", step("deploy", "started"));
    line(1, "step", step("deploy", "passed"));
    line(1, "step", step("runs", "started"));
    if !seen {
        line(2, "gap", json!({ "kind": "v1/Pod", "state": "lost", "reason": "reset" }));
    }
    if let Some(seconds) = pod_after {
        line(
            seconds,
            "object",
            json!({
                "event": "added", "kind": "v1/Pod", "resourceVersion": "5",
                "object": { "apiVersion": "v1", "kind": "Pod", "metadata": {
                    "name": "web", "namespace": "default", "uid": "1", "labels": { "app": "web" },
                } },
            }),
        );
    }
    line(12, "step", step("runs", "passed"));
    line(12, "end", json!({ "interrupted": false, "lines": {} }));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn check_judges_a_record() {
    for (name, history, code) in [
        ("pass", record(Some(3), true), 0),
        ("fail", record(None, true), 1),
        ("inconclusive", record(None, false), 3),
    ] {
        let place = Place::with(&[("good.yaml", GOOD), ("history.jsonl", &history)]);
        let check = ["check", "history.jsonl", "good.yaml"];
        let assert = place.scenario(&check).code(code);
        insta::assert_snapshot!(format!("check-{name}"), stdout(&assert) + &stderr(&assert));
        let files = std::fs::read_dir(place.path()).unwrap().count();
        assert_eq!(files, 2, "check writes reports only on request");
        let reported = [&check[..], &["--report", "again", "-o", "json"]].concat();
        let assert = place.scenario(&reported).code(code);
        let report: Value = serde_json::from_str(&stdout(&assert)).unwrap();
        assert_eq!(report["runs"][0]["verdict"], name);
        for file in ["report.html", "junit.xml", "report.json", "summary.md"] {
            assert!(place.path().join("again").join(file).is_file(), "{file}");
        }
    }
}

#[test]
fn check_applies_a_changed_assertion_to_an_old_record() {
    let strict = GOOD.replace("within: 10s", "within: 1s");
    let history = record(Some(3), true);
    let place = Place::with(&[("strict.yaml", &strict), ("history.jsonl", &history)]);
    let assert = place.scenario(&["check", "history.jsonl", "strict.yaml"]).code(1);
    assert!(stderr(&assert).starts_with("error: failed: good"), "{}", stderr(&assert));
}

#[test]
fn check_reports_the_line_of_an_invalid_record() {
    let history = record(Some(3), true);
    let mut lines: Vec<&str> = history.lines().collect();
    lines[3] = r#"{"at":1000000,"steps":{}}"#;
    let broken = lines.join("\n") + "\n";
    let backwards = history.replace(r#"{"at":3000000"#, r#"{"at":300"#);
    for (text, message) in [
        (broken.as_str(), "error: history.jsonl:4: invalid line: unknown field `steps`"),
        (backwards.as_str(), "error: history.jsonl:5: `at` is 0.000s, earlier than "),
        ("", "error: history.jsonl is empty: expected the record of a run"),
        ("{}\n", "error: history.jsonl:1: "),
    ] {
        let place = Place::with(&[("good.yaml", GOOD), ("history.jsonl", text)]);
        let assert = place.scenario(&["check", "history.jsonl", "good.yaml"]).code(2).stdout("");
        assert!(stderr(&assert).starts_with(message), "{}", stderr(&assert));
    }
    let place = Place::with(&[("good.yaml", GOOD)]);
    let assert = place.scenario(&["check", "none.jsonl", "good.yaml"]).code(2).stdout("");
    assert!(stderr(&assert).starts_with("error: none.jsonl: No such file"), "{}", stderr(&assert));
}

#[test]
fn run_rejects_wrong_input_before_it_connects_to_docker() {
    let place = Place::with(&[("good.yaml", GOOD), ("bad.yaml", BAD), ("again.yaml", GOOD)]);
    std::fs::create_dir(place.path().join("empty")).unwrap();
    let same = "error: again.yaml and good.yaml have the same name `good`";
    for (arguments, message) in [
        (&["bad.yaml"][..], "error: bad.yaml:"),
        (&["good.yaml", "bad.yaml"], "error: bad.yaml:"),
        (&["none.yaml"], "error: cannot read none.yaml: "),
        (&["empty"], "error: no scenarios in empty: expected *.yaml files"),
        (&["again.yaml", "good.yaml"], same),
        (&["good.yaml", "--set", "count"], "error: invalid value 'count' for '--set <NAME=VALUE>'"),
        (&["good.yaml", "--set", "count=[1"], "error: invalid value 'count=[1' for '--set"),
        (&["good.yaml", "--set", "cuont=2"], "error: good.yaml:4:"),
        (&["good.yaml", "--shard", "4/3"], "error: invalid value '4/3' for '--shard <I/N>'"),
        (&[], "error: the following required arguments were not provided"),
    ] {
        let arguments = [&["run"], arguments].concat();
        let assert = place.scenario(&arguments).code(2).stdout("");
        // Warnings come first.
        let is_told = stderr(&assert).lines().any(|line| line.starts_with(message));
        assert!(is_told, "{arguments:?}: {}", stderr(&assert));
    }
    let count = std::fs::read_dir(place.path()).unwrap().count();
    assert_eq!(count, 4, "no run starts, so that nothing is written");
}

#[test]
fn run_needs_docker() {
    let place = Place::with(&[("good.yaml", GOOD)]);
    place
        .scenario(&["run", "good.yaml", "--set", "count=2"])
        .code(3)
        .stdout("")
        .stderr(predicate::str::contains("cannot reach Docker at unix:///nonexistent"));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn rejects_a_file_that_is_not_utf_8() {
    let place = Place::with(&[]);
    std::fs::write(place.path().join("latin.yaml"), b"name: caf\xe9\n").unwrap();
    for verb in ["run", "lint"] {
        let assert = place.scenario(&[verb, "latin.yaml"]).code(2).stdout("");
        assert.stderr(predicate::str::starts_with("error: cannot read latin.yaml: "));
    }
}
