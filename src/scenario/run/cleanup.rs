use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Taint};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::lock::lock;
use super::outcome::{describe, is_transient, reason};
use super::resource::Resource;

/// The prefix of the taints that Kubernetes itself sets and removes.
const OWN_TAINTS: &str = "node.kubernetes.io/";

/// The time limit for all of it. Pods have 30 seconds to end.
const TIMEOUT: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(300);

/// What a run changes in an existing cluster, to undo it when the run ends.
#[derive(Default)]
pub(super) struct Cleanup {
    enabled: AtomicBool,
    created: Mutex<Vec<Created>>,
    nodes: Mutex<BTreeMap<String, Node>>,
}

struct Created {
    resource: Resource,
    namespace: String,
    name: String,
}

impl Cleanup {
    /// Remembers changes from now on. A cluster of the run's own needs no cleanup: kindrs deletes it.
    pub fn enable(&self) {
        self.enabled.store(true, Ordering::Relaxed);
    }

    fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Remembers an object before its creation, unless an object of this name exists.
    pub async fn before_create(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        objects: &Api<DynamicObject>,
    ) -> Result<(), kube::Error> {
        if self.is_enabled() && !name.is_empty() && is_absent(objects, name).await? {
            self.created(resource, namespace, name);
        }
        Ok(())
    }

    pub fn created(&self, resource: &Resource, namespace: &str, name: &str) {
        if self.is_enabled() {
            let (namespace, name) = (namespace.to_owned(), name.to_owned());
            lock(&self.created).push(Created { resource: resource.clone(), namespace, name });
        }
    }

    /// Remembers a node before its first change. Changes to other kinds stay.
    pub async fn before_change(
        &self,
        resource: &Resource,
        name: &str,
        objects: &Api<DynamicObject>,
    ) -> Result<(), kube::Error> {
        if resource.api.kind != "Node" {
            return Ok(());
        }
        self.before_node_change(name, &Api::all(objects.clone().into_client())).await
    }

    /// Remembers a node before its first change.
    pub async fn before_node_change(
        &self,
        name: &str,
        nodes: &Api<Node>,
    ) -> Result<(), kube::Error> {
        if !self.is_enabled() || lock(&self.nodes).contains_key(name) {
            return Ok(());
        }
        if let Some(node) = nodes.get_opt(name).await? {
            lock(&self.nodes).entry(name.to_owned()).or_insert(node);
        }
        Ok(())
    }

    /// Restores the labels, taints and schedulability of nodes. Then deletes the created objects with
    /// their dependents, the last one first, and waits until they no longer exist. Returns all failures,
    /// after trying everything.
    pub async fn run(&self, client: &Client) -> anyhow::Result<()> {
        let until = Instant::now() + TIMEOUT;
        let mut failures = Vec::new();
        let mut note = |what: String, result: anyhow::Result<()>| {
            failures.extend(result.err().map(|error| format!("{what}: {}", describe(&error))));
        };
        // Nodes first: on a tainted or cordoned node, some objects cannot end.
        let nodes: Api<Node> = Api::all(client.clone());
        let changed = std::mem::take(&mut *lock(&self.nodes));
        for (name, before) in changed {
            let restored = in_time(until, || restore(&nodes, &name, &before)).await;
            note(format!("Node {name}"), restored);
        }
        let all: Vec<Created> = std::mem::take(&mut *lock(&self.created));
        let mut deleted = Vec::new();
        for created in all.iter().rev() {
            let objects = created.resource.objects(client, &created.namespace);
            note(created.path(), in_time(until, || delete(&objects, &created.name)).await);
            deleted.push((created, objects));
        }
        for (created, objects) in deleted {
            note(created.path(), in_time(until, || is_absent(&objects, &created.name)).await);
        }
        match failures.as_slice() {
            [] => Ok(()),
            failures => Err(anyhow::anyhow!(failures.join("; "))),
        }
    }
}

impl Created {
    fn path(&self) -> String {
        format!("{} {}", self.resource.api.kind, self.name)
    }
}

