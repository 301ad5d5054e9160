//! Events on what a fault hits, so that `kubectl describe` tells the story.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use super::action::Subject;
use super::journal::Entry;

/// How long an Event may take: without an API server there is nobody to tell.
const PATIENCE: Duration = Duration::from_secs(2);

/// The Event of an injection.
pub(super) fn injected(entry: &Entry) -> Value {
    let end = match entry.until {
        Some(until) if until > entry.since => format!(", until {until:.0}"),
        _ => String::new(),
    };
    let message = format!("kindrs {} ({}): {}{end}", entry.fault, entry.id, entry.effect);
    object(entry, "FaultInjected", "Warning", &message, entry.since)
}

/// The Event of a healing.
pub(super) fn healed(entry: &Entry, at: Timestamp) -> Value {
    let message = format!("kindrs {} ({}): {}", entry.fault, entry.id, entry.healing);
    object(entry, "FaultHealed", "Normal", &message, at)
}

/// kubectl finds a node's Events by the node's name in place of a uid, as kubelet writes them.
fn object(entry: &Entry, reason: &str, kind: &str, message: &str, at: Timestamp) -> Value {
    let (namespace, involved) = match &entry.subject {
        Subject::Node { name } => ("default", json!({ "kind": "Node", "name": name, "uid": name })),
        Subject::Pod { namespace, name, uid } => (
            namespace.as_str(),
            json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "namespace": namespace,
                "name": name,
                "uid": uid,
            }),
        ),
    };
    let at = format!("{at:.0}");
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "generateName": "kindrs-fault-", "namespace": namespace },
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "type": kind,
        "source": { "component": "kindrs", "host": entry.node },
        "reportingComponent": "kindrs",
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    })
}

/// Creates Events as far as that is possible: a fault is none the less for not being told of.
pub(super) async fn tell(client: Option<&Client>, events: Vec<Value>) {
    let Some(client) = client else { return };
    let created = join_all(events.into_iter().filter_map(|event| {
        let event: Event = serde_json::from_value(event).ok()?;
        let namespace = event.metadata.namespace.clone()?;
        let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
        Some(async move { api.create(&PostParams::default(), &event).await })
    }));
    match tokio::time::timeout(PATIENCE, created).await {
        Ok(results) => {
            for error in results.into_iter().filter_map(Result::err) {
                tracing::debug!("an Event is refused: {error}");
            }
        }
        Err(_) => tracing::debug!("the API server takes no Events"),
    }
}
