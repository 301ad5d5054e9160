use std::collections::BTreeMap;

use super::*;

fn variables() -> BTreeMap<String, Type> {
    let objects = |kind| Type::list(Type::Object(object_type(kind).unwrap()));
    BTreeMap::from([
        ("web".to_owned(), objects("Pod")),
        ("nodes".to_owned(), objects("Node")),
        ("deployments".to_owned(), objects("Deployment")),
        ("widgets".to_owned(), Type::list(Type::Dyn)),
        ("object".to_owned(), Type::Object(object_type("Pod").unwrap())),
        (
            "vars".to_owned(),
            Type::of_value(&serde_json::json!({
                "replicas": 3, "image": "web", "zones": ["a", "b"], "ratio": 0.5, "settings": {"a": 1},
            })),
        ),
    ])
}

/// The mistakes, each with the text that it is about.
fn mistakes(text: &str) -> Vec<String> {
    let found = check(text, &variables(), &Type::Bool);
    let lines = found.into_iter().map(|mistake| {
        let at: String = match &mistake.range {
            Some(range) => text.chars().skip(range.start).take(range.len()).collect(),
            None => "?".to_owned(),
        };
        format!("[{at}] {mistake}")
    });
    lines.collect()
}

#[test]
fn accepts_valid_expressions() {
    for text in [
        "true",
        "size(web) == 3",
        "web.size() >= vars.replicas",
        "web.all(p, p.status.phase == 'Running')",
        "web.all(p, ready(p)) && size(web) > 0",
        "web.exists(p, has(p.spec.nodeName) && p.spec.nodeName == 'a')",
        "web.exists_one(p, p.metadata.name.startsWith('web-'))",
        "web.filter(p, condition(p, 'Ready') == 'True').size() == 2",
        "web.map(p, p.spec.nodeName).distinct().size() == 3",
        "web.map(p, ready(p), p.metadata.name).exists(n, n.contains('x'))",
        "size(web.map(p, p.spec.nodeName).filter(n, n == 'a')) <= 1",
        "web.map(p, p.metadata.name).sort().join(',') == 'a,b'",
        "web.sortBy(p, p.metadata.name)[0].status.phase == 'Running'",
        "web[0].metadata.labels['app'] == vars.image",
        "web[0].metadata.labels.app == 'web' || 'app' in web[0].metadata.labels",
        "web.all(p, p.metadata.?labels.?app.orValue('') == 'web')",
        "web.all(p, p.?spec.nodeName.hasValue())",
        "web[?0].?status.phase.optMap(x, x == 'a').orValue(false)",
        "timestamp(web[0].metadata.creationTimestamp) > timestamp('2024-01-01T00:00:00Z')",
        "timestamp(web[0].status.startTime) - timestamp(web[1].status.startTime) < duration('5s')",
        "web.all(p, p.status.containerStatuses.all(c, c.restartCount == 0))",
        "web.all(p, p.status.containerStatuses[0].state.running.startedAt != '')",
        "deployments[0].spec.strategy.rollingUpdate.maxSurge == 1",
        "deployments[0].spec.strategy.rollingUpdate.maxSurge == '25%'",
        "widgets[0].anything.at.all[3].x > 3",
        "widgets.all(w, w.x == 'a' && w.y == 3)",
        "widgets.map(w, w.size).exists(s, s > 3)",
        "object.status.phase in ['Running', 'Pending']",
        "object.metadata.name in web.map(p, p.metadata.name)",
        "nodes.all(n, n.status.allocatable.cpu != '0')",
        "nodes.exists(n, n.spec.?unschedulable.orValue(false))",
        "has(vars.replicas) && vars.zones[0] == 'a' && vars.settings.a == 1",
        "vars.zones.all(z, web.exists(p, p.metadata.labels['zone'] == z))",
        "math.greatest(1, vars.replicas) == 3 && math.least([1, 2]) < 2 && math.ceil(1.5) > 1.0",
        "lists.range(3).map(i, i * 2) == [0, 2, 4]",
        "vars.ratio < 1 && double(size(web)) * vars.ratio > 1.0",
        "object == web[0] || object != null",
        "object.spec.containers[0].resources.requests == {'cpu': '100m'}",
        "object.metadata.name.matches('^web-[0-9]+$') && matches('a', 'b')",
        "string(object.spec.priority) == '3' && int('3') == 3",
        "'%s: %d'.format([object.metadata.name, 3]) == 'x'",
        "size(web) == 0 ? true : ready(web[0])",
        "[web, web][0].size() == 2 && web + web != []",
        "type(object) == map && type(1) == int",
        "type(timestamp(0)) == google.protobuf.Timestamp",
        "timestamp(object.status.startTime).getHours('UTC') < 3",
        "web.map(p, {'node': p.spec.nodeName, 'name': p.metadata.name}).all(x, x.node != x.name)",
        "object.metadata.annotations.all(k, k.startsWith('x'))",
        "'phase' in object.status",
        "size([]) == 0 && [].all(x, x.y)",
        "!('a' in [])",
        "object.spec.tolerations.exists(t, t.key == 'a' && t.?tolerationSeconds.orValue(0) > 300)",
    ] {
        assert_eq!(mistakes(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn explains_each_mistake_at_its_place() {
    let texts = [
        // Names.
        "wbe.all(p, true)",
        "size(x) == 3",
        "web.all(p, q.status.phase == '')",
        "vars.replcas == 3",
        // Fields.
        "web.all(p, p.status.phse == 'Running')",
        "web.all(p, has(p.status.phse))",
        "web.all(p, p.phase == 'Running')",
        "web.status.phase == 'Running'",
        "object['sttus'] == null",
        "'phse' in object.status",
        "object.metadata.name.first == 'x'",
        "web.map(p, p.spec.nodeNam).size() == 3",
        "web[0].?status.phse.orValue('') == ''",
        "web.sortBy(p, p.metadata.nam)[0].spec == null",
        // Comparisons.
        "object.status.phase == 3",
        "size(web) == '3'",
        "size(web) > '3'",
        "object.spec.hostNetwork == 'true'",
        "web == 3",
        "object.status.startTime < timestamp('2024-01-01T00:00:00Z')",
        "timestamp(object.status.startTime) < '2024-01-01T00:00:00Z'",
        "object < object",
        "3 in ['a']",
        "'a' in 'abc'",
        "object.spec.priority in ['3']",
        "vars.zones == [3]",
        // Results and truths.
        "size(web)",
        "'true'",
        "web.all(p, p.status.phase)",
        "web.filter(p, p.metadata.name).size() == 1",
        "size(web) && true",
        "!size(web)",
        "size(web) ? true : false",
        // Functions.
        "sizes(web) == 1",
        "web.count() == 1",
        "size(3) == 1",
        "size(web, web) == 1",
        "startsWith(object.metadata.name, 'a')",
        "object.metadata.name.startsWith(3)",
        "object.ready()",
        "ready(object.metadata.name)",
        "condition(object) == 'True'",
        "condition(object, 'Ready')",
        "web.all(ready(p))",
        "web.exists(p)",
        "all(web, p, true)",
        "math.roof(1.5) == 2.0",
        "math.ceil(1) == 1.0",
        "timestamp('yesterday') < timestamp(0)",
        "duration('5 minutes') > duration('1s')",
        "object.metadata.name.matches('a(')",
        // Elements and sums.
        "web['a'] == null",
        "object.metadata.labels[0] == 'a'",
        "size(web)[0] == 1",
        "size(web) + 1.5 == 2.0",
        "size(web) + '1' == 2",
        "object.metadata.name - 'a' == ''",
        "-object.metadata.name == ''",
        "size(web).all(x, true)",
        "{1.5: 2} == {}",
        "Pod{name: 'x'} == object",
        // Several, and syntax.
        "wbe.size() == 1 && object.stat == 2 && nope(1)",
        "web.all(p, p.status.phase == 'Running'",
        "size(web) = 3",
        "",
    ];
    let explained = texts.map(|text| {
        let mistakes = mistakes(text);
        assert!(!mistakes.is_empty(), "{text}");
        format!("{text}\n  {}", mistakes.join("\n  "))
    });
    insta::assert_snapshot!(explained.join("\n"));
}

#[test]
fn checks_results_of_other_types() {
    assert!(check("size(web)", &variables(), &Type::Int).is_empty());
    assert_eq!(
        check("size(web)", &variables(), &Type::String)[0].message,
        "expected string, found int"
    );
}
