//! Tests of variables, matrices and names.

use serde_json::{Map, Value, json};

use super::read_tests::{EVERYTHING, HEADER, loaded};
use crate::scenario::language::{Action, Condition, Scenario, Step};

fn set(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn problems(body: &str, set_values: Value) -> String {
    let text = format!("{HEADER}metadata: {{name: a}}\n{body}");
    loaded(&text).variants(&set(set_values), "dev").map(|_| ()).unwrap_err().to_string()
}

fn names(scenario: &Scenario) -> Vec<String> {
    fn visit(steps: &[Step], found: &mut Vec<String>) {
        for step in steps {
            found.extend(step.name.clone());
            if let Action::Assert(assertion) = &step.action {
                assert_eq!(assertion.name, step.name);
            }
            visit(step.children(), found);
        }
    }
    let mut found: Vec<String> =
        scenario.assertions.iter().filter_map(|assertion| assertion.name.clone()).collect();
    visit(&scenario.steps, &mut found);
    found
}

#[test]
fn expands_a_matrix() {
    let file = loaded(EVERYTHING);
    let labels = |set_values| -> Vec<String> {
        let variants = file.variants(&set(set_values), "dev").unwrap();
        variants.into_iter().map(|variant| variant.label).collect()
    };
    insta::assert_snapshot!(
        [labels(json!({})).join("\n"), labels(json!({"workers": 2})).join("\n")].join("\n")
    );
}

#[test]
fn substitutes_variables_with_their_types() {
    let file = loaded(EVERYTHING);
    let variants = file.variants(&set(json!({"replicas": 5})), "dev").unwrap();
    let scenario = &variants[0].scenario;
    let version = scenario.cluster.version().unwrap();
    assert_eq!(version.kubernetes.as_deref(), Some("v1.36.3"));
    let action = |number: usize| &scenario.steps[number].action;
    let Action::Apply(apply) = action(0) else { panic!() };
    let deployment = &apply.objects[0];
    assert_eq!(deployment["spec"]["replicas"], json!(5));
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "registry.k8s.io/pause:3.10");
    let Action::Cordon(cordon) = action(8) else { panic!() };
    assert_eq!(cordon.nodes, ["dev-worker"]);
    let Action::Exec(exec) = action(14) else { panic!() };
    assert_eq!(exec.command[2], "echo ${HOME}");
    insta::assert_snapshot!(serde_json::to_string(&variants[0].variables).unwrap(), @r#"{"cluster":"dev","kubernetes":"v1.36.3","workers":2,"tag":"3.10","replicas":5,"image":"registry.k8s.io/pause:3.10"}"#);
}

#[test]
fn gives_every_step_and_assertion_a_unique_name() {
    let variants = loaded(EVERYTHING).variants(&Map::new(), "dev").unwrap();
    insta::assert_snapshot!(names(&variants[0].scenario).join("\n"));
    let body = "\
assertions: [{name: a, never: 'true'}, {name: ' ', never: 'true'}]
steps:
- {name: a, wait: 'true'}
- parallel: [{name: b, wait: 'true'}, {assert: {name: b, eventually: 'true'}}]
- {name: wait, sleep: {for: 1s, reason: x}}
- {wait: 'true'}
";
    insta::assert_snapshot!(problems(body, json!({})));
}

#[test]
fn rejects_unsuitable_values() {
    let body = "\
variables: {count: two, version: 1.37, list: [a, b], map: {a: b}, time: 5}
cluster:
  workers: ${count}
  kubernetes: ${version}
steps:
- sleep: {for: '${time}', reason: 'a ${list}'}
- apply: {namespace: '${map}'}
- wait: ${list}
";
    insta::assert_snapshot!(
        [problems(body, json!({"cout": 3})), problems("steps: []\n", json!({"a": 1}))].join("\n")
    );
    let matrix = "matrix: {variables: {a: [1, 2]}, exclude: [{a: 1}]}\nsteps: []\n";
    insta::assert_snapshot!(problems(matrix, json!({"a": 1})), @"s.yaml:4:1: matrix: `exclude` leaves no combination, so the scenario would never run");
}

#[test]
fn locates_parts_of_texts_in_the_file() {
    let text = format!(
        "{HEADER}metadata: {{name: a}}\nvariables: {{name: webserver}}\nsteps:\n- wait: >-\n    \
         size(${{name}}) == 1\n    && foo(bar)\n"
    );
    let file = loaded(&text);
    let variant = file.variants(&Map::new(), "dev").unwrap().remove(0);
    let Action::Wait(Condition::Cel(cel)) = &variant.scenario.steps[0].action else { panic!() };
    assert_eq!(cel, "size(webserver) == 1 && foo(bar)");
    let at = |needle: &str| {
        let place = variant.locate(&file, "steps[0].wait", cel.find(needle).unwrap());
        (place.line, place.column)
    };
    assert_eq!(at("size"), (7, 5));
    assert_eq!(at("webserver"), (7, 10));
    assert_eq!(at("== 1"), (7, 19));
    assert_eq!(at("bar"), (8, 12));
}
