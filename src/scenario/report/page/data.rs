use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use super::bar_class::bar_class;
use super::occurrence::{self, Occurrence};
use crate::scenario::history::{Moment, ObjectEvent};
use crate::scenario::report::Analysis;
use crate::scenario::report::fields::{controller, text};
use crate::scenario::report::kubernetes_event;
use crate::scenario::report::lifetime::{Lifetime, Lifetimes};
use crate::scenario::report::status::status;

/// The data of the page's script: everything that the timeline shows.
#[derive(Debug, Serialize)]
pub(super) struct Data {
    pub(super) end: Moment,
    /// The cluster's name, the prefix of its nodes' names.
    pub(super) cluster: String,
    /// The wall-clock time at which the record starts.
    pub(super) time: String,
    pub(super) steps: Vec<Occurrence>,
    pub(super) faults: Vec<Occurrence>,
    pub(super) assertions: Vec<Occurrence>,
    pub(super) outages: Vec<Occurrence>,
    pub(super) gaps: Vec<Occurrence>,
    pub(super) objects: Vec<Object>,
    pub(super) events: Vec<KubernetesEvent>,
    /// Notes for people about data that is left out.
    pub(super) notes: Vec<String>,
}

/// An object with all its versions.
#[derive(Debug, Serialize)]
pub(super) struct Object {
    /// The kind without group and version.
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    /// The kind and name of the controller.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) owner: String,
    /// The node of a pod.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deleted: Option<Moment>,
    pub(super) versions: Vec<Version>,
}

/// An object from a moment on.
#[derive(Debug, Serialize)]
pub(super) struct Version {
    pub(super) at: Moment,
    #[serde(skip_serializing_if = "is_modified")]
    pub(super) event: ObjectEvent,
    pub(super) class: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) state: String,
    /// The JSON Patch that turns the version before into this one. The first version replaces
    /// `null`. `None` if nothing changed, or if the page has no room for the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) patch: Option<json_patch::Patch>,
}

fn is_modified(event: &ObjectEvent) -> bool {
    *event == ObjectEvent::Modified
}

/// A Kubernetes Event in one line.
#[derive(Debug, Serialize)]
pub(super) struct KubernetesEvent {
    pub(super) at: Moment,
    /// The index in `objects` of the object that the Event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<usize>,
    #[serde(rename = "warning")]
    pub(super) is_warning: bool,
    pub(super) text: String,
}

impl Data {
    /// Events become lines. Leases are left out: they are many and say little.
    pub(super) fn of(analysis: &Analysis) -> Self {
        let Analysis { run, lifetimes, periods, .. } = analysis;
        let end = analysis.end();
        let shown: Vec<&Lifetime> = lifetimes
            .all
            .iter()
            .filter(|lifetime| !matches!(lifetime.kind(), "Lease" | "Event"))
            .collect();
        Self {
            end,
            cluster: run.cluster.clone(),
            time: run.time.to_string(),
            steps: occurrence::steps(run, periods, end),
            faults: periods.faults.iter().map(|fault| occurrence::fault(fault, end)).collect(),
            assertions: run.judgements.iter().map(occurrence::assertion).collect(),
            outages: periods.outages.iter().map(|outage| occurrence::outage(outage, end)).collect(),
            gaps: periods.gaps.iter().map(|gap| occurrence::gap(gap, end)).collect(),
            objects: shown.iter().map(|lifetime| object(lifetime)).collect(),
            events: events(lifetimes, &shown),
            notes: Vec::new(),
        }
    }
}

fn object(lifetime: &Lifetime) -> Object {
    let kind = lifetime.kind();
    let mut before = &Value::Null;
    let versions = lifetime
        .versions
        .iter()
        .map(|version| {
            let patch = json_patch::diff(before, &version.object);
            before = &version.object;
            Version {
                at: version.at,
                event: version.event,
                class: bar_class(kind, &version.object),
                state: status(kind, &version.object),
                patch: (!patch.0.is_empty()).then_some(patch),
            }
        })
        .collect();
    let last = lifetime.last().unwrap_or(&Value::Null);
    Object {
        kind: kind.to_owned(),
        namespace: lifetime.name.namespace.clone(),
        name: lifetime.name.name.clone(),
        uid: lifetime.name.uid.clone(),
        owner: controller(last).map(|(kind, name, _)| format!("{kind} {name}")).unwrap_or_default(),
        node: text(last, "/spec/nodeName").to_owned(),
        deleted: lifetime.deleted,
        versions,
    }
}

fn events(lifetimes: &Lifetimes, shown: &[&Lifetime]) -> Vec<KubernetesEvent> {
    // Events about nodes have the node's name in place of its uid.
    let key = |kind: &str, name: &str, uid: &str| match kind {
        "Node" => format!("Node/{name}"),
        _ => uid.to_owned(),
    };
    let places: HashMap<String, usize> = shown
        .iter()
        .map(|lifetime| key(lifetime.kind(), &lifetime.name.name, &lifetime.name.uid))
        .zip(0..)
        .collect();
    let versions = lifetimes.of_kind("Event").flat_map(|event| &event.versions);
    let mut events: Vec<KubernetesEvent> = versions
        .filter(|version| matches!(version.event, ObjectEvent::Added | ObjectEvent::Modified))
        .map(|version| {
            let event = version.object.as_ref();
            let about = kubernetes_event::involved(event);
            let [kind, name, uid] = ["/kind", "/name", "/uid"].map(|pointer| text(about, pointer));
            KubernetesEvent {
                at: version.at,
                object: places.get(&key(kind, name, uid)).copied(),
                is_warning: text(event, "/type") == "Warning",
                text: kubernetes_event::line(event),
            }
        })
        .collect();
    events.sort_by_key(|event| event.at);
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    #[test]
    fn patches_rebuild_every_version_of_every_object() {
        let analysis = fixture::analysis();
        let mut rebuilt = 0;
        for object in Data::of(&analysis).objects {
            let mut lifetimes = analysis.lifetimes.of_kind(&object.kind);
            let lifetime = lifetimes.find(|lifetime| lifetime.name.uid == object.uid).unwrap();
            let mut body = Value::Null;
            for (version, expected) in object.versions.iter().zip(&lifetime.versions) {
                json_patch::patch(&mut body, version.patch.as_ref().unwrap()).unwrap();
                assert_eq!(body, *expected.object, "{} at {}", lifetime.name, version.at);
                rebuilt += 1;
            }
        }
        assert_eq!(rebuilt, 47);
    }
}
