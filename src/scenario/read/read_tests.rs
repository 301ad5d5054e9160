//! Messages for invalid scenarios.

use std::path::Path;

use proptest::prelude::*;

use super::file::DECODER;
use super::{ScenarioFile, load, read, schema};
use crate::scenario::language::ClusterNodes;

pub(super) const HEADER: &str = "apiVersion: kindrs.dev/v1alpha1\nkind: Scenario\n";

/// Most of the language.
pub(super) const EVERYTHING: &str = include_str!("everything.yaml");

pub(super) fn loaded(text: &str) -> ScenarioFile {
    load("s.yaml", Path::new("."), text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Returns a text and its problems.
fn problems_of(text: &str) -> String {
    let problems = load("s.yaml", Path::new("."), text).map(|_| ()).unwrap_err();
    format!("{text}\n{problems}\n")
}

/// Returns a scenario with this body, and its problems.
fn problems(body: &str) -> String {
    problems_of(&format!("{HEADER}metadata: {{name: a}}\n{body}"))
}

#[test]
fn the_schemas_are_valid_and_accept_everything() {
    assert!(jsonschema::validator_for(DECODER.schema()).is_ok());
    let json = crate::yaml::parse(EVERYTHING).unwrap()[0].to_json();
    let published = schema();
    let validator = jsonschema::options().build(published.as_value()).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
}

/// `KINDRS_UPDATE=1 cargo test --lib published_schema` writes it.
#[test]
fn published_schema_matches_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/scenario.schema.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os("KINDRS_UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let saved = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(saved == text, "KINDRS_UPDATE=1 cargo test --lib published_schema");
}

#[test]
fn loads_everything() {
    let variants = loaded(EVERYTHING).variants(&serde_json::Map::new(), "dev").unwrap();
    assert_eq!(variants.len(), 3);
    let ClusterNodes::Sizes { workers, .. } = &variants[0].scenario.cluster.nodes else { panic!() };
    assert_eq!(*workers, Some(2));
}

#[test]
fn rejects_other_documents() {
    insta::assert_snapshot!(
        [
            problems_of(""),
            problems_of("- a"),
            problems_of("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: []\n"),
            problems_of(
                "kind: scenario\napiVersion: kindrs.dev/v1alpha2\nmetadata: {name: x}\nstep: []\n"
            ),
            problems("steps: []\n---\na: b\n"),
            problems("steps: [\n"),
            problems("steps: []\nsteps: []\nselections: {a: {kind: Pod, kind: Node}}\n"),
            problems("")
        ]
        .join("\n")
    );
}

#[test]
fn rejects_unknown_fields() {
    let text = "\
step: []
cluster: {worker: 2, timings: fast, existing: {}}
steps:
- nam: a
  apply: {object: []}
- within: 5s
  wait: {al: pods}
- sleep: {for: 5s}
- frobnicate: {}
- assert: {order: [{creatd: web}]}
- parallel: [{steps: [{expct: 1}]}]
";
    insta::assert_snapshot!(problems(text));
}

#[test]
fn rejects_values_of_other_types() {
    let text = "\
variables: [a]
namespace: 5
deadline: 30
cluster: {workers: two, timing: fst, controlPlanes: -1, kubernetes: 1.37}
selections: {pods: {kind: [Pod], labels: [a]}}
record: {logs: [5]}
steps:
- wait: [a]
  deadline: soon
- wait: {all: {kind: Pod, labels: {tier: 5}}}
- apply: {objects: {}, files: a.yaml}
- sleep: {for: 5, reason: true}
- patch: {target: {object: pod/a}, type: strategc, patch: {}}
- null
- retries: {attempts: 1.5}
- exec: {pod: {select: pods}, command: [sleep, 5]}
";
    insta::assert_snapshot!(problems(text));
}

#[test]
fn rejects_invalid_names_and_variables() {
    let text = "\
variables: {1st: a, cluster: b, image: 'x:${vrsion}', version: 1, later: '${last}', last: 1}
matrix:
  variables: {version: [1], none: []}
  exclude: [{versoin: 1}]
selections: {pods: {kind: Pod, labels: {'${image}': a}}}
steps:
- wait: size(pods) == ${cout} && 'a$${b}' == '${clustr}'
- kubectl:
    args: [run]
    stdin: |
      one
        two ${three}
      ${open
";
    let name =
        |name: &str| problems_of(&format!("{HEADER}metadata: {{name: {name}}}\nsteps: []\n"));
    let long = name(&"n".repeat(41));
    insta::assert_snapshot!([problems(text), name("My_Test"), name("5"), long].join("\n"));
}

/// Loads a text. Problems must have positions in the text.
fn check_any(text: &str) -> Result<(), TestCaseError> {
    let (file, problems) = read("any", Path::new("/nowhere"), text);
    let lines = text.lines().count().max(1);
    for problem in &problems {
        prop_assert!((1..=lines).contains(&problem.line), "{} of {}", problem, lines);
        prop_assert!(problem.column >= 1);
        prop_assert!(!problem.message.contains('\n'), "{}", problem);
    }
    prop_assert!(file.is_some() || !problems.is_empty());
    if let Some(file) = file {
        let (variants, more) = file.read_variants(&serde_json::Map::new(), "dev");
        prop_assert!(!variants.is_empty() || !more.is_empty());
        prop_assert!(more.iter().all(|problem| problem.line <= lines));
    }
    Ok(())
}

/// Valid steps.
fn step() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::json;
    let time = (1u64..600).prop_map(|seconds| format!("{seconds}s"));
    let leaf = prop_oneof![
        any::<bool>().prop_map(|value| json!({"wait": format!("{value}")})),
        (time.clone(), "[ -~]{1,20}").prop_map(
            |(time, reason)| json!({"sleep": {"for": time, "reason": reason.replace("${", "")}})
        ),
        ("[a-z]{1,8}", 0u32..9).prop_map(
            |(name, replicas)| json!({"scale": {"target": {"object": format!("deployment/{name}")}, "replicas": replicas}})
        ),
        proptest::collection::vec("[a-z=:é'\"-]{0,8}", 1..4)
            .prop_map(|args| json!({"kubectl": {"args": args}})),
        (time, any::<bool>()).prop_map(|(time, continues)| json!({
            "assert": {"stable": {"all": {"kind": "Pod"}}, "for": time, "continueOnFailure": continues}
        })),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        proptest::collection::vec(inner, 1..4).prop_map(|steps| json!({"parallel": steps}))
    })
}

proptest! {
    #[test]
    fn loads_a_valid_scenario_unchanged(steps in proptest::collection::vec(step(), 1..5)) {
        let scenario = serde_json::json!({
            "apiVersion": "kindrs.dev/v1alpha1", "kind": "Scenario", "metadata": {"name": "a"},
            "steps": steps,
        });
        let json = serde_json::to_string(&scenario).unwrap();
        let yaml = serde_yaml::to_string(&scenario).unwrap();
        for text in [json, yaml] {
            let file = load("s.yaml", Path::new("."), &text);
            let file = file.map_err(|problems| TestCaseError::fail(problems.to_string()))?;
            let variant = file.variants(&serde_json::Map::new(), "dev").unwrap().remove(0);
            let written = serde_json::to_value(&variant.scenario).unwrap();
            let again: crate::scenario::language::Scenario =
                serde_json::from_value(written).unwrap();
            prop_assert_eq!(&again, &variant.scenario);
            prop_assert_eq!(variant.root.get("steps").unwrap().to_json(), scenario["steps"].clone());
        }
    }

    #[test]
    fn loads_any_text_or_reports_problems_in_it(text in any::<String>()) {
        check_any(&text)?;
        check_any(&format!("{HEADER}{text}"))?;
    }

    #[test]
    fn loads_a_changed_scenario_or_reports_problems_in_it(
        start in 0..EVERYTHING.len(),
        length in 0_usize..40,
        replacement in r##"([-a-z:\[\]{},&*!|>'"#~<\\ \n0-9]{0,6}|- |: |\n  |null|~|\$\{|\$\{replicas\}|99999)"##,
    ) {
        prop_assume!(EVERYTHING.is_char_boundary(start));
        let mut end = (start + length).min(EVERYTHING.len());
        while !EVERYTHING.is_char_boundary(end) {
            end -= 1;
        }
        prop_assume!(start <= end);
        check_any(&format!("{}{replacement}{}", &EVERYTHING[..start], &EVERYTHING[end..]))?;
    }
}
