use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{AsyncBufReadExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};
use serde_json::Value;
use tokio::task::JoinSet;

use super::session::Session;
use crate::scenario::history::{Change, LogLine};

/// A run of a container, whose log is one stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Container {
    namespace: String,
    pod: String,
    name: String,
    /// The runtime's own identifier: a restarted container has another.
    id: String,
}

/// Records what the containers of the pods print that the scenario names, for ever.
pub(super) async fn follow(session: Arc<Session>) {
    let mut changes = session.recorder.changes();
    let mut followed = BTreeSet::new();
    let mut streams = JoinSet::new();
    loop {
        for selection in &session.scenario.record.logs {
            for pod in session.recorder.select(selection) {
                for container in started(&pod) {
                    if followed.insert(container.clone()) {
                        streams.spawn(record(session.clone(), container));
                    }
                }
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// The containers of a pod that run or ran.
fn started(pod: &Value) -> Vec<Container> {
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    statuses
        .filter(|status| status["state"]["waiting"].is_null())
        .filter_map(|status| {
            Some(Container {
                namespace: text("namespace"),
                pod: text("name"),
                name: status["name"].as_str()?.to_owned(),
                id: status["containerID"].as_str()?.to_owned(),
            })
        })
        .collect()
}

async fn record(session: Arc<Session>, container: Container) {
    let Container { namespace, pod, name, .. } = container;
    let pods: Api<Pod> = Api::namespaced(session.client.clone(), &namespace);
    let parameters =
        LogParams { container: Some(name.clone()), follow: true, ..LogParams::default() };
    let source = format!("pod/{namespace}/{pod}/{name}");
    let stream = match pods.log_stream(&pod, &parameters).await {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!("{source}: {error}");
            return;
        }
    };
    let mut lines = stream.lines();
    while let Ok(Some(line)) = lines.try_next().await {
        let log = LogLine { source: source.clone(), line };
        session.recorder.record(Change::Log(Box::new(log)));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_container_that_waits_has_no_log() {
        let status = |name: &str, id: &str, state: Value| json!({ "name": name, "containerID": id, "state": state });
        let pod = json!({
            "metadata": { "namespace": "default", "name": "web-1" },
            "status": { "containerStatuses": [
                status("a", "containerd://1", json!({ "running": {} })),
                status("b", "containerd://2", json!({ "terminated": {} })),
                status("c", "containerd://3", json!({ "waiting": {} })),
            ] },
        });
        let ids: Vec<String> = started(&pod).into_iter().map(|container| container.id).collect();
        assert_eq!(ids, ["containerd://1", "containerd://2"]);
        assert_eq!(started(&json!({})), []);
    }
}
