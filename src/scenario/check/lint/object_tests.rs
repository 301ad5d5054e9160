//! Findings about manifests, their pods, and selections.

use super::rule_tests::{findings, findings_in};

#[test]
fn places_mistakes_in_manifests() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("a.yaml"),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec:\n  containers:\n  - {name: a, image: b}\n  nodeNme: x\n",
    )
    .unwrap();
    let body = "\
steps:
- apply:
    objects:
    - {apiVersion: v1, kind: Pd, metadata: {name: a}}
    - {apiVersion: v1, kind: ConfigMap}
    - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: 5}}
    - {apiVersion: example.com/v1, kind: Widget, metadata: {name: a}}
    manifest: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web}
      spec:
        replicas: \"2\"
        selector: {matchLabels: {app: web}}
        template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: b}]}}
      ---
      kind: Pod
    files: [a.yaml, none.yaml]
- apply:
    refused: no such field
    objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dta: {a: 5}}]
";
    let found = findings_in(folder.path(), body);
    let found = found.replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(found, @r#"
    7:30: steps[0].apply.objects[0].kind: v1 has no kind Pd (did you mean `Pod`?) [manifest]
    8:7: steps[0].apply.objects[1].metadata.name: missing required field; set `name` or `generateName` [manifest]
    9:72: steps[0].apply.objects[2].data.a: expected a string, found the number 5 (did you mean `"5"`?) [manifest]
    10:42: warning: steps[0].apply.objects[3].kind: no manifest here defines `example.com/v1/Widget`, so lint cannot check it [unknown-kind]
    16:19: steps[0].apply.manifest: spec.replicas: expected a whole number, found the string "2" (did you mean `2`?) [manifest]
    20:7: steps[0].apply.manifest: apiVersion: missing required field [manifest]
    20:7: steps[0].apply.manifest: metadata.name: missing required field; set `name` or `generateName` [manifest]
    21:21: steps[0].apply.files[1]: cannot read FOLDER/none.yaml: No such file or directory (os error 2) [manifest]
    FOLDER/a.yaml:7:3: spec.nodeNme: PodSpec has no such field (did you mean `nodeName`?) [manifest]
    "#);
}

const WEB: &str = "\
- apply:
    objects:
    - apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web, namespace: shop}
      spec:
        selector: {matchLabels: {app: web}}
        template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: b}]}}
    - apiVersion: batch/v1
      kind: CronJob
      metadata: {name: cron}
      spec:
        schedule: '* * * * *'
        jobTemplate:
          metadata: {labels: {of: cron}}
          spec:
            template:
              metadata: {labels: {app: cron}}
              spec: {restartPolicy: Never, containers: [{name: a, image: b}]}
";

