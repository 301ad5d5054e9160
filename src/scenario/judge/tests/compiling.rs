use super::tape::scenario;
use crate::scenario::judge::Program;

fn mistakes(rest: &str) -> String {
    let invalid = Program::compile(&scenario(rest)).unwrap_err();
    let lines = invalid.iter().map(|invalid| {
        let suggestion = invalid.suggestion.as_ref().map(|name| format!(" [{name}?]"));
        let offset = invalid.offset.as_ref().map(|offset| format!(" @{offset:?}"));
        format!(
            "{}: {}{}{}",
            invalid.path,
            invalid.message,
            suggestion.unwrap_or_default(),
            offset.unwrap_or_default()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn reports_all_mistakes_with_their_positions() {
    insta::assert_snapshot!(mistakes(
        r#"
  bad: {kind: Pood, labels: 'a b'}
  late: {kind: Pod, where: object.status.phase = 'x'}
assertions:
- {name: a, always: size(wep) == 1}
- {name: b, never: 'bad.exists(p, p.x)'}
- {name: c, always: {all: wbe}, from: frst}
- {name: e, always: {count: web}}
- {name: g, count: {of: {created: web}}}
- {name: h, always: {all: web, exactly: 1, min: 1}}
- {name: i, count: {of: {created: web}, min: 3, max: 2}}
- {name: l, order: [{created: web}, {step: {started: lst}}]}
- {name: j, after: {event: {created: web, where: pod.x == 1}, then: {deleted: web}}}
- {name: k, after: {event: {created: web}, then: {holds: 'true'}, sameObject: true}}
steps:
- {name: first, sleep: {for: 1s, reason: because}}
- {name: last, assert: {always: 'true'}}
- name: group
  parallel:
  - {name: inner, wait: 'web.all(p, q.x) &&'}
- {name: gone, delete: {target: {select: wab}}}
"#
    ));
}

#[test]
fn collects_the_kinds_of_all_selections() {
    let program = Program::compile(&scenario(
        r#"
record:
  logs: [{kind: Service}]
steps:
- {name: gone, delete: {target: {select: {kind: deploy}}}}
- {name: wait, wait: {all: {kind: example.com/v1/Widget}}}
"#,
    ))
    .unwrap();
    let kinds: Vec<String> = program.kinds().iter().map(ToString::to_string).collect();
    assert_eq!(
        kinds,
        ["apps/v1/Deployment", "example.com/v1/Widget", "v1/Node", "v1/Pod", "v1/Service"]
    );
}
