//! The objects that a scenario's manifests create, directly and through controllers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::kubernetes::find_kind;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    /// Its kind without group and version, such as `Pod`.
    pub kind: String,
    /// With group and version in manifests.
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

impl Name {
    pub fn text(&self) -> &str {
        match self {
            Self::Whole(name) | Self::Prefix(name) => name,
        }
    }

    /// Whether the object can have this name.
    pub fn fits(&self, wanted: &str) -> bool {
        match self {
            Self::Whole(name) => name == wanted,
            Self::Prefix(prefix) => wanted.starts_with(prefix.as_str()),
        }
    }
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

#[derive(Debug, Default)]
pub(super) struct ExpectedObjects {
    pub objects: Vec<Expected>,
    /// Kinds that the scenario's CustomResourceDefinitions define, such as `example.com/v1/Widget`.
    pub kinds: BTreeSet<String>,
    /// Whether there are more: from kubectl, or from a manifest that cannot be read.
    pub and_more: bool,
}

impl ExpectedObjects {
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
        let base = name.text().to_owned();
        self.objects.push(Expected {
            kind: kind.to_owned(),
            full_kind,
            namespace: namespace.clone(),
            name,
            labels,
            owner: None,
        });
        let prefix = format!("{base}-");
        let template = "/spec/template";
        // The kinds that controllers create, where their labels come from, and how their names begin.
        let mut created = match kind {
            "Deployment" => vec![("ReplicaSet", template), ("Pod", template)],
            "ReplicaSet" | "ReplicationController" | "Job" => vec![("Pod", template)],
            "StatefulSet" | "DaemonSet" => {
                vec![("ControllerRevision", template), ("Pod", template)]
            }
            "CronJob" => {
                vec![("Job", "/spec/jobTemplate"), ("Pod", "/spec/jobTemplate/spec/template")]
            }
            _ => vec![],
        }
        .into_iter()
        .map(|(kind, labels)| (kind, labels, prefix.clone()))
        .collect::<Vec<_>>();
        let volume = ("PersistentVolume", "/none", String::new());
        match kind {
            "StatefulSet" | "DaemonSet" => {
                for claim in list(object, "/spec/volumeClaimTemplates") {
                    let name = format!("{}-{prefix}", text(claim, "/metadata/name"));
                    created.extend([("PersistentVolumeClaim", "", name), volume.clone()]);
                }
            }
            "PersistentVolumeClaim" => created.push(volume),
            "Service" => created.push(("Endpoints", "", base)),
            _ => {}
        }
        self.objects.extend(created.into_iter().map(|(kind, source, prefix)| Expected {
            kind: kind.to_owned(),
            full_kind: kind.to_owned(),
            namespace: namespace.clone(),
            name: Name::Prefix(prefix),
            labels: texts_of(object.pointer(&format!("{source}/metadata/labels"))),
            owner: Some(what.clone()),
        }));
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

/// A label's value that a controller chooses.
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

/// The fields of a JSON mapping that are texts, such as labels.
pub(super) fn texts_of(value: Option<&Value>) -> BTreeMap<String, String> {
    let fields = value.and_then(Value::as_object).into_iter().flatten();
    fields.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
