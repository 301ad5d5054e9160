//! What the decoder reads and refuses, by the schemas of small types.

use std::collections::BTreeMap;

use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Decoded, Decoder, Node, parse};

/// A step as the language has it: shared fields, and an action that its field names.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Step {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(flatten)]
    action: Action,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Action {
    Apply { files: Vec<String> },
    Scale(Scale),
    Assert(Box<Assertion>),
    Inject(Fault),
    Parallel(Vec<Step>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Scale {
    #[serde(default)]
    mode: Mode,
    replicas: u8,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Soft,
    /// With a description, so that the schema is a union of words.
    Hard,
}

/// Shared fields, and a claim that one of its fields names.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Assertion {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(flatten)]
    claim: Claim,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Claim {
    Always(Always),
    Stable(Stable),
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Always {
    always: Condition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grace: Option<u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Stable {
    stable: Condition,
    within: u8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Condition {
    Cel(String),
    Labels(BTreeMap<String, String>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "fault", rename_all = "kebab-case", deny_unknown_fields)]
enum Fault {
    NodeKill(NodeKill),
    DiskFill { percent: u8 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct NodeKill {
    node: OneOrMany,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(#[schemars(length(min = 1))] Vec<String>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct File {
    steps: Vec<Step>,
}

/// Read as kind reads its configuration.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Lenient {
    #[schemars(extend("format" = "even"))]
    name: Option<String>,
    #[schemars(extend("x-unsupported" = true))]
    later: Option<String>,
    #[schemars(extend("x-unsupported" = [true]))]
    fast: bool,
    labels: BTreeMap<String, String>,
}

fn decode(text: &str) -> (Decoded<File>, Node) {
    let mut root = parse(text).unwrap().remove(0);
    (Decoder::of::<File>().decode(&mut root), root)
}

fn lines<T>(decoded: &Decoded<T>) -> String {
    decoded.checked.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn problems(steps: &str) -> String {
    lines(&decode(&format!("steps:\n{steps}")).0)
}

#[test]
fn reads_every_shape() {
    let text = "steps:
- {name: a, apply: {files: [b]}}
- scale: {replicas: 3, mode: hard}
- assert: {always: a, grace: 1}
- assert: {note: c, stable: {a: b}, within: 5}
- inject: {fault: node-kill, node: [a, b]}
- inject: {fault: node-kill, node: a}
- {inject: {fault: disk-fill, percent: 9}}
- parallel: [{parallel: []}]
";
    let (decoded, root) = decode(text);
    assert_eq!(lines(&decoded), "");
    assert_eq!(serde_json::to_value(decoded.value.unwrap()).unwrap(), root.to_json());
}

#[test]
fn refuses_fields() {
    insta::assert_snapshot!(problems("
- aply: {files: []}
- {}
- {name: a, frobnicate: 1}
- apply: {}
  scale: {replicas: 1}
- {apply: {file: []}, replicas: 3}
- scale: {mode: soft}
"), @r"
3:3: steps[0].aply: unknown field `aply` (did you mean `apply`?)
4:3: steps[1]: expected one of `apply`, `scale`, `assert`, `inject` or `parallel`
5:13: steps[2].frobnicate: unknown field `frobnicate`; expected one of `name`, `apply`, `scale`, `assert`, `inject` or `parallel`
6:10: steps[3].apply: missing required field `files`
7:3: steps[3]: has `apply` and `scale`; keep one of them
8:11: steps[4].apply: missing required field `files`
8:23: steps[4].replicas: unknown field `replicas`; expected `name` or `apply`
9:10: steps[5].scale: missing required field `replicas`
");
}

#[test]
fn refuses_what_belongs_to_another_branch() {
    insta::assert_snapshot!(problems("
- assert: {always: a, within: 5}
- assert: {stable: a}
- assert: {stable: a, within: 5, always: b}
- assert: {note: a}
- assert: {alwas: a}
- inject: {fault: node-kil, node: a}
- inject: {fault: node-kill, percent: 5}
- inject: {node: a}
- inject: {fault: [a]}
"), @r"
3:23: steps[0].assert.within: `within` cannot be used with `always`
4:11: steps[1].assert: missing required field `within`
5:34: steps[2].assert: has `stable` and `always`; keep one of them
6:11: steps[3].assert: expected `always` or `stable`
7:12: steps[4].assert.alwas: unknown field `alwas` (did you mean `always`?)
8:19: steps[5].inject.fault: expected `node-kill` or `disk-fill`, found `node-kil` (did you mean `node-kill`?)
9:11: steps[6].inject: missing required field `node`
10:11: steps[7].inject: missing required field `fault`
11:19: steps[8].inject.fault: expected `node-kill` or `disk-fill`, found a list
");
}

#[test]
fn refuses_values() {
    insta::assert_snapshot!(problems("
- scale: {replicas: 256, mode: sft}
- scale: {replicas: -1, mode: [a]}
- scale: 3
- inject: {fault: node-kill, node: []}
- inject: {fault: node-kill, node: {a: b}}
- assert: {always: {a: 5, a: b}}
- name: 5
  parallel: [{parallel: a}, null]
"), @r#"
3:21: steps[0].scale.replicas: expected a number from 0 to 255, found 256
3:32: steps[0].scale.mode: expected `soft` or `hard`, found `sft` (did you mean `soft`?)
4:21: steps[1].scale.replicas: expected a number from 0 to 255, found -1
4:31: steps[1].scale.mode: expected a string, found a list
5:10: steps[2].scale: expected a mapping, found a whole number
6:36: steps[3].inject.node: expected at least 1 item, found 0
7:36: steps[4].inject.node: expected a string or a list, found a mapping
8:24: steps[5].assert.always.a: expected a string, found a whole number; put it in quotes (did you mean `"5"`?)
8:27: steps[5].assert.always.a: duplicate key; the first is on line 8
9:9: steps[6].name: expected a string, found a whole number; put it in quotes (did you mean `"5"`?)
10:25: steps[6].parallel[0].parallel: expected a list, found a string
10:29: steps[6].parallel[1]: expected a mapping, found nothing
"#);
}

#[test]
fn removes_unreadable_parts_and_reads_the_rest() {
    let (decoded, _) = decode(
        "steps: [{name: [a], apply: {files: [b, [c]]}}, {aply: {}}, {scale: {replicas: 1}}]",
    );
    assert_eq!(
        decoded.checked.unreadable,
        ["steps[0].name", "steps[0].apply.files[1]", "steps[1].aply", "steps[1]"]
    );
    let steps = serde_json::to_value(decoded.value.unwrap().steps).unwrap();
    let expected = json!([
        {"apply": {"files": ["b", ""]}},
        {"apply": {"files": []}},
        {"scale": {"mode": "soft", "replicas": 1}},
    ]);
    assert_eq!(steps, expected);
}

#[test]
fn accepts_variables_until_they_are_put_in() {
    let text =
        "steps: [{scale: {replicas: '${n}', mode: '${m}'}}, {inject: {fault: '${f}', x: 1}}]";
    let mut root = parse(text).unwrap().remove(0);
    let checked = Decoder::of::<File>().check(&mut root, true);
    assert_eq!(checked.problems, []);
    assert!(checked.readable);
    assert_eq!(decode(text).0.checked.problems.len(), 3);
}

#[test]
fn reads_leniently() {
    let even = |text: &str| {
        text.len()
            .is_multiple_of(2)
            .then_some(())
            .ok_or_else(|| "expected an even length".to_owned())
    };
    let read = |text: &str| {
        let decoder = Decoder::of::<Lenient>().with_format("even", even).lenient();
        decoder.decode::<Lenient>(&mut parse(text).unwrap().remove(0))
    };
    let decoded = read("{name: 12, fast: no, labels: {a: 5, b: , c: true}}");
    assert_eq!(lines(&decoded), "");
    let labels = [("a", "5"), ("b", ""), ("c", "true")];
    let expected = Lenient {
        name: Some("12".into()),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..Lenient::default()
    };
    assert_eq!(decoded.value.unwrap(), expected);
    let empty = read("{name: '', fast: , labels: ~}");
    assert_eq!(empty.value.unwrap(), Lenient::default());
    insta::assert_snapshot!(lines(&read("{name: 123, later: a, fast: yes, labels: [], nam: a, x: b}")), @r"
    1:8: name: expected an even length
    1:13: later: not supported by kindrs yet
    1:29: fast: `true` is not supported by kindrs yet
    1:42: labels: expected a mapping, found a list
    1:46: nam: unknown field `nam` (did you mean `name`?)
    1:54: x: unknown field `x`; expected one of `name`, `fast` or `labels`
    ");
}

fn condition() -> impl Strategy<Value = Value> {
    let labels = proptest::collection::btree_map("[a-z]{1,3}", "[a-z]{1,3}", 0..3);
    prop_oneof!["[a-z]{1,5}".prop_map(Value::from), labels.prop_map(|labels| json!(labels))]
}

fn step() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        proptest::collection::vec("[a-z]{1,3}", 0..3).prop_map(|f| json!({"apply": {"files": f}})),
        any::<u8>().prop_map(|n| json!({"name": "a", "scale": {"mode": "hard", "replicas": n}})),
        condition().prop_map(|c| json!({"assert": {"always": c}})),
        (condition(), any::<u8>())
            .prop_map(|(c, n)| json!({"assert": {"note": "a", "stable": c, "within": n}})),
        "[a-z]{1,3}".prop_map(|node| json!({"inject": {"fault": "node-kill", "node": node}})),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        proptest::collection::vec(inner, 0..3).prop_map(|steps| json!({"parallel": steps}))
    })
}

/// The scalars of a value, by JSON pointers.
fn scalars(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                scalars(item, format!("{at}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                scalars(item, format!("{at}/{key}"), found);
            }
        }
        _ => found.push(at),
    }
}

proptest! {
    #[test]
    fn a_valid_value_stays_as_it_is(steps in proptest::collection::vec(step(), 0..4)) {
        let value = json!({"steps": steps});
        let (decoded, root) = decode(&serde_yaml::to_string(&value).unwrap());
        prop_assert_eq!(lines(&decoded), "");
        prop_assert_eq!(&root.to_json(), &value);
        prop_assert_eq!(serde_json::to_value(decoded.value.unwrap()).unwrap(), value);
    }

    #[test]
    fn agrees_with_a_json_schema_validator(
        steps in proptest::collection::vec(step(), 1..4),
        at in any::<prop::sample::Index>(),
        other in prop_oneof![
            Just(json!([[]])), Just(json!(-1)), Just(json!(null)), Just(json!({"x": []})), Just(json!("a")),
        ],
    ) {
        let mut value = json!({"steps": steps});
        let mut places = Vec::new();
        scalars(&value, String::new(), &mut places);
        prop_assume!(!places.is_empty());
        let place = &places[at.index(places.len())];
        *value.pointer_mut(place).unwrap() = other;
        let schema = Decoder::of::<File>();
        let is_valid = jsonschema::validator_for(schema.schema()).unwrap().is_valid(&value);
        let text = serde_json::to_string_pretty(&value).unwrap();
        let (decoded, mut root) = decode(&text);
        prop_assert_eq!(decoded.checked.problems.is_empty(), is_valid, "{}", lines(&decoded));
        prop_assert!(decoded.value.is_some() || !is_valid);
        for problem in &decoded.checked.problems {
            prop_assert!(root.position.line <= problem.line && problem.line <= text.lines().count());
        }
        // Once the unreadable parts are removed, nothing else is wrong.
        if decoded.checked.readable {
            prop_assert_eq!(schema.check(&mut root, false).problems, []);
        }
    }
}
