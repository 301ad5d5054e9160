//! What becomes of variables, matrices and names.

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
fn a_matrix_makes_variants() {
    let file = loaded(EVERYTHING);
    let labels = |set_values| -> Vec<String> {
        let variants = file.variants(&set(set_values), "dev").unwrap();
        variants.into_iter().map(|variant| variant.label).collect()
    };
    insta::assert_snapshot!(labels(json!({})).join("\n"), @r"
    kubernetes=v1.36.3, workers=2, tag=3.10
    kubernetes=v1.37.2, workers=2, tag=3.10
    kubernetes=v1.37.2, workers=3, tag=3.10
    ");
    insta::assert_snapshot!(labels(json!({"workers": 2})).join("\n"), @r"
    kubernetes=v1.36.3, workers=2, tag=3.10
    kubernetes=v1.37.2, workers=2, tag=3.10
    ");
}

#[test]
fn variables_are_put_in_with_their_types() {
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
fn everything_has_a_name_of_its_own() {
    let variants = loaded(EVERYTHING).variants(&Map::new(), "dev").unwrap();
    insta::assert_snapshot!(names(&variants[0].scenario).join("\n"), @r"
    always size(nodes) >= 1
    never two caches
    count
    after
    apply the web
    create
    all ready
    wait
    wait 2
    scale
    patch
    label
    cordon
    cordon 2
    taint
    taint 2
    drain
    loadImage
    exec
    kubectl
    lose a node
    parallel
    stable
    steps
    in a group
    until
    heal
    in this order
    eventually
    delete
    ");
    let body = "\
assertions: [{name: a, never: 'true'}, {name: ' ', never: 'true'}]
steps:
- {name: a, wait: 'true'}
- parallel: [{name: b, wait: 'true'}, {assert: {name: b, eventually: 'true'}}]
- {name: wait, sleep: {for: 1s, reason: x}}
- {wait: 'true'}
";
    insta::assert_snapshot!(problems(body, json!({})), @r"
    s.yaml:4:47: assertions[1].name: expected a name, found an empty text
    s.yaml:6:10: steps[0].name: `a` is already the name of assertions[0]
    s.yaml:7:55: steps[1].parallel[1].assert.name: `b` is already the name of steps[1].parallel[0]
    ");
}

#[test]
fn what_values_cannot_be() {
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
    insta::assert_snapshot!(problems(body, json!({"cout": 3})), @r#"
    s.yaml:4:1: --set cout: unknown variable `cout`; expected one of `count`, `version`, `list`, `map` or `time` (did you mean `count`?)
    s.yaml:6:12: cluster.workers: value of `${count}`: expected a whole number, found a string
    s.yaml:7:15: cluster.kubernetes: value of `${version}`: expected a string, found a fraction; put it in quotes (did you mean `"1.37"`?)
    s.yaml:9:16: steps[0].sleep.for: value of `${time}`: missing unit; did you mean 5s or 5m?
    s.yaml:9:38: steps[0].sleep.reason: `${list}` is a list, which cannot be inserted into a text
    s.yaml:10:22: steps[1].apply.namespace: value of `${map}`: expected a string, found a mapping
    s.yaml:11:9: steps[2].wait: value of `${list}`: expected a string or a mapping, found a list
    "#);
    insta::assert_snapshot!(problems("steps: []\n", json!({"a": 1})), @"s.yaml:1:1: --set a: unknown variable `a`; the scenario has no variables");
    let matrix = "matrix: {variables: {a: [1, 2]}, exclude: [{a: 1}]}\nsteps: []\n";
    insta::assert_snapshot!(problems(matrix, json!({"a": 1})), @"s.yaml:4:1: matrix: `exclude` leaves no combination, so the scenario would never run");
}

#[test]
fn parts_of_texts_are_found_in_the_file() {
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