/// Repeats a request until it returns true.
async fn in_time<F>(until: Instant, mut request: impl FnMut() -> F) -> anyhow::Result<()>
where
    F: Future<Output = Result<bool, kube::Error>>,
{
    loop {
        let problem = match tokio::time::timeout_at(until, request()).await {
            Ok(Ok(true)) => return Ok(()),
            Ok(Ok(false)) => "still exists".to_owned(),
            Ok(Err(error)) if is_transient(&error) => reason(&error),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => "the API server does not answer".to_owned(),
        };
        if Instant::now() + PAUSE >= until {
            anyhow::bail!(problem);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn delete(objects: &Api<DynamicObject>, name: &str) -> Result<bool, kube::Error> {
    // Deletes the objects that an owner owns first.
    match objects.delete(name, &DeleteParams::foreground()).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(true),
        result => result.map(|_| true),
    }
}

/// Whether there is no such object. Its kind can be deleted as well.
async fn is_absent(objects: &Api<DynamicObject>, name: &str) -> Result<bool, kube::Error> {
    match objects.get(name).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(true),
        result => result.map(|_| false),
    }
}

async fn restore(nodes: &Api<Node>, name: &str, before: &Node) -> Result<bool, kube::Error> {
    loop {
        let Some(now) = nodes.get_opt(name).await? else { return Ok(true) };
        let mut body = difference(&now, before);
        // If Kubernetes changes the taints in between, this is a conflict.
        body["metadata"]["resourceVersion"] = now.metadata.resource_version.into();
        match nodes.patch(name, &PatchParams::default(), &Patch::Merge(body)).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            result => return result.map(|_| true),
        }
    }
}

