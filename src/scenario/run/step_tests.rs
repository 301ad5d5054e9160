//! Steps against a scripted API server.

use serde_json::{Value, json};

use super::fixture::{Answer, Asked, Stage, pod, refusal};
use crate::runtime::{Engine as _, ExecOutput};
use crate::scenario::history::{Change, KindName, ObjectChange, ObjectEvent};

const PODS: &str = "/api/v1/namespaces/default/pods";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn map(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } })
}

fn step(name: &str, action: &str, what: Value) -> Value {
    json!({ "name": name, action: what, "deadline": "10s" })
}

/// Runs one step and returns its end.
async fn end(stage: &Stage) -> String {
    stage.run().await.remove(0)
}

fn sees(stage: &Stage, name: &str) {
    let change = ObjectChange {
        event: ObjectEvent::Added,
        kind: KindName("v1/Pod".into()),
        resource_version: "5".to_owned(),
        object: std::sync::Arc::new(pod(name, "5")),
    };
    stage.session.recorder.record(Change::Object(Box::new(change)));
}

/// The managed fields that a request leaves in an object.
fn signed(asked: &Asked) -> Value {
    let manager = asked.query.split('&').find_map(|part| part.strip_prefix("fieldManager="));
    json!({ "metadata": { "name": "a", "managedFields": [{ "manager": manager.unwrap() }] } })
}

