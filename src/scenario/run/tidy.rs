use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::{Node, Taint};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::runtime::conditions::is_deleted;
use kube::runtime::wait::await_condition;
use serde_json::{Map, Value, json};

use super::resource::Resource;
use super::session::lock;

/// Prefix of the taints that Kubernetes itself sets and removes.
const OWN_TAINTS: &str = "node.kubernetes.io/";
/// How long what is deleted may take to be gone: more than the 30 s that a pod has to end.
const UNTIL_GONE: Duration = Duration::from_secs(45);

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

    /// Remembers an object that is about to be made, if there is none of its name.
    pub async fn before_making(
        &self,
        resource: Resource,
        namespace: &str,
        name: &str,
        objects: &Api<DynamicObject>,
    ) {
        if !self.enabled.load(Ordering::Relaxed) || name.is_empty() {
            return;
        }
        if matches!(objects.get_opt(name).await, Ok(None)) {
            let (namespace, name) = (namespace.to_owned(), name.to_owned());
            lock(&self.made).push(Made { resource, namespace, name });
        }
    }

    /// Remembers a node as it is before its first change; other kinds are left as they get.
    pub async fn before_changing(
        &self,
        resource: Resource,
        name: &str,
        objects: &Api<DynamicObject>,
    ) {
        if resource.api.kind == "Node" {
            let nodes: Api<Node> = Api::all(objects.clone().into_client());
            self.before_changing_node(name, &nodes).await;
        }
    }

    /// Remembers a node as it is before its first change.
    pub async fn before_changing_node(&self, name: &str, nodes: &Api<Node>) {
        if !self.enabled.load(Ordering::Relaxed) || lock(&self.nodes).contains_key(name) {
            return;
        }
        if let Ok(Some(node)) = nodes.get_opt(name).await {
            lock(&self.nodes).entry(name.to_owned()).or_insert(node);
        }
    }

    /// Whether there is anything to take back.
    pub fn is_due(&self) -> bool {
        !lock(&self.made).is_empty() || !lock(&self.nodes).is_empty()
    }

    /// Deletes what was made, the last first, with all that belongs to it, and gives nodes their labels,
    /// taints and schedulability back. Waits until all is gone, that the next run finds none of it; but
    /// not for ever.
    ///
    /// # Errors
    /// The first failure, after all was tried.
    pub async fn tidy(&self, client: &Client) -> anyhow::Result<()> {
        let mut failed = None;
        let mut ending = Vec::new();
        let made = std::mem::take(&mut *lock(&self.made));
        for made in made.into_iter().rev() {
            let objects = made.resource.objects(client, &made.namespace);
            match objects.delete(&made.name, &DeleteParams::foreground()).await {
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => {
                    let what = format!("{} {}", made.resource.api.kind, made.name);
                    failed = failed.or(Some(anyhow::Error::new(error).context(what)));
                }
                Ok(either) => {
                    if let Some(uid) = either.left().and_then(|object| object.metadata.uid) {
                        ending.push((objects, made.name, uid));
                    }
                }
            }
        }
        let nodes: Api<Node> = Api::all(client.clone());
        let changed = std::mem::take(&mut *lock(&self.nodes));
        for (name, before) in changed {
            let restored = async {
                let Some(now) = nodes.get_opt(&name).await? else { return anyhow::Ok(()) };
                let body = Patch::Merge(difference(&now, &before));
                nodes.patch(&name, &PatchParams::default(), &body).await?;
                Ok(())
            };
            if let Err(error) = restored.await.with_context(|| format!("Node {name}")) {
                failed = failed.or(Some(error));
            }
        }
        let gone = async {
            for (objects, name, uid) in ending {
                // Without news of it nobody waits for it.
                let _ = await_condition(objects, &name, is_deleted(&uid)).await;
            }
        };
        if tokio::time::timeout(UNTIL_GONE, gone).await.is_err() {
            tracing::debug!("not all of what the run made is gone");
        }
        failed.map_or(Ok(()), Err)
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
}
