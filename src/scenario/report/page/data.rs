//! What the page's script gets.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use super::delta::Delta;
use super::occurrences::{Occurrence, api, assertions, faults, gaps, steps};
use super::state::class;
use crate::scenario::history::{Change, Entry, Moment, ObjectEvent};
use crate::scenario::outcome::RunReport;
use crate::scenario::report::explain::{event_line, involved};
use crate::scenario::report::lives::{Life, Lives};
use crate::scenario::report::object::{self, controller, short_kind, text};

/// All of a record that the timeline shows.
#[derive(Debug, Serialize)]
pub(super) struct Data {
    pub(super) end: Moment,
    /// The cluster's name, with which its nodes' names begin.
    pub(super) cluster: String,
    /// When the record began, by the wall clock.
    pub(super) time: String,
    pub(super) steps: Vec<Occurrence>,
    pub(super) faults: Vec<Occurrence>,
    pub(super) assertions: Vec<Occurrence>,
    pub(super) api: Vec<Occurrence>,
    pub(super) gaps: Vec<Occurrence>,
    pub(super) objects: Vec<Object>,
    pub(super) events: Vec<KubernetesEvent>,
    /// What is left out, for people.
    pub(super) notes: Vec<String>,
}

/// An object with all its versions.
#[derive(Debug, Serialize)]
pub(super) struct Object {
    /// Its kind, without group and version.
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    /// The kind and name of what made it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) owner: String,
    /// The node it is bound to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) node: String,
    /// Whether it was created in the record.
    pub(super) created: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gone: Option<Moment>,
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
    /// What makes the version before this one; of the first, all of it. `None` where nothing changed,
    /// or where bodies are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delta: Option<Value>,
}

fn is_modified(event: &ObjectEvent) -> bool {
    *event == ObjectEvent::Modified
}

/// An Event of Kubernetes, in one line.
#[derive(Debug, Serialize)]
pub(super) struct KubernetesEvent {
    pub(super) at: Moment,
    /// The place in `objects` of what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<usize>,
    /// Whether it is a warning.
    pub(super) warning: bool,
    pub(super) text: String,
}

impl Data {
    /// Everything of a run but Leases, of which there are many that say little, and with Events as lines.
    pub(super) fn of(run: &RunReport, history: &[Entry]) -> Self {
        let lives = Lives::of(history);
        let end = lives.end.max(Moment::default() + run.elapsed);
        let lives_shown: Vec<&Life> =
            lives.all.iter().filter(|life| !matches!(life.kind(), "Lease" | "Event")).collect();
        Self {
            end,
            cluster: run.cluster.clone(),
            time: run.time.to_string(),
            steps: steps(run, history, end),
            faults: faults(history, end),
            assertions: assertions(run),
            api: api(history, end),
            gaps: gaps(history, end),
            objects: lives_shown.iter().map(|life| object_of(life)).collect(),
            events: events(history, &lives_shown),
            notes: Vec::new(),
        }
    }
}

fn object_of(life: &Life) -> Object {
    let kind = life.kind();
    let mut before: Option<&Value> = None;
    let versions = life
        .versions
        .iter()
        .map(|version| {
            let delta = match before {
                Some(before) => Delta::between(before, &version.object),
                None => Some(Delta::Set(version.object.as_ref().clone())),
            };
            before = Some(&version.object);
            Version {
                at: version.at,
                event: version.event,
                class: class(kind, &version.object),
                state: object::state(kind, &version.object),
                delta: delta.as_ref().map(Delta::to_value),
            }
        })
        .collect();
    let owner = life.last().and_then(controller);
    Object {
        kind: kind.to_owned(),
        namespace: life.name.namespace.clone(),
        name: life.name.name.clone(),
        uid: life.name.uid.clone(),
        owner: owner.map(|(kind, name, _)| format!("{kind} {name}")).unwrap_or_default(),
        node: life.last().map(|last| text(last, "/spec/nodeName")).unwrap_or_default().to_owned(),
        created: life.created.is_some(),
        gone: life.gone,
        versions,
    }
}

fn events(history: &[Entry], lives: &[&Life]) -> Vec<KubernetesEvent> {
    let by_uid: HashMap<&str, usize> =
        lives.iter().enumerate().map(|(place, life)| (life.name.uid.as_str(), place)).collect();
    // Events about nodes have the node's name in place of its uid.
    let nodes: HashMap<&str, usize> = lives
        .iter()
        .enumerate()
        .filter(|(_, life)| life.kind() == "Node")
        .map(|(place, life)| (life.name.name.as_str(), place))
        .collect();
    let mut events: Vec<KubernetesEvent> = Vec::new();
    for entry in history {
        let Change::Object(change) = &entry.change else { continue };
        let is_told = matches!(change.event, ObjectEvent::Added | ObjectEvent::Modified);
        if short_kind(&change.kind) != "Event" || !is_told {
            continue;
        }
        let about = involved(&change.object);
        let object = match text(about, "/kind") {
            "Node" => nodes.get(text(about, "/name")),
            _ => by_uid.get(text(about, "/uid")),
        };
        events.push(KubernetesEvent {
            at: entry.at,
            object: object.copied(),
            warning: text(&change.object, "/type") == "Warning",
            text: event_line(&change.object),
        });
    }
    events
}
