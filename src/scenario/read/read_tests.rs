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

/// The problems of a text as it is.
fn problems_of(text: &str) -> String {
    load("s.yaml", Path::new("."), text).map(|_| ()).unwrap_err().to_string()
}

/// The problems of a scenario with this body.
fn problems(body: &str) -> String {
    problems_of(&format!("{HEADER}metadata: {{name: a}}\n{body}"))
}

#[test]
fn the_types_have_a_schema() {
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
fn everything_loads() {
    let variants = loaded(EVERYTHING).variants(&serde_json::Map::new(), "dev").unwrap();
    assert_eq!(variants.len(), 3);
    let ClusterNodes::Sizes { workers, .. } = &variants[0].scenario.cluster.nodes else { panic!() };
    assert_eq!(*workers, Some(2));
}

#[test]
fn rejects_other_documents() {
    insta::assert_snapshot!(problems_of(""), @"s.yaml:1:1: empty; expected `kind: Scenario`, `apiVersion: kindrs.dev/v1alpha1`");
    insta::assert_snapshot!(problems_of("- a"), @"s.yaml:1:1: expected a mapping with `kind: Scenario`, found a list");
    insta::assert_snapshot!(problems_of("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: []\n"), @r"
    s.yaml:1:7: kind: expected `Scenario`, found `Cluster`
    s.yaml:2:13: apiVersion: expected `kindrs.dev/v1alpha1`, found `kind.x-k8s.io/v1alpha4`
    ");
    insta::assert_snapshot!(problems_of("kind: scenario\napiVersion: kindrs.dev/v1alpha2\nmetadata: {name: x}\nstep: []\n"), @r"
    s.yaml:1:7: kind: expected `Scenario`, found `scenario` (did you mean `Scenario`?)
    s.yaml:2:13: apiVersion: expected `kindrs.dev/v1alpha1`, found `kindrs.dev/v1alpha2` (did you mean `kindrs.dev/v1alpha1`?)
    s.yaml:4:1: step: unknown field `step` (did you mean `steps`?)
    ");
    insta::assert_snapshot!(problems("steps: []\n---\na: b\n"), @"s.yaml:6:1: found a second document; expected only one in a file");
    insta::assert_snapshot!(problems("steps: [\n"), @"s.yaml:4:9: not valid YAML: while parsing a node, did not find expected node content");
    insta::assert_snapshot!(problems("steps: []\nsteps: []\nselections: {a: {kind: Pod, kind: Node}}\n"), @r"
    s.yaml:5:1: steps: duplicate key; the first is on line 4
    s.yaml:6:29: selections.a.kind: duplicate key; the first is on line 6
    ");
    insta::assert_snapshot!(problems(""), @"s.yaml:1:1: missing required field `steps`");
}

#[test]
fn fields() {
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
    insta::assert_snapshot!(problems(text), @r"
    s.yaml:4:1: step: unknown field `step` (did you mean `steps`?)
    s.yaml:5:11: cluster.worker: unknown field `worker`; expected `existing` or `timing`
    s.yaml:5:22: cluster.timings: unknown field `timings` (did you mean `timing`?)
    s.yaml:5:47: cluster.existing: missing required field `name`
    s.yaml:7:3: steps[0].nam: unknown field `nam` (did you mean `name`?)
    s.yaml:8:11: steps[0].apply.object: unknown field `object` (did you mean `objects`?)
    s.yaml:9:3: steps[1].within: unknown field `within`; expected one of `name`, `deadline`, `retries`, `continueOnFailure`, `background` or `wait`
    s.yaml:10:10: steps[1].wait.al: unknown field `al` (did you mean `all`?)
    s.yaml:11:10: steps[2].sleep: missing required field `reason`
    s.yaml:12:3: steps[3].frobnicate: unknown field `frobnicate`; expected one of `name`, `deadline`, `retries`, `continueOnFailure`, `background`, `apply`, `create`, `patch`, `scale`, `delete`, `cordon`, `drain`, `taint`, `label`, `loadImage`, `exec`, `kubectl`, `wait`, `inject`, `heal`, `sleep`, `assert`, `parallel` or `steps`
    s.yaml:13:19: steps[4].assert.order: expected at least 2 items, found 1
    s.yaml:13:21: steps[4].assert.order[0].creatd: unknown field `creatd` (did you mean `created`?)
    s.yaml:14:24: steps[5].parallel[0].steps[0].expct: unknown field `expct`; expected one of `name`, `deadline`, `retries`, `continueOnFailure`, `background`, `apply`, `create`, `patch`, `scale`, `delete`, `cordon`, `drain`, `taint`, `label`, `loadImage`, `exec`, `kubectl`, `wait`, `inject`, `heal`, `sleep`, `assert`, `parallel` or `steps`
    ");
}

#[test]
fn types() {
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
    insta::assert_snapshot!(problems(text), @r#"
    s.yaml:4:12: variables: expected a mapping, found a list
    s.yaml:5:12: namespace: expected a string, found a whole number; put it in quotes (did you mean `"5"`?)
    s.yaml:6:11: deadline: missing unit; did you mean 30s or 30m?
    s.yaml:7:20: cluster.workers: expected a whole number, found a string
    s.yaml:7:33: cluster.timing: expected `default` or `fast`, found `fst` (did you mean `fast`?)
    s.yaml:7:53: cluster.controlPlanes: expected 1 or more, found -1
    s.yaml:7:69: cluster.kubernetes: expected a string, found a fraction; put it in quotes (did you mean `"1.37"`?)
    s.yaml:8:27: selections.pods.kind: expected a string, found a list
    s.yaml:8:42: selections.pods.labels: expected a string or a mapping, found a list
    s.yaml:9:17: record.logs[0]: expected a string or a mapping, found a whole number; put it in quotes (did you mean `"5"`?)
    s.yaml:11:9: steps[0].wait: expected a string or a mapping, found a list
    s.yaml:12:13: steps[0].deadline: expected a duration such as 30s, 5m, 1h or 5m30s, or 0
    s.yaml:13:42: steps[1].wait.all.labels.tier: expected a string, found a whole number; put it in quotes (did you mean `"5"`?)
    s.yaml:14:20: steps[2].apply.objects: expected a list, found a mapping
    s.yaml:14:31: steps[2].apply.files: expected a list, found a string
    s.yaml:15:16: steps[3].sleep.for: missing unit; did you mean 5s or 5m?
    s.yaml:15:27: steps[3].sleep.reason: expected a string, found a boolean; put it in quotes (did you mean `"true"`?)
    s.yaml:16:42: steps[4].patch.type: expected one of `strategic`, `merge` or `json`, found `strategc` (did you mean `strategic`?)
    s.yaml:17:3: steps[5]: expected a mapping, found nothing
    s.yaml:18:3: steps[6]: expected one of `apply`, `create`, `patch`, `scale`, `delete`, `cordon`, `drain`, `taint`, `label`, `loadImage`, `exec`, `kubectl`, `wait`, `inject`, `heal`, `sleep`, `assert`, `parallel` or `steps`
    s.yaml:18:23: steps[6].retries.attempts: expected a whole number, found a fraction
    s.yaml:19:48: steps[7].exec.command[1]: expected a string, found a whole number; put it in quotes (did you mean `"5"`?)
    "#);
}

#[test]
fn names_and_variables() {
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
    insta::assert_snapshot!(problems(text), @r#"
    s.yaml:4:13: variables.1st: expected letters, digits and `_`, not starting with a digit
    s.yaml:4:21: variables.cluster: `cluster` is reserved for the cluster's name
    s.yaml:4:43: variables.image: unknown variable `vrsion` (did you mean `${version}`?)
    s.yaml:4:55: variables.version: already defined in `matrix.variables`
    s.yaml:4:75: variables.later: `last` is defined below; a variable can only use those above it
    s.yaml:6:29: matrix.variables.none: expected at least one value; the scenario would never run
    s.yaml:7:14: matrix.exclude[0].versoin: unknown matrix variable; expected `version` or `none` (did you mean `version`?)
    s.yaml:8:41: selections.pods.labels["${image}"]: variables cannot be used in field names
    s.yaml:10:23: steps[0].wait: unknown variable `cout`; write `$${` for a literal `${`
    s.yaml:10:47: steps[0].wait: unknown variable `clustr` (did you mean `${cluster}`?)
    s.yaml:15:13: steps[1].kubectl.stdin: unknown variable `three`; write `$${` for a literal `${`
    s.yaml:16:7: steps[1].kubectl.stdin: `${` is not closed; write `$${` for a literal `${`
    "#);
    let name =
        |name: &str| problems_of(&format!("{HEADER}metadata: {{name: {name}}}\nsteps: []\n"));
    insta::assert_snapshot!(name("My_Test"), @"s.yaml:3:18: metadata.name: expected at most 40 lowercase letters, digits and dashes, starting and ending with a letter or digit, found `My_Test` (did you mean `my-test`?)");
    insta::assert_snapshot!(name("5"), @r#"s.yaml:3:18: metadata.name: expected a string, found a whole number; put it in quotes (did you mean `"5"`?)"#);
    insta::assert_snapshot!(name(&"n".repeat(41)), @"s.yaml:3:18: metadata.name: expected at most 40 lowercase letters, digits and dashes, starting and ending with a letter or digit, found `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn`");
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
        (time, any::<bool>()).prop_map(|(time, goes_on)| json!({
            "assert": {"stable": {"all": {"kind": "Pod"}}, "for": time, "continueOnFailure": goes_on}
        })),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        proptest::collection::vec(inner, 1..4).prop_map(|steps| json!({"parallel": steps}))
    })
}

proptest! {
    #[test]
    fn a_valid_scenario_loads_as_it_is(steps in proptest::collection::vec(step(), 1..5)) {
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
    fn any_text_loads_or_has_placed_problems(text in any::<String>()) {
        check_any(&text)?;
        check_any(&format!("{HEADER}{text}"))?;
    }

    #[test]
    fn a_changed_scenario_loads_or_has_placed_problems(
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
