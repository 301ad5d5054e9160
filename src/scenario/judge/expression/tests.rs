use serde_json::{Value, json};

use super::{Expression, Scope, evaluate, evaluate_json, write};

fn pod() -> Value {
    json!({
        "metadata": {"name": "web-1", "labels": {"app": "web"}, "creationTimestamp": "2026-01-02T03:04:05Z"},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}], "priority": 5, "share": 0.5},
        "status": {"phase": "Running", "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady"},
        ]},
    })
}

fn value(text: &str) -> Result<Value, String> {
    let expression = Expression::compile(text).unwrap();
    let (pod, vars) = (pod(), json!({"count": 2, "names": ["a", "b"]}));
    let other = json!({"metadata": {"name": "web-2"}});
    let scope = Scope::default()
        .with("object", &pod)
        .with("vars", &vars)
        .with_objects("pods", vec![&pod, &other]);
    evaluate_json(expression.root(), &scope)
}

#[test]
fn evaluates_expressions_over_objects() {
    for (text, expected) in [
        ("object.status.phase == 'Running'", json!(true)),
        ("'Running' == object.status.phase", json!(true)),
        ("object.spec.containers.map(c, c.name)", json!(["a", "b"])),
        ("object.spec.containers[1].name", json!("b")),
        ("size(object.spec.containers) == vars.count", json!(true)),
        ("object.metadata.labels", json!({"app": "web"})),
        ("object.metadata.labels == {'app': 'web'}", json!(true)),
        ("{'app': 'web'} == object.metadata.labels", json!(true)),
        ("{'app': 'db'} == object.metadata.labels", json!(false)),
        ("object.metadata.labels != {'app': 'web', 'tier': 'x'}", json!(true)),
        ("['a', 'b'] == vars.names", json!(true)),
        ("vars.names == ['a']", json!(false)),
        ("vars.names == object.spec.containers.map(c, c.name)", json!(true)),
        ("vars.names + ['c']", json!(["a", "b", "c"])),
        ("['c'] + vars.names", json!(["c", "a", "b"])),
        ("'app' in object.metadata.labels", json!(true)),
        ("'b' in vars.names", json!(true)),
        ("{'name': 'b'} in object.spec.containers", json!(true)),
        ("object.metadata.labels.all(k, k.startsWith('a'))", json!(true)),
        ("has(object.metadata.uid)", json!(false)),
        ("object.?metadata.?uid.orValue('none')", json!("none")),
        ("object.metadata.labels['app']", json!("web")),
        ("object.spec.share < 1", json!(true)),
        ("object.spec.priority == 5.0", json!(true)),
        ("timestamp(object.metadata.creationTimestamp).getFullYear()", json!(2026)),
        ("duration('90s') > duration('1m')", json!(true)),
        ("ready(object)", json!(false)),
        ("condition(object, 'PodScheduled')", json!("True")),
        ("condition(object, 'None')", json!("")),
        ("pods.exists(p, ready(p))", json!(false)),
        ("pods.map(p, p.metadata.name).join(' ')", json!("web-1 web-2")),
        ("size(pods)", json!(2)),
        ("pods.filter(p, has(p.status)).size()", json!(1)),
        ("vars.names.sort() == ['a', 'b']", json!(true)),
        ("math.greatest(object.spec.priority, 3)", json!(5)),
        ("object.metadata.name.split('-')", json!(["web", "1"])),
        ("object == pods[0]", json!(true)),
        ("pods[0] in pods", json!(true)),
    ] {
        assert_eq!(value(text), Ok(expected), "{text}");
    }
}

#[test]
fn explains_why_an_expression_has_no_value() {
    assert_eq!(value("object.status.hostIP == ''").unwrap_err(), "no such key `hostIP`");
    assert_eq!(value("vars.names[7]").unwrap_err(), "index out of range");
    let number = Expression::compile("1 + 1").unwrap();
    assert_eq!(evaluate(number.root(), &Scope::default()).unwrap_err(), "expected bool, found int");
}

#[test]
fn reports_the_position_of_a_mistake() {
    let mistakes = Expression::compile("size(web) >\n  = 3").unwrap_err();
    assert_eq!(mistakes[0].offset, Some(14..15), "{mistakes:?}");
}

#[test]
fn finds_free_variables() {
    let expression = Expression::compile("web.all(p, p.x == vars.y) && type(a) == string").unwrap();
    let names: Vec<_> = expression.variables().iter().map(String::as_str).collect();
    assert_eq!(names, ["a", "vars", "web"]);
    assert_eq!(expression.offset_of("vars"), Some(18..22));
}

#[test]
fn writes_expressions_as_source() {
    for text in [
        "web.all(p, p.status.phase == 'Running' && ready(p)) || size(web) >= 3",
        "!(a && b) && (c || d)",
        "a - (b - c) - d",
        "a ? b : c ? d : e",
        "(a ? b : c) ? d : e",
        "has(p.status.phase)",
        "web.filter(p, p.x in [1, 2.5, 'z']).size() == 2",
        "web.map(p, ready(p), p.metadata.name) == ['a']",
        "web.exists_one(p, p.a['b.c/d'] == {'x': null})",
        "p.?status.?phase.orValue('') == \"it's\"",
        "-(a + b) * 2 < 3u",
    ] {
        assert_eq!(write(Expression::compile(text).unwrap().root()), text);
    }
}