#[test]
fn finds_selections_that_select_nothing() {
    let body = format!(
        "\
selections:
  good1: {{kind: Pod, namespace: shop, labels: app=web}}
  good2: {{kind: rs, namespace: '*', labels: {{app: web}}}}
  good3: {{kind: Job, labels: of=cron}}
  good4: {{kind: Pod, labels: 'app in (cron, x),!y'}}
  good5: {{kind: Pod, namespace: shop, labels: pod-template-hash=abc}}
  good6: {{kind: Event}}
  good7: {{kind: Pod, namespace: kube-system, labels: k8s-app=kube-dns}}
  good8: {{kind: Pod, namespace: shop, name: web-123}}
  bad1: {{kind: Pod, labels: app=web}}
  bad2: {{kind: Pod, namespace: shop, labels: app=wbe}}
  bad3: {{kind: Service}}
  bad4: {{kind: Deployment, namespace: shp}}
  bad5: {{kind: Deployment, namespace: shop, name: wbe}}
  bad6: {{kind: Pdo}}
  bad7: {{kind: example.com/v1/Widget}}
  bad8: {{kind: Pod, labels: 'app is web'}}
  bad9: {{kind: PersistentVolume, namespace: a}}
record:
  kinds: [StatefulSt, apps/v2/StatefulSet]
  logs: [good1, good2, good3, good4, good5, good6, good7, good8, bad1, bad2, bad3, bad4, bad5, bad6, bad7, bad8, bad9]
steps:
{WEB}"
    );
    insta::assert_snapshot!(findings(&body), @r"
    13:29: selections.bad1.labels: no step creates any Pod with these labels: those of CronJob cron have app=cron [selects-nothing]
    14:46: selections.bad2.labels: no step creates any Pod with these labels: those of Deployment web have app=web (did you mean `app=web`?) [selects-nothing]
    15:16: selections.bad3.kind: no step creates any Service [selects-nothing]
    16:39: selections.bad4.namespace: no step creates any Deployment in namespace `shp`, only in `shop` (did you mean `shop`?) [selects-nothing]
    17:51: selections.bad5.name: no step creates any Deployment named `wbe` (did you mean `web`?) [selects-nothing]
    18:16: selections.bad6.kind: kind `Pdo` does not exist (did you mean `Pod`?) [unknown-kind]
    19:16: warning: selections.bad7.kind: `example.com/v1/Widget` is not a kind of Kubernetes and no manifest here defines it, so lint cannot check it [unknown-kind]
    19:16: warning: selections.bad7.kind: no step creates any example.com/v1/Widget [selects-nothing]
    20:29: selections.bad8.labels: invalid label selector `app is web`: expected, for example, `app=web`, `tier!=cache`, `env in (a, b)`, `key` or `!key` [label-selector]
    21:16: selections.bad9.kind: no step creates any PersistentVolume [selects-nothing]
    21:34: selections.bad9.namespace: has no effect; PersistentVolume objects have no namespace [unused-field]
    23:11: record.kinds[0]: kind `StatefulSt` does not exist (did you mean `StatefulSet`?) [unknown-kind]
    23:23: warning: record.kinds[1]: `apps/v2/StatefulSet` is not a kind of Kubernetes and no manifest here defines it, so lint cannot check it (did you mean `apps/v1/StatefulSet`?) [unknown-kind]
    ");
}

#[test]
fn finds_named_objects_that_no_step_creates() {
    let body = format!(
        "\
steps:
{WEB}- scale: {{target: {{object: deployment/wbe, namespace: shop}}, replicas: 1}}
- scale: {{target: {{object: deployment/web}}, replicas: 1}}
- exec: {{pod: {{object: pod/web-x, namespace: shop}}, command: [ls]}}
- exec: {{pod: {{object: pod/db}}, command: [ls]}}
- delete: {{target: {{object: service/x}}, ignoreNotFound: true}}
- delete: {{target: {{object: service/x}}}}
- delete: {{target: {{object: svc/kubernetes}}}}
- delete: {{target: {{object: pod/etcd, namespace: kube-system}}}}
- delete: {{target: {{object: widgt/x}}}}
"
    );
    insta::assert_snapshot!(findings(&body), @r"
    24:28: steps[1].scale.target.object: no step creates any Deployment named `wbe` (did you mean `deployment/web`?) [unknown-object]
    25:28: steps[2].scale.target.object: no step creates any Deployment in namespace `default`, only in `shop` [unknown-object]
    27:24: steps[4].exec.pod.object: no step creates any Pod named `db` [unknown-object]
    29:29: steps[6].delete.target.object: no step creates any Service [unknown-object]
    32:29: steps[9].delete.target.object: kind `widgt` does not exist; write a custom resource with its group and version, such as `example.com/v1/Widget` [unknown-kind]
    ");
}

#[test]
fn warns_where_other_objects_can_exist() {
    let body = "\
selections: {web: {kind: Pod, labels: app=web}}
steps:
- kubectl: {args: [apply, -f, a.yaml]}
- wait: size(web) > 0
";
    let looking = body.replace("apply, -f, a.yaml", "get, pods");
    insta::assert_snapshot!(findings(&looking), @"4:26: selections.web.kind: no step creates any Pod [selects-nothing]");
    insta::assert_snapshot!(findings(body), @"4:26: warning: selections.web.kind: no step creates any Pod [selects-nothing]");
    let existing = "\
cluster: {existing: {name: dev}}
steps:
- wait: {any: {kind: Pod, labels: app=web}}
";
    insta::assert_snapshot!(findings(existing), @"6:22: warning: steps[0].wait.any.kind: no step creates any Pod [selects-nothing]");
    let labelled = "\
cluster: {workers: 1}
selections: {a: {kind: Pod, labels: tier=x}, b: {kind: Node, labels: zone=a}, c: {kind: example.com/v1/Widget}}
steps:
- apply:
    objects:
    - {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: b}]}}
    - apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata: {name: widgets.example.com}
      spec:
        group: example.com
        scope: Namespaced
        names: {kind: Widget, plural: widgets}
        versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
    - {apiVersion: example.com/v1, kind: Widget, metadata: {name: a}}
- label: {target: {object: pod/a}, set: {tier: x}}
- patch: {target: {object: node/kindrs-worker}, patch: {metadata: {labels: {zone: a}}}}
- wait: size(a) + size(b) + size(c) > 0
";
    insta::assert_snapshot!(findings(labelled), @"");
}

