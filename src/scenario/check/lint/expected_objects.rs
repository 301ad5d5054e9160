//! The objects that a scenario's manifests create, directly and through controllers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::context::texts_of;
use crate::kubernetes::find_kind;

/// An object that a step creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    /// Its kind without group and version, such as `Pod`.
    pub kind: String,
    /// Its kind with group and version.
    pub full_kind: String,
    /// `None` for cluster-scoped kinds.
    pub namespace: Option<String>,
    pub name: Name,
    pub labels: BTreeMap<String, String>,
    /// The object that its controller creates it for, such as `Deployment web`; `None` for one in a
    /// manifest.
    pub owner: Option<String>,
}

/// A name, or its known beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    Whole(String),
    Prefix(String),
}

/// Equal pods to place.
#[derive(Debug, Clone)]
pub(super) struct Workload {
    /// Such as `Deployment web`.
    pub what: String,
    pub pod: Value,
    pub replicas: u64,
    /// The path of the pod's spec in the manifest.
    pub path: &'static str,
}

/// All objects that a scenario's steps create.
#[derive(Debug, Default)]
pub(super) struct ExpectedObjects {
    pub objects: Vec<Expected>,
    /// Kinds that the scenario's CustomResourceDefinitions define, such as `example.com/v1/Widget`.
    pub kinds: BTreeSet<String>,
    /// Whether there are more: from kubectl, or from a manifest that cannot be read.
    pub and_more: bool,
}

impl ExpectedObjects {
    /// Whether the scenario defines a kind.
    pub fn defines(&self, kind: &str) -> bool {
        self.kinds.contains(kind)
    }

    /// Adds an object and those that its controller creates for it.
    pub fn add(&mut self, object: &Value, default_namespace: &str) {
        let kind = text(object, "/kind");
        let api_version = text(object, "/apiVersion");
        let full_kind = format!("{api_version}/{kind}");
        let namespaced = find_kind(&full_kind).is_none_or(|known| known.namespaced);
        let own = object.pointer("/metadata/namespace").and_then(Value::as_str);
        let namespace = namespaced.then(|| own.unwrap_or(default_namespace).to_owned());
        let name = match text(object, "/metadata/name") {
            "" => Name::Prefix(text(object, "/metadata/generateName").to_owned()),
            name => Name::Whole(name.to_owned()),
        };
        if kind == "CustomResourceDefinition" {
            self.define(object);
        }
        let labels = texts_of(object.pointer("/metadata/labels"));
        let what = format!("{kind} {}", text(object, "/metadata/name"));
        let base = match &name {
            Name::Whole(name) | Name::Prefix(name) => name.clone(),
        };
        self.objects.push(Expected {
            kind: kind.to_owned(),
            full_kind,
            namespace: namespace.clone(),
            name,
            labels,
            owner: None,
        });
        let mut made = |kind: &str, full_kind: &str, template: &str, prefix: String| {
            self.objects.push(Expected {
                kind: kind.to_owned(),
                full_kind: full_kind.to_owned(),
                namespace: namespace.clone(),
                name: Name::Prefix(prefix),
                labels: texts_of(object.pointer(&format!("{template}/metadata/labels"))),
                owner: Some(what.clone()),
            });
        };
        let prefix = format!("{base}-");
        match kind {
            "Deployment" => {
                made("ReplicaSet", "apps/v1/ReplicaSet", "/spec/template", prefix.clone());
                made("Pod", "v1/Pod", "/spec/template", prefix);
            }
            "ReplicaSet" | "ReplicationController" => {
                made("Pod", "v1/Pod", "/spec/template", prefix);
            }
            "StatefulSet" | "DaemonSet" => {
                made(
                    "ControllerRevision",
                    "apps/v1/ControllerRevision",
                    "/spec/template",
                    prefix.clone(),
                );
                made("Pod", "v1/Pod", "/spec/template", prefix.clone());
                for claim in list(object, "/spec/volumeClaimTemplates") {
                    let name = text(claim, "/metadata/name");
                    made(
                        "PersistentVolumeClaim",
                        "v1/PersistentVolumeClaim",
                        "",
                        format!("{name}-{prefix}"),
                    );
                    made("PersistentVolume", "v1/PersistentVolume", "/none", String::new());
                }
            }
            "Job" => made("Pod", "v1/Pod", "/spec/template", prefix),
            "CronJob" => {
                made("Job", "batch/v1/Job", "/spec/jobTemplate", prefix.clone());
                made("Pod", "v1/Pod", "/spec/jobTemplate/spec/template", prefix);
            }
            "PersistentVolumeClaim" => {
                made("PersistentVolume", "v1/PersistentVolume", "/none", String::new());
            }
            "Service" => made("Endpoints", "v1/Endpoints", "", base),
            _ => {}
        }
        // Labels that controllers add.
        let own_labels: &[&str] = match kind {
            "Deployment" => &["pod-template-hash"],
            "StatefulSet" => &[
                "statefulset.kubernetes.io/pod-name",
                "apps.kubernetes.io/pod-index",
                "controller-revision-hash",
            ],
            "DaemonSet" => &["controller-revision-hash", "pod-template-generation"],
            "Job" | "CronJob" => &[
                "job-name",
                "batch.kubernetes.io/job-name",
                "controller-uid",
                "batch.kubernetes.io/controller-uid",
            ],
            _ => &[],
        };
        let is_own = |made: &Expected| made.owner.as_deref() == Some(what.as_str());
        for made in self.objects.iter_mut().filter(|made| is_own(made)) {
            made.labels.extend(own_labels.iter().map(|key| ((*key).to_owned(), ANY.to_owned())));
        }
    }

    fn define(&mut self, definition: &Value) {
        let group = text(definition, "/spec/group");
        let kind = text(definition, "/spec/names/kind");
        for version in list(definition, "/spec/versions") {
            self.kinds.insert(format!("{group}/{}/{kind}", text(version, "/name")));
        }
    }
}

/// Stands for a label's value that a controller chooses.
pub(super) const ANY: &str = "\u{0}any";

/// The pods that a manifest needs to place.
pub(super) fn workload(object: &Value) -> Option<Workload> {
    let kind = text(object, "/kind");
    let (path, template) = match kind {
        "Pod" => ("spec", ""),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController" | "Job" => {
            ("spec.template.spec", "/spec/template")
        }
        "CronJob" => ("spec.jobTemplate.spec.template.spec", "/spec/jobTemplate/spec/template"),
        // A DaemonSet places pods only where they fit.
        _ => return None,
    };
    let mut pod = object.pointer(template)?.clone();
    let replicas = match kind {
        "Pod" | "CronJob" => 1,
        "Job" => number(object, "/spec/parallelism"),
        _ => number(object, "/spec/replicas"),
    };
    let fields = pod.as_object_mut()?;
    fields.insert("apiVersion".into(), "v1".into());
    fields.insert("kind".into(), "Pod".into());
    let name = text(object, "/metadata/name");
    let what = format!(
        "{kind} {}",
        if name.is_empty() { text(object, "/metadata/generateName") } else { name }
    );
    Some(Workload { what, pod, replicas, path })
}

fn number(object: &Value, pointer: &str) -> u64 {
    object.pointer(pointer).and_then(Value::as_u64).unwrap_or(1)
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}
