use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn node(name: &str, zone: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"zone": zone, "kubernetes.io/hostname": name}},
        "spec": {},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}},
    })
}

fn pod(name: &str, spec: &Value) -> Value {
    let mut pod = json!({
        "metadata": {"name": name, "namespace": "default", "uid": name, "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main"}]},
    });
    merge(&mut pod["spec"], spec);
    pod
}

fn on(node: &str, mut pod: Value) -> Value {
    pod["spec"]["nodeName"] = json!(node);
    pod
}

fn with(mut object: Value, pointer: &str, value: &Value) -> Value {
    merge(object.pointer_mut(pointer).unwrap(), value);
    object
}

fn merge(object: &mut Value, more: &Value) {
    for (name, value) in more.as_object().unwrap() {
        object[name] = value.clone();
    }
}

/// A node's refusal a line.
fn refused(pod: &Value, nodes: &[Value], pods: &[Value]) -> String {
    let nodes: Vec<_> = nodes.iter().collect();
    let pods: Vec<_> = pods.iter().collect();
    let lines: Vec<_> = refusals(pod, &nodes, &pods).iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn cordoned_nodes_need_a_toleration() {
    let cordoned = with(
        node("n", "a"),
        "/spec",
        &json!({
            "unschedulable": true,
            "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}],
        }),
    );
    let nodes = [cordoned];
    assert_eq!(refused(&pod("p", &json!({})), &nodes, &[]), "n: is cordoned");
    let tolerant = json!({"tolerations": [{"operator": "Exists"}]});
    assert_eq!(refused(&pod("p", &tolerant), &nodes, &[]), "");
}

#[test]
fn taints_need_tolerations_of_their_key_value_and_effect() {
    let tainted = |taints: Value| [with(node("n", "a"), "/spec", &json!({"taints": taints}))];
    let gpu = json!([{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]);
    for (toleration, tolerated) in [
        (json!({}), false),
        (json!({"key": "dedicated", "value": "gpu"}), true),
        (json!({"key": "dedicated", "operator": "Equal", "value": "gpu"}), true),
        (json!({"key": "dedicated", "value": "cpu"}), false),
        (json!({"key": "dedicated", "operator": "Exists"}), true),
        (json!({"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}), true),
        (json!({"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}), false),
        (json!({"key": "other", "operator": "Exists"}), false),
        (json!({"operator": "Exists"}), true),
        (json!({"key": "dedicated", "operator": "Sometimes"}), false),
    ] {
        let pod = pod("p", &json!({"tolerations": [toleration]}));
        let expected = if tolerated { "" } else { "n: had untolerated taint {dedicated: gpu}" };
        assert_eq!(refused(&pod, &tainted(gpu.clone()), &[]), expected, "{toleration}");
    }
    let several = json!([
        {"key": "lost", "effect": "NoExecute"},
        {"key": "slow", "effect": "PreferNoSchedule"},
        {"key": "sla", "value": "950", "effect": "NoSchedule"},
    ]);
    let wants = |operator: &str| {
        pod("p", &json!({"tolerations": [{"key": "sla", "operator": operator, "value": "900"}]}))
    };
    let nodes = tainted(several);
    assert_eq!(refused(&wants("Gt"), &nodes, &[]), "n: had untolerated taint {lost}");
    assert_eq!(
        refused(&wants("Lt"), &nodes, &[]),
        "n: had untolerated taint {lost}, had untolerated taint {sla: 950}"
    );
}

#[test]
fn a_pod_with_a_node_name_fits_that_node_only() {
    let pod = pod("p", &json!({"nodeName": "b"}));
    let nodes = [node("a", "z"), node("b", "z")];
    assert_eq!(refused(&pod, &nodes, &[]), "a: spec.nodeName is b");
}

#[test]
fn pods_with_scheduling_gates_fit_nowhere() {
    let pod = pod("p", &json!({"schedulingGates": [{"name": "quota"}]}));
    assert_eq!(
        refused(&pod, &[node("a", "z")], &[]),
        "a: not tried: the pod has scheduling gates (quota)"
    );
}

#[test]
fn node_selectors_need_equal_labels() {
    let pod = pod("p", &json!({"nodeSelector": {"zone": "b", "disk": "ssd"}}));
    let nodes = [node("n", "a")];
    assert_eq!(
        refused(&pod, &nodes, &[]),
        "n: has no label disk=ssd, which nodeSelector needs, has label zone=a, but nodeSelector needs b"
    );
}

#[test]
fn required_node_affinity_has_alternatives_of_requirements() {
    let nodes = [with(node("n", "a"), "/metadata/labels", &json!({"cores": "8"}))];
    let affine = |terms: Value| {
        let required = json!({"nodeSelectorTerms": terms});
        let name = "requiredDuringSchedulingIgnoredDuringExecution";
        pod("p", &json!({"affinity": {"nodeAffinity": {name: required}}}))
    };
    for (requirement, fits) in [
        (json!({"key": "zone", "operator": "In", "values": ["a", "b"]}), true),
        (json!({"key": "zone", "operator": "In", "values": ["c"]}), false),
        (json!({"key": "zone", "operator": "NotIn", "values": ["c"]}), true),
        (json!({"key": "zone", "operator": "NotIn", "values": ["a"]}), false),
        (json!({"key": "other", "operator": "NotIn", "values": ["a"]}), true),
        (json!({"key": "zone", "operator": "Exists"}), true),
        (json!({"key": "other", "operator": "Exists"}), false),
        (json!({"key": "other", "operator": "DoesNotExist"}), true),
        (json!({"key": "zone", "operator": "DoesNotExist"}), false),
        (json!({"key": "cores", "operator": "Gt", "values": ["4"]}), true),
        (json!({"key": "cores", "operator": "Gt", "values": ["8"]}), false),
        (json!({"key": "cores", "operator": "Lt", "values": ["10"]}), true),
        (json!({"key": "zone", "operator": "Lt", "values": ["10"]}), false),
    ] {
        let pod = affine(json!([{"matchExpressions": [requirement]}]));
        assert_eq!(refused(&pod, &nodes, &[]).is_empty(), fits, "{requirement}");
    }
    let by_name = |name: &str| {
        let field = json!({"key": "metadata.name", "operator": "In", "values": [name]});
        json!({"matchFields": [field]})
    };
    assert_eq!(refused(&affine(json!([by_name("n")])), &nodes, &[]), "");
    let in_c = json!({"key": "zone", "operator": "In", "values": ["c"]});
    let pod = affine(json!([{"matchExpressions": [in_c]}, by_name("m"), {}]));
    assert_eq!(
        refused(&pod, &nodes, &[]),
        "n: does not match the required node affinity: zone in (c) or metadata.name in (m) or a \
         term without requirements"
    );
}

fn requesting(name: &str, requests: &Value) -> Value {
    let containers = json!([{"name": "main", "resources": {"requests": requests}}]);
    pod(name, &json!({"containers": containers}))
}

#[test]
fn adds_requests_to_those_of_other_pods() {
    let nodes = [node("n", "a")];
    let there = [
        on("n", requesting("x", &json!({"cpu": "2500m", "memory": "1Gi"}))),
        on("other", requesting("y", &json!({"cpu": "4"}))),
        with(
            on("n", requesting("z", &json!({"cpu": "4"}))),
            "",
            &json!({"status": {"phase": "Succeeded"}}),
        ),
    ];
    assert_eq!(refused(&requesting("p", &json!({"cpu": "1500m"})), &nodes, &there), "");
    let too_much = json!({"cpu": 2, "memory": "7.5Gi", "example.com/gpu": "1"});
    assert_eq!(
        refused(&requesting("p", &too_much), &nodes, &there),
        "n: insufficient cpu: 2 requested, 1.5 free of 4, insufficient example.com/gpu: 1 \
         requested, 0 free of 0, insufficient memory: 7680Mi requested, 7Gi free of 8Gi"
    );
}

#[test]
fn ignores_the_pod_itself() {
    let pod = requesting("p", &json!({"cpu": "4"}));
    assert_eq!(refused(&pod, &[node("n", "a")], &[on("n", pod.clone())]), "");
}

#[test]
fn counts_init_containers_sidecars_and_overhead() {
    let cpu = |amount: &str| json!({"requests": {"cpu": amount}});
    let with_init = |init: Value| {
        pod(
            "p",
            &json!({
                "containers": [{"name": "main", "resources": cpu("1")}],
                "initContainers": init,
            }),
        )
    };
    let nodes = [node("n", "a")];
    let before = with_init(json!([{"name": "a", "resources": cpu("4")}]));
    assert_eq!(refused(&before, &nodes, &[]), "");
    let with_sidecar = with_init(json!([
        {"name": "s", "restartPolicy": "Always", "resources": cpu("500m")},
        {"name": "a", "resources": cpu("4")},
    ]));
    assert_eq!(
        refused(&with_sidecar, &nodes, &[]),
        "n: insufficient cpu: 4.5 requested, 4 free of 4"
    );
    let overhead = with(before, "/spec", &json!({"overhead": {"cpu": "250m"}}));
    assert_eq!(refused(&overhead, &nodes, &[]), "n: insufficient cpu: 4.25 requested, 4 free of 4");
    let of_the_pod = pod(
        "p",
        &json!({
            "containers": [{"name": "main", "resources": cpu("1")}],
            "resources": {"requests": {"cpu": "5"}},
        }),
    );
    assert_eq!(refused(&of_the_pod, &nodes, &[]), "n: insufficient cpu: 5 requested, 4 free of 4");
}

#[test]
fn limits_the_number_of_pods() {
    let small = with(node("n", "a"), "/status/allocatable", &json!({"pods": "1"}));
    let there = [on("n", pod("x", &json!({})))];
    assert_eq!(refused(&pod("p", &json!({})), &[small], &there), "n: too many pods: 1 of 1");
}

#[test]
fn counts_pods_with_a_nominated_node() {
    let nominated = |priority: i32| {
        let pod = with(
            requesting("x", &json!({"cpu": "3"})),
            "",
            &json!({"status": {"nominatedNodeName": "n"}}),
        );
        [with(pod, "/spec", &json!({"priority": priority}))]
    };
    let pod = with(requesting("p", &json!({"cpu": "2"})), "/spec", &json!({"priority": 10}));
    assert_eq!(
        refused(&pod, &[node("n", "a")], &nominated(10)),
        "n: insufficient cpu: 2 requested, 1 free of 4 (1 nominated pods counted)"
    );
    assert_eq!(refused(&pod, &[node("n", "a")], &nominated(9)), "");
}

#[test]
fn host_ports_conflict_by_address_and_protocol() {
    let using = |name: &str, port: Value| {
        pod(name, &json!({"containers": [{"name": "main", "ports": [port]}]}))
    };
    let nodes = [node("n", "a")];
    let there = [on("n", using("x", json!({"containerPort": 80, "hostPort": 8080})))];
    let taken = "n: host port 8080/TCP is in use by Pod default/x";
    for (port, expected) in [
        (json!({"containerPort": 1, "hostPort": 8080}), taken),
        (json!({"containerPort": 1, "hostPort": 8080, "hostIP": "127.0.0.1"}), taken),
        (json!({"containerPort": 1, "hostPort": 8080, "protocol": "UDP"}), ""),
        (json!({"containerPort": 1, "hostPort": 8081}), ""),
        (json!({"containerPort": 8080}), ""),
    ] {
        assert_eq!(refused(&using("p", port.clone()), &nodes, &there), expected, "{port}");
    }
}

fn near(name: &str, affinity: &str, selected: &Value, key: &str) -> Value {
    let term = json!({"labelSelector": {"matchLabels": selected}, "topologyKey": key});
    let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": [term]});
    pod(name, &json!({"affinity": {affinity: required}}))
}

#[test]
fn required_pod_affinity_needs_a_pod_in_the_domain() {
    let nodes = [node("n", "a"), node("m", "b"), json!({"metadata": {"name": "bare"}})];
    let mut database = on("n", pod("db", &json!({})));
    database["metadata"]["labels"] = json!({"app": "db"});
    let pod = near("p", "podAffinity", &json!({"app": "db"}), "zone");
    assert_eq!(
        refused(&pod, &nodes, &[database.clone()]),
        "m: no pod with app=db is in zone b (required pod affinity)\n\
         bare: too many pods: 0 of 0, has no label zone, which pod affinity needs"
    );
    database["metadata"]["namespace"] = json!("other");
    assert_eq!(refused(&pod, &nodes[..2], &[database]).lines().count(), 2);
}

#[test]
fn the_first_pod_of_an_affine_group_fits_anywhere() {
    let nodes = [node("n", "a"), node("m", "b")];
    let pod = near("p", "podAffinity", &json!({"app": "web"}), "zone");
    assert_eq!(refused(&pod, &nodes, &[]), "");
    let there = [on("n", near("x", "podAffinity", &json!({"app": "web"}), "zone"))];
    assert_eq!(
        refused(&pod, &nodes, &there),
        "m: no pod with app=web is in zone b (required pod affinity)"
    );
}

#[test]
fn anti_affinity_works_in_both_directions() {
    let nodes = [node("n", "a"), node("m", "a"), node("o", "b")];
    let key = "kubernetes.io/hostname";
    let alone = near("x", "podAntiAffinity", &json!({"app": "web"}), key);
    let there = [on("n", alone)];
    assert_eq!(
        refused(&pod("p", &json!({})), &nodes, &there),
        "n: Pod default/x keeps pods with app=web out of hostname n (its required anti-affinity)"
    );
    let shy = near("p", "podAntiAffinity", &json!({"app": "web"}), "zone");
    assert_eq!(
        refused(&shy, &nodes, &[on("m", pod("x", &json!({})))]),
        "n: Pod default/x with app=web is in zone a (required pod anti-affinity)\n\
         m: Pod default/x with app=web is in zone a (required pod anti-affinity)"
    );
}

fn spreading(more: &Value) -> Value {
    let mut constraint = json!({
        "maxSkew": 1,
        "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    });
    merge(&mut constraint, more);
    pod("p", &json!({"topologySpreadConstraints": [constraint]}))
}

#[test]
fn topology_spread_compares_domains() {
    let nodes = [node("n", "b"), node("m", "c")];
    let there = [
        on("n", pod("x", &json!({}))),
        on("n", pod("y", &json!({}))),
        on("m", pod("z", &json!({}))),
    ];
    let refusal = "n: zone b would have 3 pods against 1 in zone c (maxSkew 1)";
    assert_eq!(refused(&spreading(&json!({})), &nodes, &there), refusal);
    assert_eq!(refused(&spreading(&json!({"maxSkew": 2})), &nodes, &there), "");
    assert_eq!(
        refused(&spreading(&json!({"whenUnsatisfiable": "ScheduleAnyway"})), &nodes, &there),
        ""
    );
    // Pods that end, and those of other namespaces, are not counted.
    let mut ending = there.clone();
    ending[0]["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(refused(&spreading(&json!({})), &nodes, &ending), "");
    let mut elsewhere = there.clone();
    elsewhere[0]["metadata"]["namespace"] = json!("other");
    assert_eq!(refused(&spreading(&json!({})), &nodes, &elsewhere), "");
    assert_eq!(
        refused(
            &spreading(&json!({})),
            &[json!({"metadata": {"name": "bare"},
            "status": {"allocatable": {"pods": "9"}}})],
            &[]
        ),
        "bare: has no label zone, which topology spread needs"
    );
}

#[test]
fn tainted_zones_count_unless_taints_are_honoured() {
    let taint = json!({"taints": [{"key": "lost", "effect": "NoExecute"}]});
    let nodes = [node("n", "a"), with(node("m", "b"), "/spec", &taint)];
    let there = [on("n", pod("x", &json!({})))];
    assert_eq!(
        refused(&spreading(&json!({})), &nodes, &there),
        "n: zone a would have 2 pods against 0 in zone b (maxSkew 1)\n\
         m: had untolerated taint {lost}"
    );
    assert_eq!(
        refused(&spreading(&json!({"nodeTaintsPolicy": "Honor"})), &nodes, &there),
        "m: had untolerated taint {lost}"
    );
}

#[test]
fn zones_out_of_reach_count_only_if_affinity_is_ignored() {
    let nodes = [node("n", "a"), node("m", "b")];
    let there = [on("n", pod("x", &json!({})))];
    let bound =
        |more: Value| with(spreading(&more), "/spec", &json!({"nodeSelector": {"zone": "a"}}));
    let out = "m: has label zone=b, but nodeSelector needs a";
    assert_eq!(refused(&bound(json!({})), &nodes, &there), out);
    assert_eq!(
        refused(&bound(json!({"nodeAffinityPolicy": "Ignore"})), &nodes, &there),
        format!("n: zone a would have 2 pods against 0 in zone b (maxSkew 1)\n{out}")
    );
}

#[test]
fn too_few_domains_count_as_an_empty_one() {
    let nodes = [node("n", "a"), node("m", "b")];
    let there = [on("n", pod("x", &json!({}))), on("m", pod("y", &json!({})))];
    assert_eq!(
        refused(&spreading(&json!({"minDomains": 3})), &nodes, &there),
        "n: zone a would have 2 pods against 0, as there are 2 of 3 minDomains (maxSkew 1)\n\
         m: zone b would have 2 pods against 0, as there are 2 of 3 minDomains (maxSkew 1)"
    );
    assert_eq!(refused(&spreading(&json!({"minDomains": 2})), &nodes, &there), "");
}

#[test]
fn spread_compares_pods_with_equal_label_values() {
    let nodes = [node("n", "a"), node("m", "b")];
    let of_revision = |revision: &str, mut pod: Value| {
        pod["metadata"]["labels"]["pod-template-hash"] = json!(revision);
        pod
    };
    let there = [on("n", of_revision("old", pod("x", &json!({}))))];
    let constraint = json!({"matchLabelKeys": ["pod-template-hash", "none"]});
    let pod = of_revision("new", spreading(&constraint));
    assert_eq!(refused(&pod, &nodes, &there), "");
    let pod = of_revision("old", spreading(&constraint));
    assert_eq!(
        refused(&pod, &nodes, &there),
        "n: zone a would have 2 pods against 0 in zone b (maxSkew 1)"
    );
}

#[test]
fn ignores_values_that_are_no_pods_or_nodes() {
    assert_eq!(refused(&json!("x"), &[node("n", "a")], &[]), "");
    assert_eq!(refused(&pod("p", &json!({})), &[json!(1)], &[json!([])]), "");
}

proptest! {
    #[test]
    fn pods_without_constraints_fit_an_empty_node(
        labels in prop::collection::btree_map("[a-z]{1,5}", "[a-z0-9]{0,5}", 0..4),
        names in prop::collection::vec("[a-z]{1,8}", 1..5),
        pods in 1_u32..500,
        cpu in 1_u32..64,
        taint in prop::option::of("[a-z]{1,5}"),
    ) {
        let nodes: Vec<_> = names.iter().map(|name| json!({
            "metadata": {"name": name, "labels": labels},
            "spec": {"taints": taint.iter().map(|key| {
                json!({"key": key, "effect": "PreferNoSchedule"})
            }).collect::<Vec<_>>()},
            "status": {"allocatable": {"pods": pods.to_string(), "cpu": cpu.to_string()}},
        })).collect();
        prop_assert_eq!(refused(&pod("p", &json!({})), &nodes, &[]), "");
        let small = requesting("p", &json!({"cpu": format!("{cpu}")}));
        prop_assert_eq!(refused(&small, &nodes, &[]), "");
        let large = requesting("p", &json!({"cpu": format!("{cpu}001m")}));
        prop_assert_eq!(refused(&large, &nodes, &[]).lines().count(), nodes.len());
    }
}
