use std::time::Duration;

use anyhow::Context as _;
use futures::stream::{self, TryStreamExt as _};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::Value;

/// The cluster-scoped kinds in the manifests of node images.
const CLUSTER_SCOPED: [&str; 8] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "Namespace",
    "Node",
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
];

/// How long to retry when an API server that has just started refuses an object. Its namespaces and
/// roles appear within a second or two.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

/// Creates `objects` in the order of their dependencies. Does not change objects that exist.
/// Fails when an object is invalid, or still refused after a minute.
pub async fn create_objects(client: &Client, objects: &[Value]) -> anyhow::Result<()> {
    for rank in 0..=2 {
        let of_rank = objects.iter().filter(|object| rank_of(object) == rank);
        stream::iter(of_rank.map(Ok::<_, anyhow::Error>))
            .try_for_each_concurrent(8, |object| create(client, object))
            .await?;
    }
    Ok(())
}

/// Namespaces first, then objects that pods refer to, then objects that create pods.
fn rank_of(object: &Value) -> u8 {
    match object["kind"].as_str().unwrap_or_default() {
        "Namespace" | "CustomResourceDefinition" => 0,
        "Deployment" | "DaemonSet" | "StatefulSet" | "Job" | "Pod" => 2,
        _ => 1,
    }
}

async fn create(client: &Client, object: &Value) -> anyhow::Result<()> {
    let object: DynamicObject =
        serde_json::from_value(object.clone()).context("invalid object in a manifest")?;
    let types = object.types.clone().context("an object in a manifest has no kind")?;
    let name = object.metadata.name.clone().unwrap_or_default();
    let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(&types)?);
    let api: Api<DynamicObject> = if CLUSTER_SCOPED.contains(&types.kind.as_str()) {
        Api::all_with(client.clone(), &resource)
    } else {
        let namespace = object.metadata.namespace.clone().unwrap_or_else(|| "default".to_owned());
        Api::namespaced_with(client.clone(), &namespace, &resource)
    };
    let started = tokio::time::Instant::now();
    loop {
        match api.create(&PostParams::default(), &object).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => return Ok(()),
            Err(kube::Error::Api(status)) if status.reason == "Invalid" => {
                return Err(kube::Error::Api(status)).context(format!("{} {name}", types.kind));
            }
            Err(error) if started.elapsed() > PATIENCE => {
                return Err(error).context(format!("{} {name}", types.kind));
            }
            Err(error) => {
                tracing::debug!(kind = types.kind, name, %error, "the object is refused; retrying");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dependencies_come_first() {
        let rank = |kind: &str| rank_of(&json!({ "kind": kind }));
        assert!(rank("Namespace") < rank("ServiceAccount"));
        assert!(rank("ConfigMap") < rank("DaemonSet"));
        assert_eq!(rank("Service"), rank("ClusterRole"));
    }
}
