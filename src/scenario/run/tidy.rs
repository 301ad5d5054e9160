use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Taint};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::outcome::{is_transient, reason, told};
use super::resource::Resource;
use super::session::lock;

/// Prefix of the taints that Kubernetes itself sets and removes.
const OWN_TAINTS: &str = "node.kubernetes.io/";

/// How long all of it may take. Pods have half a minute to end.
const PATIENCE: Duration = Duration::from_secs(90);
/// Pause between looks at what is to go.
const PAUSE: Duration = Duration::from_millis(300);

/// What a run changes in a cluster that outlives it, so that it can be taken back.
#[derive(Default)]
pub(super) struct Tidying {
    enabled: AtomicBool,
    made: Mutex<Vec<Made>>,
    nodes: Mutex<BTreeMap<String, Node>>,
}

struct Made {
    resource: Resource,
    namespace: String,
    name: String,
}

impl Tidying {
    /// Remembers from now on; a cluster of the run's own goes with all that is in it.
    pub fn enable(&self) {
        self.enabled.store(true, Ordering::Relaxed);
    }

    fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Remembers an object that is about to be made, if there is none of its name.
    ///
    /// # Errors
    /// When the API server does not tell whether there is.
    pub async fn before_making(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        objects: &Api<DynamicObject>,
    ) -> Result<(), kube::Error> {
        if self.is_enabled() && !name.is_empty() && objects.get_opt(name).await?.is_none() {
            self.made(resource, namespace, name);
        }
        Ok(())
    }

    /// Remembers an object that was made.
    pub fn made(&self, resource: &Resource, namespace: &str, name: &str) {
        if self.is_enabled() {
            let (namespace, name) = (namespace.to_owned(), name.to_owned());
            lock(&self.made).push(Made { resource: resource.clone(), namespace, name });
        }
    }

    /// Remembers a node as it is before its first change; other kinds are left as they get.
    ///
    /// # Errors
    /// When the API server does not tell how it is.
    pub async fn before_changing(
        &self,
        resource: &Resource,
        name: &str,
        objects: &Api<DynamicObject>,
    ) -> Result<(), kube::Error> {
        if resource.api.kind != "Node" {
            return Ok(());
        }
        self.before_changing_node(name, &Api::all(objects.clone().into_client())).await
    }

    /// Remembers a node as it is before its first change.
    ///
    /// # Errors
    /// When the API server does not tell how it is.
    pub async fn before_changing_node(
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

    /// Deletes what was made with all that it made itself, the last first, waits until it is gone, and
    /// gives nodes their labels, taints and schedulability back.
    ///
    /// # Errors
    /// What was not done in [`PATIENCE`], after all was tried.
    pub async fn tidy(&self, client: &Client) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        let mut failures = Vec::new();
        let mut note = |what: String, result: anyhow::Result<()>| {
            failures.extend(result.err().map(|error| format!("{what}: {}", told(&error))));
        };
        // Nodes first: on one that is tainted or cordoned nothing comes to its end by itself.
        let nodes: Api<Node> = Api::all(client.clone());
        let changed = std::mem::take(&mut *lock(&self.nodes));
        for (name, before) in changed {
            let restored = in_time(until, || restore(&nodes, &name, &before)).await;
            note(format!("Node {name}"), restored);
        }
        let made: Vec<Made> = std::mem::take(&mut *lock(&self.made));
        let mut deleted = Vec::new();
        for made in made.iter().rev() {
            let objects = made.resource.objects(client, &made.namespace);
            let asked = in_time(until, || delete(&objects, &made.name)).await;
            note(made.path(), asked);
            deleted.push((made, objects));
        }
        for (made, objects) in deleted {
            let gone = in_time(until, || gone(&objects, &made.name)).await;
            note(made.path(), gone);
        }
        match failures.as_slice() {
            [] => Ok(()),
            failures => Err(anyhow::anyhow!(failures.join("; "))),
        }
    }
}

impl Made {
    fn path(&self) -> String {
        format!("{} {}", self.resource.api.kind, self.name)
    }
}