#[test]
fn finds_pods_that_fit_no_node() {
    let pod = |spec: &str| {
        format!(
            "    - {{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{{name: a, image: b}}], {spec}}}}}\n"
        )
    };
    let body = format!(
        "\
cluster: {{workers: 2}}
steps:
- apply:
    objects:
{}{}{}    - apiVersion: apps/v1
      kind: Deployment
      metadata: {{name: apart}}
      spec:
        replicas: 3
        selector: {{matchLabels: {{app: apart}}}}
        template:
          metadata: {{labels: {{app: apart}}}}
          spec:
            containers: [{{name: a, image: b, resources: {{requests: {{cpu: 40}}}}}}]
            affinity:
              podAntiAffinity:
                requiredDuringSchedulingIgnoredDuringExecution:
                - {{topologyKey: kubernetes.io/hostname, labelSelector: {{matchLabels: {{app: apart}}}}}}
",
        pod("nodeSelector: {disk: ssd}"),
        pod("nodeSelector: {kubernetes.io/os: linux}"),
        pod("nodeSelector: {node-role.kubernetes.io/control-plane: ''}"),
    );
    insta::assert_snapshot!(findings(&body), @r"
    8:62: steps[0].apply.objects[0].spec: Pod a fits no node: kindrs-control-plane: had untolerated taint {node-role.kubernetes.io/control-plane}, has no label disk=ssd, which nodeSelector needs; kindrs-worker: has no label disk=ssd, which nodeSelector needs; kindrs-worker2: has no label disk=ssd, which nodeSelector needs [pod-cannot-fit]
    10:62: steps[0].apply.objects[2].spec: Pod a fits no node: kindrs-control-plane: had untolerated taint {node-role.kubernetes.io/control-plane}; kindrs-worker: has no label node-role.kubernetes.io/control-plane=, which nodeSelector needs; kindrs-worker2: has no label node-role.kubernetes.io/control-plane=, which nodeSelector needs [pod-cannot-fit]
    20:13: steps[0].apply.objects[3].spec.template.spec: only 2 of 3 pods of Deployment apart fit: kindrs-control-plane: had untolerated taint {node-role.kubernetes.io/control-plane}; kindrs-worker: insufficient cpu: 40 requested, 24 free of 64, Pod default/replica-0 with app=apart is in hostname kindrs-worker (required pod anti-affinity), Pod default/replica-0 keeps pods with app=apart out of hostname kindrs-worker (its required anti-affinity); kindrs-worker2: insufficient cpu: 40 requested, 24 free of 64, Pod default/replica-1 with app=apart is in hostname kindrs-worker2 (required pod anti-affinity), Pod default/replica-1 keeps pods with app=apart out of hostname kindrs-worker2 (its required anti-affinity) (lint assumes 64 processors and 256 GiB of memory on each node) [pod-cannot-fit]
    ");
    insta::assert_snapshot!(findings(&format!("{body}- wait: {{any: {{kind: Pod, match: {{status: {{phase: Pending}}}}}}}}\n")), @r"
    8:62: warning: steps[0].apply.objects[0].spec: Pod a fits no node: kindrs-control-plane: had untolerated taint {node-role.kubernetes.io/control-plane}, has no label disk=ssd, which nodeSelector needs; kindrs-worker: has no label disk=ssd, which nodeSelector needs; kindrs-worker2: has no label disk=ssd, which nodeSelector needs [pod-cannot-fit]
    10:62: warning: steps[0].apply.objects[2].spec: Pod a fits no node: kindrs-control-plane: had untolerated taint {node-role.kubernetes.io/control-plane}; kindrs-worker: has no label node-role.kubernetes.io/control-plane=, which nodeSelector needs; kindrs-worker2: has no label node-role.kubernetes.io/control-plane=, which nodeSelector needs [pod-cannot-fit]
    20:13: warning: steps[0].apply.objects[3].spec.template.spec: only 2 of 3 pods of Deployment apart fit: kindrs-control-plane: had untolerated taint {node-role.kubernetes.io/control-plane}; kindrs-worker: insufficient cpu: 40 requested, 24 free of 64, Pod default/replica-0 with app=apart is in hostname kindrs-worker (required pod anti-affinity), Pod default/replica-0 keeps pods with app=apart out of hostname kindrs-worker (its required anti-affinity); kindrs-worker2: insufficient cpu: 40 requested, 24 free of 64, Pod default/replica-1 with app=apart is in hostname kindrs-worker2 (required pod anti-affinity), Pod default/replica-1 keeps pods with app=apart out of hostname kindrs-worker2 (its required anti-affinity) (lint assumes 64 processors and 256 GiB of memory on each node) [pod-cannot-fit]
    ");
    let labelled = format!(
        "cluster: {{workers: 1}}\nsteps:\n- label: {{target: {{object: node/kindrs-worker}}, set: {{disk: ssd}}}}\n- apply:\n    objects:\n{}",
        pod("nodeSelector: {disk: ssd}")
    );
    insta::assert_snapshot!(findings(&labelled), @"");
    let given = labelled.replace("- apply:", "- patch: {target: {object: node/kindrs-worker}, type: merge, patch: {status: {allocatable: {a.b/c: 1}}}}\n- apply:");
    let given = given
        .replace("image: b", "image: b, resources: {requests: {a.b/c: 1}, limits: {a.b/c: 1}}");
    insta::assert_snapshot!(findings(&given), @"");
    insta::assert_snapshot!(findings(&given.replace("type: merge", "type: json")), @"10:62: warning: steps[2].apply.objects[0].spec: Pod a fits no node: kindrs-control-plane: had untolerated taint {node-role.kubernetes.io/control-plane}, has no label disk=ssd, which nodeSelector needs, insufficient a.b/c: 1 requested, 0 free of 0; kindrs-worker: insufficient a.b/c: 1 requested, 0 free of 0 [pod-cannot-fit]");
}