#[tokio::test(start_paused = true)]
async fn applies_each_object_with_retries() {
    let objects = json!({ "objects": [map("a"), map("b")] });
    let stage = Stage::with(json!([step("one", "apply", objects)])).await;
    let (a, b) = (format!("PATCH {MAPS}/a"), format!("PATCH {MAPS}/b"));
    stage.api.gives(&a, map("a"));
    stage.api.on(&b, Answer::Broken).refuses(&b, 429, "later").gives(&b, map("b"));
    assert_eq!(end(&stage).await, "one Passed ConfigMap a, ConfigMap b");
    assert_eq!(stage.api.asked_for(&a).len(), 1, "what is done is not done again");
    assert_eq!(stage.api.asked_for(&b).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_fails_at_once_with_its_reason() {
    let stage = Stage::with(json!([step("one", "apply", json!({ "objects": [map("a")] }))])).await;
    stage.api.refuses(&format!("PATCH {MAPS}/a"), 422, "data: must be a map");
    assert_eq!(end(&stage).await, "one Failed ConfigMap a: data: must be a map");
}

#[tokio::test(start_paused = true)]
async fn accepts_an_expected_refusal() {
    let expecting = json!({ "objects": [map("a"), map("b")], "refused": "quota" });
    let (a, b) = (format!("PATCH {MAPS}/a"), format!("PATCH {MAPS}/b"));
    for (second, expected) in [
        (
            Answer::Json(403, refusal(403, "exceeded quota")),
            "one Passed refused, as expected: over quota; exceeded quota",
        ),
        (
            Answer::Json(200, map("b")),
            "one Failed expected a refusal with `quota`, but the API server accepted ConfigMap b",
        ),
        (
            Answer::Json(422, refusal(422, "no")),
            "one Failed expected a refusal with `quota`, found: no",
        ),
    ] {
        let stage = Stage::with(json!([step("one", "apply", expecting.clone())])).await;
        // An error of the API server is not a refusal.
        stage.api.refuses(&a, 429, "quota of requests").refuses(&a, 403, "over quota");
        stage.api.on(&b, second);
        assert_eq!(end(&stage).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn waits_for_a_newly_defined_kind() {
    let object =
        json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "a" } });
    let objects = json!({ "objects": [object] });
    let stage = Stage::with(json!([step("one", "apply", objects.clone())])).await;
    let unknown = "one Failed the API server has no kind `example.com/v1/Widget`";
    assert_eq!(end(&stage).await, unknown);
    let stage = Stage::with(json!([step("one", "apply", objects)])).await;
    let resources = json!({
        "kind": "APIResourceList", "groupVersion": "example.com/v1",
        "resources": [{
            "name": "widgets", "singularName": "widget", "namespaced": false, "kind": "Widget",
            "verbs": ["get"],
        }],
    });
    let discovery = "GET /apis/example.com/v1";
    stage.api.refuses(discovery, 404, "not found").refuses(discovery, 503, "not now");
    stage.api.gives(discovery, resources);
    stage.api.gives("PATCH /apis/example.com/v1/widgets/a", object_of("a"));
    assert_eq!(end(&stage).await, "one Passed Widget a");
}

fn object_of(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Widget", "metadata": { "name": name } })
}

#[tokio::test(start_paused = true)]
async fn create_fails_if_the_object_exists() {
    let stage = Stage::with(json!([step("one", "create", json!({ "objects": [map("a")] }))])).await;
    stage.api.refuses(&format!("POST {MAPS}"), 409, "configmaps \"a\" already exists");
    assert_eq!(end(&stage).await, "one Failed ConfigMap a: configmaps \"a\" already exists");
}

/// Runs a step whose first answer is lost. The object then shows whether the request took effect.
async fn after_a_lost_answer(
    action: &str,
    what: Value,
    request: &str,
    gone_through: bool,
) -> String {
    let stage = Stage::with(json!([step("one", action, what)])).await;
    stage.api.on(request, Answer::Broken).refuses(request, 409, "already exists");
    let run = stage.run();
    let look = async {
        while stage.api.asked_for(request).is_empty() {
            tokio::task::yield_now().await;
        }
        let asked = stage.api.asked_for(request).remove(0);
        let object = if gone_through { signed(&asked) } else { map("a") };
        stage.api.gives(&format!("GET {MAPS}/a"), object);
    };
    let (mut ends, ()) = tokio::join!(run, look);
    format!("{} after {}", ends.remove(0), stage.api.asked_for(request).len())
}

#[tokio::test(start_paused = true)]
async fn create_succeeds_after_a_lost_answer() {
    let create = json!({ "objects": [map("a")] });
    let request = format!("POST {MAPS}");
    let made = after_a_lost_answer("create", create.clone(), &request, true).await;
    assert_eq!(made, "one Passed ConfigMap a after 2");
    let others = after_a_lost_answer("create", create, &request, false).await;
    assert_eq!(others, "one Failed ConfigMap a: already exists after 2");
}

#[tokio::test(start_paused = true)]
async fn applies_json_operations_once() {
    let operations = json!([{ "op": "add", "path": "/data/list/-", "value": "x" }]);
    let patch = json!({ "target": { "object": "cm/a" }, "type": "json", "patch": operations });
    let request = format!("PATCH {MAPS}/a");
    let once = after_a_lost_answer("patch", patch.clone(), &request, true).await;
    assert_eq!(once, "one Passed ConfigMap a after 1");
    let again = after_a_lost_answer("patch", patch, &request, false).await;
    assert_eq!(again, "one Failed ConfigMap a: already exists after 2");
}

#[tokio::test(start_paused = true)]
async fn cleans_up_objects_with_generated_names() {
    let object = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "generateName": "a-" } });
    let stage = Stage::with(json!([step("one", "create", json!({ "objects": [object] }))])).await;
    stage.session.state.cleanup.enable();
    stage.api.gives(&format!("POST {PODS}"), pod("a-x7", "1"));
    stage.api.gives(&format!("DELETE {PODS}/a-x7"), pod("a-x7", "2"));
    assert_eq!(end(&stage).await, "one Passed Pod a-x7");
    stage.session.state.cleanup.run(&stage.session.client).await.unwrap();
    assert_eq!(stage.api.asked_for(&format!("DELETE {PODS}/a-x7")).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn deletes_selected_objects_by_uid() {
    let delete = json!({ "target": { "select": "web", "first": 1 }, "gracePeriodSeconds": 0 });
    let stage = Stage::with(json!([step("one", "delete", delete.clone())])).await;
    sees(&stage, "web-2");
    sees(&stage, "web-1");
    let request = format!("DELETE {PODS}/web-1");
    stage.api.gives(&request, pod("web-1", "9"));
    assert_eq!(end(&stage).await, "one Passed Pod web-1");
    let asked = stage.api.asked_for(&request).remove(0);
    assert_eq!(asked.body["preconditions"], json!({ "uid": "uid-web-1" }));
    assert_eq!(asked.body["gracePeriodSeconds"], 0);
    // A new object has the name.
    let stage = Stage::with(json!([step("one", "delete", delete)])).await;
    sees(&stage, "web-1");
    let mut other = pod("web-1", "10");
    other["metadata"]["uid"] = json!("another");
    stage.api.refuses(&request, 409, "the UID in the precondition does not match");
    stage.api.gives(&format!("GET {PODS}/web-1"), other);
    assert_eq!(end(&stage).await, "one Failed Pod web-1: already deleted");
}

#[tokio::test(start_paused = true)]
async fn delete_succeeds_after_a_lost_answer() {
    let delete = json!({ "target": { "select": "web" } });
    let stage = Stage::with(json!([step("one", "delete", delete)])).await;
    sees(&stage, "web-1");
    let request = format!("DELETE {PODS}/web-1");
    stage.api.on(&request, Answer::Broken).refuses(&request, 404, "pods \"web-1\" not found");
    assert_eq!(end(&stage).await, "one Passed Pod web-1");
}

#[tokio::test(start_paused = true)]
async fn delete_without_objects() {
    for (ignore, target, expected) in [
        (false, json!({ "object": "pod/a" }), "one Failed Pod a: not found"),
        (false, json!({ "select": "web" }), "one Failed the selection has no objects now"),
        (true, json!({ "object": "pod/a" }), "one Passed"),
        (true, json!({ "select": "web" }), "one Passed"),
    ] {
        let delete = json!({ "target": target, "ignoreNotFound": ignore });
        let stage = Stage::with(json!([step("one", "delete", delete)])).await;
        assert_eq!(end(&stage).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn sends_three_types_of_patches() {
    for (kind, body, media) in [
        ("strategic", json!({ "data": { "a": "1" } }), "strategic-merge"),
        ("merge", json!({ "data": { "a": null } }), "merge"),
        ("json", json!([{ "op": "remove", "path": "/data" }]), "json"),
    ] {
        let patch = json!({ "target": { "object": "cm/a" }, "type": kind, "patch": body });
        let stage = Stage::with(json!([step("one", "patch", patch)])).await;
        stage.api.gives(&format!("PATCH {MAPS}/a"), map("a"));
        assert_eq!(end(&stage).await, "one Passed ConfigMap a", "{media}");
        assert_eq!(stage.api.asked_for(&format!("PATCH {MAPS}/a"))[0].body, body);
    }
    let wrong =
        json!({ "target": { "object": "cm/a" }, "type": "json", "patch": [{ "op": "no" }] });
    let stage = Stage::with(json!([step("one", "patch", wrong)])).await;
    assert!(end(&stage).await.starts_with("one Failed invalid JSON patch (RFC 6902): "));
}

#[tokio::test(start_paused = true)]
async fn sets_taints_despite_conflicts() {
    let taint = json!({ "nodes": ["n"], "set": ["mine=1:NoSchedule"], "remove": ["old"] });
    let stage = Stage::with(json!([step("one", "taint", taint)])).await;
    let node = |taints: Value, version: &str| {
        json!({
            "metadata": { "name": "n", "resourceVersion": version }, "spec": { "taints": taints },
        })
    };
    let old = json!({ "key": "old", "effect": "NoExecute" });
    let lost = json!({ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" });
    stage.api.gives("GET /api/v1/nodes/n", node(json!([old]), "1"));
    stage.api.gives("GET /api/v1/nodes/n", node(json!([old, lost]), "2"));
    stage.api.refuses("PATCH /api/v1/nodes/n", 409, "the object has been modified");
    stage.api.gives("PATCH /api/v1/nodes/n", node(json!([]), "3"));
    assert_eq!(end(&stage).await, "one Passed n");
    let last = stage.api.asked_for("PATCH /api/v1/nodes/n").remove(1).body;
    assert_eq!(last["metadata"]["resourceVersion"], "2");
    let mine = json!({ "key": "mine", "effect": "NoSchedule", "value": "1" });
    assert_eq!(last["spec"]["taints"], json!([lost, mine]));
}

/// Runs a kubectl step that ends with this code and error output.
async fn kubectl(step: Value, code: i64, stderr: &'static str, is_ready: bool) -> (String, Stage) {
    let stage = Stage::with(json!([step])).await;
    stage.engine.on_exec(move |_, _, _| ExecOutput {
        code,
        stdout: b"out\n".to_vec(),
        stderr: stderr.into(),
    });
    if !is_ready {
        stage.api.now("GET /readyz", Answer::Broken);
    }
    sees(&stage, "web-1");
    (end(&stage).await, stage)
}

fn get() -> Value {
    step("one", "kubectl", json!({ "args": ["get", "pods"] }))
}

#[tokio::test(start_paused = true)]
async fn a_command_without_an_answer_is_inconclusive() {
    let refused = "The connection to the server 172.20.1.2:6443 was refused";
    for (code, stderr, is_ready, expected) in [
        (0, "", true, "one Passed out".to_owned()),
        (1, "no such pod", true, "one Failed exit code 1, expected 0: no such pod".to_owned()),
        (1, refused, true, format!("one Inconclusive exit code 1, expected 0: {refused}")),
        (
            1,
            "killed",
            false,
            "one Inconclusive exit code 1, expected 0: killed (API server: connection \
             refused)"
                .to_owned(),
        ),
    ] {
        assert_eq!(kubectl(get(), code, stderr, is_ready).await.0, expected);
    }
    let expecting =
        json!({ "args": ["get"], "expect": { "exitCode": 1, "stderr": "was refused" } });
    let (end, _) = kubectl(step("one", "kubectl", expecting), 1, refused, false).await;
    assert_eq!(end, "one Passed out");
}

#[tokio::test(start_paused = true)]
async fn runs_a_command_in_a_selected_pod() {
    let exec = json!({
        "pod": { "select": "web" }, "container": "main", "command": ["cat", "/x"],
        "expect": { "stdout": "^in" },
    });
    let (end, _) = kubectl(step("one", "exec", exec), 0, "", true).await;
    assert_eq!(end, "one Failed stdout does not match `^in`: out");
}

#[tokio::test(start_paused = true)]
async fn a_failed_drain_reports_the_reason() {
    let drain = step("one", "drain", json!({ "node": "dev-worker" }));
    let why = "error when evicting pods/\"web-1\": Cannot evict pod as it would violate the budget";
    let (end, _) = kubectl(drain, 1, why, true).await;
    assert_eq!(end, format!("one Failed exit code 1, expected 0: {why}"));
}

#[tokio::test(start_paused = true)]
async fn kubectl_waits_for_a_control_plane() {
    let stage = Stage::with(json!([get()])).await;
    stage.engine.pause_container("dev-control-plane").await.unwrap();
    stage.api.now("GET /readyz", Answer::Silence);
    let late =
        "one Inconclusive not done within the deadline of 10s (API server: no answer in 2 s)";
    assert_eq!(end(&stage).await, late);
    let stage = Stage::with(json!([get()])).await;
    stage.engine.pause_container("dev-control-plane").await.unwrap();
    let (end, ()) = tokio::join!(end(&stage), async {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        stage.engine.unpause_container("dev-control-plane").await.unwrap();
    });
    assert_eq!(end, "one Passed");
}
