//! Findings about steps, claims, references, times and unused parts.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Map;

use super::{Capacity, lint_text};

const EVERYTHING: &str = include_str!("../../read/everything.yaml");

/// The findings in a scenario with this body, which begins in line 4.
pub(super) fn findings(body: &str) -> String {
    findings_in(Path::new("/nowhere"), body)
}

pub(super) fn findings_in(folder: &Path, body: &str) -> String {
    let text =
        format!("apiVersion: kindrs.dev/v1alpha1\nkind: Scenario\nmetadata: {{name: a}}\n{body}");
    let found = lint_text("s.yaml", folder, &text, &Map::new(), &Capacity::default());
    let lines = found.iter().map(|finding| finding.to_string().replace("s.yaml:", ""));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn accepts_a_valid_scenario() {
    let found = lint_text("s.yaml", Path::new("."), EVERYTHING, &Map::new(), &Capacity::default());
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(lines, Vec::<String>::new());
}

/// The scenarios of this repository, including those that fail.
#[test]
fn accepts_the_scenarios_of_this_repository() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/scenarios");
    let mut seen = 0;
    let mut lines = Vec::new();
    for folder in [folder.clone(), folder.join("failing")] {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let found = lint_text(&name, &folder, &text, &Map::new(), &Capacity::default());
            lines.extend(found.iter().map(ToString::to_string));
            seen += 1;
        }
    }
    lines.sort();
    assert!(seen > 0);
    insta::assert_snapshot!(lines.join("\n"), @"");
}

#[test]
fn finds_ten_mistakes_at_once() {
    let body = "\
cluster: {workers: 1, timng: fast}
variables: {replicas: 3}
selections: {web: {kind: Pod, labels: app=wbe}}
steps:
- apply:
    objects:
    - apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web}
      spec:
        replicas: ${replcas}
        selector: {matchLabels: {app: web}}
        template:
          metadata: {labels: {app: web}}
          spec: {containers: [{name: a, image: b, comand: [c]}]}
- wait: web.all(p, p.status.phse == 'Running')
  deadline: 30
- inject: {fault: node-kil, node: worker}
- name: lose it
  inject: {fault: node-kill, node: worker2}
- assert: {eventually: size(web) == 3, within: 2m}
  deadline: 1m
- heal: {step: lose}
";
    insta::assert_snapshot!(findings(body), @r"
    4:23: cluster.timng: unknown field `timng` (did you mean `timing`?) [structure]
    5:13: warning: variables.replicas: is never used [unused-variable]
    6:39: warning: selections.web.labels: no step creates any Pod with these labels: those of Deployment web have app=web (did you mean `app=web`?) [selects-nothing]
    14:19: steps[0].apply.objects[0].spec.replicas: unknown variable `replcas` (did you mean `${replicas}`?) [structure]
    18:59: steps[0].apply.objects[0].spec.template.spec.containers[0].comand: Container has no such field (did you mean `command`?) [manifest]
    19:29: steps[1].wait: PodStatus has no field `phse` (did you mean `phase`?) [cel]
    20:13: steps[1].deadline: missing unit; did you mean 30s or 30m? [structure]
    21:19: steps[2].inject.fault: unknown value `node-kil` (did you mean `node-kill`?) [structure]
    23:11: steps[3].inject: the fault is never healed; add `for`, or a later step `heal: {step: lose it}` [fault-never-healed]
    23:36: steps[3].inject.node: node `worker2` does not exist; the cluster has `kindrs-control-plane` and `kindrs-worker` [unknown-node]
    24:48: steps[4].assert.within: 2m is longer than the step's deadline, 1m [beyond-deadline]
    26:16: steps[5].heal.step: step `lose` does not exist (did you mean `lose it`?) [unknown-step]
    ");
}