/// The merge patch that restores a node's labels, taints and schedulability. The taints of Kubernetes
/// stay as they are now.
fn difference(now: &Node, before: &Node) -> Value {
    let (old, new) = (before.metadata.labels.clone(), now.metadata.labels.clone());
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    let mut labels: Map<String, Value> = new
        .keys()
        .filter(|name| !old.contains_key(*name))
        .map(|name| (name.clone(), Value::Null))
        .collect();
    labels.extend(old.into_iter().map(|(name, value)| (name, value.into())));
    let taints = |node: &Node| -> Vec<Taint> {
        node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default()
    };
    let kubernetes_own = |taint: &Taint| taint.key.starts_with(OWN_TAINTS);
    let mut kept: Vec<Taint> = taints(now).into_iter().filter(kubernetes_own).collect();
    kept.extend(taints(before).into_iter().filter(|taint| !kubernetes_own(taint)));
    json!({
        "metadata": { "labels": labels },
        "spec": {
            "taints": kept,
            "unschedulable": before.spec.as_ref().and_then(|spec| spec.unschedulable),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::run::fixture::{Answer, Stage, pod};
    use crate::scenario::run::resource;

    fn node(value: Value) -> Node {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn restores_the_changes_of_steps_but_not_of_kubernetes() {
        let before = node(json!({
            "metadata": { "labels": { "zone": "a" } },
            "spec": { "taints": [
                { "key": "dedicated", "effect": "NoSchedule" },
                { "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" },
            ] },
        }));
        let now = node(json!({
            "metadata": { "labels": { "zone": "b", "new": "1" } },
            "spec": { "unschedulable": true, "taints": [
                { "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" },
                { "key": "mine", "effect": "NoExecute" },
            ] },
        }));
        let expected = json!({
            "metadata": { "labels": { "new": null, "zone": "a" } },
            "spec": {
                "taints": [
                    { "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" },
                    { "key": "dedicated", "effect": "NoSchedule" },
                ],
                "unschedulable": null,
            },
        });
        assert_eq!(difference(&now, &before), expected);
    }

    const PODS: &str = "/api/v1/namespaces/default/pods";

    async fn stage() -> Stage {
        let stage = Stage::with(json!([])).await;
        stage.session.state.cleanup.enable();
        stage
    }

    async fn create(stage: &Stage, name: &str) {
        let client = &stage.session.client;
        let kind = resource::require(client, "Pod").await.unwrap();
        let objects = kind.objects(client, "default");
        let cleanup = &stage.session.state.cleanup;
        cleanup.before_create(&kind, "default", name, &objects).await.unwrap();
    }

    fn deleted(stage: &Stage) -> Vec<String> {
        let asked = stage.api.asked().into_iter().map(|asked| asked.what);
        asked.filter_map(|what| what.strip_prefix("DELETE ").map(str::to_owned)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn deletes_created_objects_in_reverse_and_waits() {
        let stage = stage().await;
        stage.api.gives(&format!("GET {PODS}/old"), pod("old", "1"));
        for name in ["old", "one", "two"] {
            create(&stage, name).await;
        }
        // The answer for a kind that no longer exists.
        let no_kind = json!("404 page not found");
        stage.api.now(&format!("GET {PODS}/two"), Answer::Json(404, no_kind));
        stage.api.now(&format!("GET {PODS}/one"), Answer::Json(200, pod("one", "2")));
        stage.api.refuses(&format!("GET {PODS}/one"), 404, "not found");
        stage.api.refuses(&format!("DELETE {PODS}/one"), 503, "not now");
        stage.api.gives(&format!("DELETE {PODS}/one"), pod("one", "3"));
        // Something else deleted the object.
        stage.api.refuses(&format!("DELETE {PODS}/two"), 404, "not found");
        stage.session.state.cleanup.run(&stage.session.client).await.unwrap();
        let expected = ["two", "one", "one"].map(|name| format!("{PODS}/{name}"));
        assert_eq!(deleted(&stage), expected);
        let asked = stage.api.asked_for(&format!("GET {PODS}/one"));
        assert!(asked.len() >= 3, "{asked:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn names_what_remains_after_everything_was_tried() {
        let stage = stage().await;
        for name in ["stays", "refused", "goes"] {
            create(&stage, name).await;
        }
        stage.api.gives(&format!("DELETE {PODS}/stays"), pod("stays", "1"));
        stage.api.now(&format!("GET {PODS}/stays"), Answer::Json(200, pod("stays", "1")));
        stage.api.refuses(&format!("DELETE {PODS}/refused"), 403, "you may not");
        stage.api.gives(&format!("DELETE {PODS}/goes"), pod("goes", "1"));
        let error = stage.session.state.cleanup.run(&stage.session.client).await.unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("Pod refused: ") && text.contains("you may not"), "{text}");
        assert!(text.contains("Pod stays: still exists"), "{text}");
        assert!(!text.contains("Pod goes"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn restores_nodes_despite_conflicts() {
        let stage = stage().await;
        let node = |labels: Value| json!({ "metadata": { "name": "n", "resourceVersion": "7", "labels": labels } });
        let nodes: Api<Node> = Api::all(stage.session.client.clone());
        stage.api.gives("GET /api/v1/nodes/n", node(json!({ "zone": "a" })));
        stage.api.gives("GET /api/v1/nodes/n", node(json!({ "zone": "b" })));
        stage.session.state.cleanup.before_node_change("n", &nodes).await.unwrap();
        // The state before the first change counts.
        stage.session.state.cleanup.before_node_change("n", &nodes).await.unwrap();
        stage.api.refuses("PATCH /api/v1/nodes/n", 409, "the object has been modified");
        stage.api.gives("PATCH /api/v1/nodes/n", node(json!({ "zone": "a" })));
        stage.session.state.cleanup.run(&stage.session.client).await.unwrap();
        let patches = stage.api.asked_for("PATCH /api/v1/nodes/n");
        assert_eq!(patches.len(), 2);
        let metadata = json!({ "labels": { "zone": "a" }, "resourceVersion": "7" });
        assert_eq!(patches[1].body["metadata"], metadata);
    }

    #[tokio::test(start_paused = true)]
    async fn does_nothing_on_a_cluster_of_the_runs_own() {
        let stage = Stage::with(json!([])).await;
        create(&stage, "one").await;
        stage.session.state.cleanup.run(&stage.session.client).await.unwrap();
        assert_eq!(stage.api.asked(), []);
    }
}
