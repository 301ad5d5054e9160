//! Fifty assertions over the whole run. None is decided before the end.

use std::fmt::Write as _;

pub const APPLICATIONS: usize = 8;

pub fn scenario() -> String {
    let mut text = String::from(
        "apiVersion: kindrs.dev/v1alpha1\nkind: Scenario\nmetadata: {name: bench}\n\
         variables: {replicas: 30}\nselections:\n  nodes: {kind: Node}\n  pods: {kind: Pod}\n  \
         events: {kind: Event}\n  leases: {kind: Lease, namespace: kube-node-lease}\n  \
         running: {kind: Pod, match: {status: {phase: Running}}}\n  \
         deleting: {kind: Pod, where: has(object.metadata.deletionTimestamp)}\n",
    );
    for number in 0..APPLICATIONS {
        let _ = writeln!(text, "  app{number}: {{kind: Pod, labels: 'app=app{number}'}}");
    }
    text.push_str("assertions:\n");
    let mut assertions = Vec::new();
    for number in 0..APPLICATIONS {
        let app = format!("app{number}");
        assertions.extend([
            // Each concerns one object at a time.
            format!("always: '{app}.all(p, p.status.phase != \"Failed\") && size({app}) <= 60'"),
            format!("never: {{any: {app}, match: {{spec: {{nodeName: elsewhere}}}}}}"),
            format!("always: '{app}.filter(p, ready(p)).size() <= vars.replicas * 2'"),
            format!(
                "after: {{event: {{deleted: {app}}}, then: {{created: {app}}}}}, within: 10000s"
            ),
            format!("count: {{of: {{becomes: {app}, where: ready(object)}}, min: 1}}"),
        ]);
    }
    assertions.extend(
        [
            // Each needs the whole expression.
            "always: 'app0.map(p, p.status.phase).all(phase, phase != \"Failed\")'",
            "always: 'app1.all(p, p.spec.nodeName == \"\" || \
             nodes.exists(n, n.metadata.name == p.spec.nodeName))'",
            "never: 'app2.filter(p, ready(p)).map(p, p.spec.nodeName).exists(n, n == \"none\")'",
            "always: 'nodes.all(n, ready(n) || running.exists(p, p.spec.nodeName != n.metadata.name))'",
            // Each concerns many objects.
            "always: {count: pods, max: 1000}",
            "never: 'events.exists(e, e.reason == \"Evicted\" && e.count > 1000)'",
            "eventually: 'nodes.exists(n, n.metadata.name == \"none\")'",
            "stable: {all: nodes, where: 'object.metadata.name == \"none\"'}, for: 10s",
            "until: {hold: 'size(leases) >= 0', until: 'size(nodes) > 100'}",
            "count: {of: {changed: deleting}, max: 1000000}",
        ]
        .map(str::to_owned),
    );
    for (number, assertion) in assertions.iter().enumerate() {
        let _ = writeln!(text, "- {{name: a{number}, {assertion}}}");
    }
    text.push_str("steps:\n- {name: first, sleep: {for: 1s, reason: bench}}\n");
    text
}
