//! Kubernetes Events on the objects that a fault hits, for `kubectl describe`.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use crate::cluster::access::client;
use crate::runtime::Engine;

use super::action::Subject;
use super::entry::Entry;

/// How long to wait for the API server, which the fault can have taken down.
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

/// The kubelet and kubectl use a node's name as the UID in the node's Events.
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

/// Creates Events on a best-effort basis: a fault does not fail because of them.
pub(super) async fn create(engine: &dyn Engine, cluster: &str, events: Vec<Value>) {
    let client = match client(engine, cluster).await {
        Ok(client) => client,
        Err(error) => {
            tracing::debug!("cannot create Events: {error:#}");
            return;
        }
    };
    let created = join_all(events.into_iter().filter_map(|event| {
        let event: Event = serde_json::from_value(event).ok()?;
        let namespace = event.metadata.namespace.clone()?;
        let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
        Some(async move { api.create(&PostParams::default(), &event).await })
    }));
    match tokio::time::timeout(PATIENCE, created).await {
        Ok(results) => {
            for error in results.into_iter().filter_map(Result::err) {
                tracing::debug!("cannot create an Event: {error}");
            }
        }
        Err(_) => tracing::debug!("cannot create Events: the API server does not answer"),
    }
}