/// Asks until what is asked for is so.
async fn in_time<F>(until: Instant, mut ask: impl FnMut() -> F) -> anyhow::Result<()>
where
    F: Future<Output = Result<bool, kube::Error>>,
{
    loop {
        let problem = match tokio::time::timeout_at(until, ask()).await {
            Ok(Ok(true)) => return Ok(()),
            Ok(Ok(false)) => "it is still there".to_owned(),
            Ok(Err(error)) if is_transient(&error) => reason(&error),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => "the API server has no answer".to_owned(),
        };
        if Instant::now() + PAUSE >= until {
            anyhow::bail!(problem);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn delete(objects: &Api<DynamicObject>, name: &str) -> Result<bool, kube::Error> {
    // An owner goes after all that it owns.
    match objects.delete(name, &DeleteParams::foreground()).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(true),
        result => result.map(|_| true),
    }
}

async fn gone(objects: &Api<DynamicObject>, name: &str) -> Result<bool, kube::Error> {
    Ok(objects.get_opt(name).await?.is_none())
}

async fn restore(nodes: &Api<Node>, name: &str, before: &Node) -> Result<bool, kube::Error> {
    loop {
        let Some(now) = nodes.get_opt(name).await? else { return Ok(true) };
        let mut body = difference(&now, before);
        // Taints that Kubernetes sets or removes meanwhile are a conflict.
        body["metadata"]["resourceVersion"] = now.metadata.resource_version.into();
        match nodes.patch(name, &PatchParams::default(), &Patch::Merge(body)).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            result => return result.map(|_| true),
        }
    }
}

/// The patch that gives a node its labels, its own taints and its schedulability back.
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
    fn a_node_gets_back_what_steps_changed_and_keeps_what_kubernetes_did() {
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
        stage.session.tidying.enable();
        stage
    }

    async fn make(stage: &Stage, name: &str) {
        let client = &stage.session.client;
        let kind = resource::require(client, "Pod").await.unwrap();
        let objects = kind.objects(client, "default");
        let tidying = &stage.session.tidying;
        tidying.before_making(&kind, "default", name, &objects).await.unwrap();
    }

    fn deleted(stage: &Stage) -> Vec<String> {
        let asked = stage.api.asked().into_iter().map(|asked| asked.what);
        asked.filter_map(|what| what.strip_prefix("DELETE ").map(str::to_owned)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_made_is_deleted_in_reverse_and_waited_for() {
        let stage = stage().await;
        stage.api.gives(&format!("GET {PODS}/old"), pod("old", "1"));
        for name in ["old", "one", "two"] {
            make(&stage, name).await;
        }
        stage.api.now(&format!("GET {PODS}/one"), Answer::Json(200, pod("one", "2")));
        stage.api.refuses(&format!("GET {PODS}/one"), 404, "not found");
        stage.api.refuses(&format!("DELETE {PODS}/one"), 503, "not now");
        stage.api.gives(&format!("DELETE {PODS}/one"), pod("one", "3"));
        // It went by itself.
        stage.api.refuses(&format!("DELETE {PODS}/two"), 404, "not found");
        stage.session.tidying.tidy(&stage.session.client).await.unwrap();
        let expected = ["two", "one", "one"].map(|name| format!("{PODS}/{name}"));
        assert_eq!(deleted(&stage), expected);
        let asked = stage.api.asked_for(&format!("GET {PODS}/one"));
        assert!(asked.len() >= 3, "{asked:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_stays_is_named_after_all_was_tried() {
        let stage = stage().await;
        for name in ["stays", "refused", "goes"] {
            make(&stage, name).await;
        }
        stage.api.gives(&format!("DELETE {PODS}/stays"), pod("stays", "1"));
        stage.api.now(&format!("GET {PODS}/stays"), Answer::Json(200, pod("stays", "1")));
        stage.api.refuses(&format!("DELETE {PODS}/refused"), 403, "you may not");
        stage.api.gives(&format!("DELETE {PODS}/goes"), pod("goes", "1"));
        let error = stage.session.tidying.tidy(&stage.session.client).await.unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("Pod refused: ") && text.contains("you may not"), "{text}");
        assert!(text.contains("Pod stays: it is still there"), "{text}");
        assert!(!text.contains("Pod goes"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn nodes_get_back_what_they_had_across_conflicts() {
        let stage = stage().await;
        let node = |labels: Value| json!({ "metadata": { "name": "n", "resourceVersion": "7", "labels": labels } });
        let nodes: Api<Node> = Api::all(stage.session.client.clone());
        stage.api.gives("GET /api/v1/nodes/n", node(json!({ "zone": "a" })));
        stage.api.gives("GET /api/v1/nodes/n", node(json!({ "zone": "b" })));
        stage.session.tidying.before_changing_node("n", &nodes).await.unwrap();
        // It is known from before its first change.
        stage.session.tidying.before_changing_node("n", &nodes).await.unwrap();
        stage.api.refuses("PATCH /api/v1/nodes/n", 409, "the object has been modified");
        stage.api.gives("PATCH /api/v1/nodes/n", node(json!({ "zone": "a" })));
        stage.session.tidying.tidy(&stage.session.client).await.unwrap();
        let patches = stage.api.asked_for("PATCH /api/v1/nodes/n");
        assert_eq!(patches.len(), 2);
        let metadata = json!({ "labels": { "zone": "a" }, "resourceVersion": "7" });
        assert_eq!(patches[1].body["metadata"], metadata);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cluster_of_the_runs_own_needs_none_of_it() {
        let stage = Stage::with(json!([])).await;
        make(&stage, "one").await;
        stage.session.tidying.tidy(&stage.session.client).await.unwrap();
        assert_eq!(stage.api.asked(), []);
    }
}