#[test]
fn checks_steps() {
    let body = "\
steps:
- {}
- {wait: 'true', sleep: {for: 6m, reason: ' '}}
- {apply: {}, retries: {attempts: 0}}
- loadImage: {}
- loadImage: {images: [a], archive: b}
- exec: {pod: {}, command: [], expect: {stdout: '(a'}}
- kubectl: {args: [kubectl, get], expect: {stderr: '*'}}
- kubectl: {args: []}
- heal: {}
- heal: {all: true, step: a}
- parallel: []
- scale: {target: {object: deployment, first: 1}, replicas: 1}
- delete: {target: {object: pods/a, select: {kind: Node}}}
- delete: {target: {select: {kind: Node}, namespace: a}}
- label: {target: {object: nodes/kindrs-control-plane}}
- sleep: {for: 6m, reason: ' '}
- exec: {pod: {select: {kind: Node}}, command: [ls], expect: {stdout: '(a'}}
- {name: named, retries: {attempts: 1}}
- heal: {step: named}
";
    insta::assert_snapshot!(findings(body), @r"
    5:3: steps[0]: expected one of `apply`, `create`, `patch`, `scale`, `delete`, `cordon`, `drain`, `taint`, `label`, `loadImage`, `exec`, `kubectl`, `wait`, `inject`, `heal`, `sleep`, `assert`, `parallel` or `steps` [structure]
    6:18: steps[1]: has `wait` and `sleep`; keep one of them [structure]
    7:11: steps[2].apply: has no objects; expected `objects`, `manifest` or `files` [empty-step]
    7:35: steps[2].retries.attempts: expected a number from 1 to 4294967295, found 0 [structure]
    8:14: steps[3].loadImage: expected `images` or `archive` [structure]
    9:28: steps[4].loadImage: has `images` and `archive`; keep one of them [structure]
    10:15: steps[5].exec.pod: expected `object` or `select` [structure]
    10:28: steps[5].exec.command: expected at least 1 item, found 0 [structure]
    11:20: steps[6].kubectl.args[0]: leave out `kubectl`; these are its arguments [kubectl-twice]
    11:52: steps[6].kubectl.expect.stderr: invalid regular expression: repetition operator missing expression [regular-expression]
    12:19: steps[7].kubectl.args: expected at least 1 item, found 0 [structure]
    13:9: steps[8].heal: expected `step` or `all` [structure]
    14:21: steps[9].heal: has `all` and `step`; keep one of them [structure]
    15:13: steps[10].parallel: expected at least 1 item, found 0 [structure]
    16:28: steps[11].scale.target.object: expected a kind and a name such as `deployment/web`, found `deployment` [object-name]
    16:40: steps[11].scale.target.first: `first` cannot be used with `object` [structure]
    17:37: steps[12].delete.target: has `object` and `select`; keep one of them [structure]
    18:43: steps[13].delete.target.namespace: `namespace` cannot be used with `select` [structure]
    19:10: steps[14].label: changes nothing; expected `set` or `remove` [empty-step]
    20:10: steps[15].sleep: the reason is empty; say why the step cannot wait for a condition instead [empty-step]
    20:16: warning: steps[15].sleep.for: 6m is long; a `wait` ends as soon as its condition holds [long-sleep]
    21:71: steps[16].exec.expect.stdout: invalid regular expression: unclosed group [regular-expression]
    22:3: steps[17]: expected one of `apply`, `create`, `patch`, `scale`, `delete`, `cordon`, `drain`, `taint`, `label`, `loadImage`, `exec`, `kubectl`, `wait`, `inject`, `heal`, `sleep`, `assert`, `parallel` or `steps` [structure]
    ");
    insta::assert_snapshot!(findings("steps: []\n"), @"4:8: steps: expected at least one step [empty-step]");
}

#[test]
fn checks_taints() {
    let body = "\
steps:
- taint:
    nodes: ['${cluster}-control-plane']
    set: [a=b:NoSchedule, a, 'a:NoSchedul', ':NoExecute', 'a=b=c:NoExecute', 'a:x']
    remove: [a, 'a:NoExecute', 'a=b:NoExecut']
- taint: {nodes: []}
- cordon: {nodes: []}
";
    insta::assert_snapshot!(findings(body), @r"
    7:27: steps[0].taint.set[1]: `a` has no effect; append a colon and `NoSchedule`, `PreferNoSchedule` or `NoExecute` (did you mean `a:NoSchedule`?) [taint-syntax]
    7:30: steps[0].taint.set[2]: expected `NoSchedule`, `PreferNoSchedule` or `NoExecute` as the taint's effect, found `NoSchedul` (did you mean `a:NoSchedule`?) [taint-syntax]
    7:45: steps[0].taint.set[3]: expected a taint such as `key=value:NoSchedule`, found `:NoExecute` [taint-syntax]
    7:59: steps[0].taint.set[4]: expected a taint such as `key=value:NoSchedule`, found `a=b=c:NoExecute` [taint-syntax]
    7:78: steps[0].taint.set[5]: expected `NoSchedule`, `PreferNoSchedule` or `NoExecute` as the taint's effect, found `x` [taint-syntax]
    8:32: steps[0].taint.remove[2]: expected `NoSchedule`, `PreferNoSchedule` or `NoExecute` as the taint's effect, found `NoExecut` (did you mean `a=b:NoExecute`?) [taint-syntax]
    9:18: steps[1].taint.nodes: expected at least 1 item, found 0 [structure]
    10:19: steps[2].cordon.nodes: expected at least 1 item, found 0 [structure]
    ");
}

#[test]
fn checks_claims() {
    let body = "\
selections: {nodes: {kind: Node}}
assertions:
- {}
- {always: 'true', never: 'false'}
- {always: 'true', for: 5s, within: 5s}
- {order: [{created: nodes}], grace: 1s}
- {count: {of: {created: nodes}}}
- {count: {of: {created: nodes}, exactly: 1, min: 1}}
- {count: {of: {created: nodes}, min: 3, max: 2}}
- {stable: 'true'}
- {after: {event: {step: {}}, then: {holds: 'true', where: 'true'}, sameObject: true}}
- {order: [{}, {created: nodes, deleted: nodes}, {becomes: nodes}, {injected: a, match: {a: b}}]}
steps:
- assert: {always: 'true'}
- assert: {count: {of: {created: nodes}, max: 2}}
- assert: {eventually: {}, to: a, for: 3s}
- assert: {eventually: {all: nodes, any: nodes}}
- assert: {eventually: {any: nodes, min: 2}}
- assert: {eventually: {count: nodes}}
- assert: {eventually: {all: nodes, min: 0}}
- assert: {eventually: 'true', to: a}
- assert: {after: {event: {created: nodes}, then: {holds: 'true'}, sameObject: true}}
";
    insta::assert_snapshot!(findings(body), @r"
    6:3: assertions[0]: expected one of `eventually`, `always`, `never`, `stable`, `until`, `order`, `count` or `after` [structure]
    7:20: assertions[1]: has `always` and `never`; keep one of them [structure]
    8:20: assertions[2].for: cannot be used in the background, where `from` and `to` set the span [unused-field]
    8:29: assertions[2].within: `within` cannot be used with `always` [structure]
    9:11: assertions[3].order: expected at least 2 items, found 1 [structure]
    9:31: assertions[3].grace: `grace` cannot be used with `order` [structure]
    10:11: assertions[4].count: needs a number: `exactly`, `min` or `max` [count-bounds]
    11:43: assertions[5].count.exactly: `exactly` cannot be used with `min` or `max` [count-bounds]
    12:39: assertions[6].count.min: 3 is more than `max`, which is 2 [count-bounds]
    13:3: assertions[7]: missing required field `for` [structure]
    14:26: assertions[8].after.event.step: expected `started` or `finished` [structure]
    14:53: assertions[8].after.then.where: `where` cannot be used with `holds` [structure]
    15:12: assertions[9].order[0]: expected one of `created`, `deleted`, `changed`, `becomes`, `holds`, `step`, `injected` or `healed` [structure]
    15:33: assertions[9].order[1]: has `created` and `deleted`; keep one of them [structure]
    15:50: assertions[9].order[2]: needs `match` or `where`: an object is in this selection from its creation on [becomes-nothing]
    15:79: assertions[9].order[3].injected: step `a` does not exist; the scenario has `always`, `count 4`, `eventually 2`, `eventually 3`, `eventually 4` and `after` [unknown-step]
    15:82: assertions[9].order[3].match: `match` cannot be used with `injected` [structure]
    17:11: steps[0].assert: `always` in a step needs `for`, to look ahead from the step's start, or `from`, to look back to the start of another step [no-span]
    18:11: steps[1].assert: `count` in a step needs `for`, to look ahead from the step's start, or `from`, to look back to the start of another step [no-span]
    19:24: steps[2].assert.eventually: expected one of `all`, `any`, `none` or `count` [structure]
    19:35: steps[2].assert.for: `for` cannot be used with `eventually` [structure]
    20:37: steps[3].assert.eventually: has `all` and `any`; keep one of them [structure]
    21:37: steps[4].assert.eventually.min: `min` cannot be used with `any` [structure]
    22:24: steps[5].assert.eventually: needs a number: `exactly`, `min` or `max` [count-bounds]
    23:42: steps[6].assert.eventually.min: 0 or more is always true [count-bounds]
    24:32: steps[7].assert.to: cannot be used in a step, where the span ends with the step [unused-field]
    24:36: steps[7].assert.to: step `a` does not exist; the scenario has `always`, `count 4`, `eventually 2`, `eventually 3`, `eventually 4` and `after` [unknown-step]
    25:80: steps[8].assert.after.sameObject: needs `event` and `then` to be about objects [unused-field]
    ");
}

#[test]
fn checks_references() {
    let body = "\
assertions:
- {always: 'true', from: secnd, to: third}
- {always: 'true', from: second, to: first}
- {order: [{step: {started: frst}}, {injected: first}, {healed: nothing}]}
- {always: {all: nods}, from: group, to: b}
steps:
- {name: first, wait: 'true'}
- {name: second, assert: {always: 'true', from: group}}
- name: group
  parallel: [{name: a, wait: 'true'}, {name: b, assert: {always: 'true', from: a}}]
";
    insta::assert_snapshot!(findings(body), @r"
    5:26: assertions[0].from: step `secnd` does not exist (did you mean `second`?) [unknown-step]
    5:37: assertions[0].to: step `third` does not exist; the scenario has `first`, `second`, `group`, `a` and `b` [unknown-step]
    6:38: assertions[1].to: `first` comes before `second`, where the span begins [span-reversed]
    7:29: assertions[2].order[0].step.started: step `frst` does not exist (did you mean `first`?) [unknown-step]
    7:48: assertions[2].order[1].injected: step `first` injects no fault, and neither does any other step [no-fault]
    7:65: assertions[2].order[2].healed: step `nothing` does not exist; the scenario has `first`, `second`, `group`, `a` and `b` [unknown-step]
    8:18: assertions[3].always.all: selection `nods` does not exist; the scenario has none [unknown-selection]
    11:49: steps[1].assert.from: `group` comes after this step [span-reversed]
    ");
}

#[test]
fn checks_times() {
    let body = "\
deadline: 5m
assertions:
- {eventually: 'true', within: 6m}
steps:
- {sleep: {for: 2m, reason: a}, deadline: 1m}
- {wait: 'true', deadline: 10m}
- {wait: 'true', deadline: 0s}
- assert: {stable: 'true', for: 2m, within: 1m}
- assert: {eventually: 'true', within: 90s}
  deadline: 1m
- parallel:
  - sleep: {for: 70s, reason: a}
  - steps: [{sleep: {for: 1m, reason: a}}, {assert: {never: 'false', for: 30s}}]
  deadline: 80s
- {sleep: {for: 10m, reason: a}, background: true, retries: {attempts: 2, delay: 20m}}
";
    insta::assert_snapshot!(findings(body), @r"
    4:11: deadline: the sleeps and spans of the steps take at least 10m, longer than 5m [beyond-deadline]
    6:32: assertions[0].within: 6m is longer than the scenario's deadline, 5m [beyond-deadline]
    8:17: steps[0].sleep.for: 2m is longer than the step's deadline, 1m [beyond-deadline]
    9:28: warning: steps[1].deadline: 10m is longer than the scenario's deadline, 5m [beyond-deadline]
    10:28: steps[2].deadline: leaves no time [beyond-deadline]
    11:33: steps[3].assert.for: 2m without a break cannot end within 1m [beyond-deadline]
    12:40: steps[4].assert.within: 1m 30s is longer than the step's deadline, 1m [beyond-deadline]
    17:13: steps[5].deadline: the steps of the group take at least 1m 30s [beyond-deadline]
    18:17: warning: steps[6].sleep.for: 10m is long; a `wait` ends as soon as its condition holds [long-sleep]
    18:82: warning: steps[6].retries.delay: 20m between attempts is long for a step of 1m [long-sleep]
    ");
    let sum = "\
deadline: 2m
steps:
- sleep: {for: 1m, reason: a}
- parallel: [{sleep: {for: 50s, reason: a}}, {sleep: {for: 61s, reason: a}}]
";
    insta::assert_snapshot!(findings(sum), @"4:11: deadline: the sleeps and spans of the steps take at least 2m 1s, longer than 2m [beyond-deadline]");
}

#[test]
fn finds_unused_parts() {
    let body = "\
variables: {a: 1, b: 2, c: '${a}', d: 3}
matrix:
  variables: {x: [1, 2], y: [1]}
  exclude: [{x: 1, y: 2}, {x: 2}]
selections: {nodes: {kind: Node}, pods: {kind: Pod, namespace: kube-system}, node: {kind: Node}}
steps:
- wait: size(nodes) == vars.b && vars['d'] == 3
";
    insta::assert_snapshot!(findings(body), @r"
    4:25: warning: variables.c: is never used [unused-variable]
    6:15: warning: matrix.variables.x: is never used: all of its values give the same run [unused-variable]
    6:26: warning: matrix.variables.y: is never used: all of its values give the same run [unused-variable]
    7:13: warning: matrix.exclude[0]: excludes nothing: no combination has these values [unused-exclude]
    8:35: warning: selections.pods: is never used [unused-selection]
    8:78: warning: selections.node: is never used [unused-selection]
    ");
}

#[test]
fn places_mistakes_in_texts_of_every_style() {
    let body = "\
variables: {name: nodes}
selections: {nodes: {kind: Node, where: object.status.fase == 'x', match: {spec: {podCDIR: a}}}}
steps:
- wait: |
    size(${name}) > 0
    && nodes.all(n, n.metadata.nme == 'x')
- wait: \"size(${name}) == \\\"a\\\" && size(nodez) > 0\"
- wait: 'size('
- assert: {eventually: {all: nodes, where: object.spec.unschedulble}, within: 5s}
- assert: {order: [{becomes: nodes, match: {status: {phse: a}}}, {created: nodes}]}
";
    insta::assert_snapshot!(findings(body), @r"
    5:55: selections.nodes.where: NodeStatus has no field `fase` [cel]
    5:83: selections.nodes.match.spec.podCDIR: NodeSpec has no such field (did you mean `podCIDR`?) [match]
    9:32: steps[0].wait: ObjectMeta has no field `nme` (did you mean `name`?) [cel]
    10:10: steps[1].wait: int is never equal to string [cel]
    10:41: steps[1].wait: variable `nodez` does not exist; expected `nodes` or `vars` (did you mean `nodes`?) [cel]
    11:15: steps[2].wait: unexpected end [cel]
    12:56: steps[3].assert.eventually.where: NodeSpec has no field `unschedulble` (did you mean `unschedulable`?) [cel]
    13:54: steps[4].assert.order[0].match.status.phse: NodeStatus has no such field (did you mean `phase`?) [match]
    ");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn places_the_findings_of_a_changed_scenario(
        line in 0..EVERYTHING.lines().count(),
        start in 0_usize..60,
        length in 0_usize..20,
        replacement in r##"([-a-z:\[\]{},'"# 0-9]{0,6}|\$\{|\$\{replicas\}|99999|web|0s|true)"##,
    ) {
        let change = |(number, text): (usize, &str)| {
            let characters = text.chars();
            let changed: String = if number == line {
                let (before, after) = (characters.clone().take(start), characters.skip(start + length));
                before.chain(replacement.chars()).chain(after).collect()
            } else {
                text.to_owned()
            };
            format!("{changed}\n")
        };
        let text: String = EVERYTHING.lines().enumerate().map(change).collect();
        let nowhere = Path::new("/nowhere");
        let found = lint_text("any", nowhere, &text, &Map::new(), &Capacity::default());
        for finding in &found {
            prop_assert!((1..=text.lines().count()).contains(&finding.line), "{}", finding);
            prop_assert!(finding.column >= 1);
            prop_assert!(!finding.to_string().contains('\n'), "{}", finding);
        }
    }
}
