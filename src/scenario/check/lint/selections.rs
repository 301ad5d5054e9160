//! Rules about selections: that there will be something to select.

use std::collections::BTreeMap;

use kube::core::{Expression, SelectorExt as _};
use serde_json::Value;

use super::created::{ANY, Expected, Name};
use super::linter::{Linter, texts_of, unknown};
use super::nodes::is_node;
use crate::kubernetes::find_kind;
use crate::scenario::judge::label_expressions;
use crate::scenario::language::{Labels, Objects, Selection, SelectionRef};
use crate::yaml::{list, nearest};

/// Namespaces that every cluster has objects in.
const SYSTEM_NAMESPACES: [&str; 4] =
    ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];
/// Kinds of which controllers and kubeadm make objects by themselves.
const MADE_BY_THE_CLUSTER: [&str; 21] = [
    "Event",
    "EndpointSlice",
    "Lease",
    "Namespace",
    "ServiceAccount",
    "PriorityClass",
    "StorageClass",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "CSINode",
    "CertificateSigningRequest",
    "VolumeAttachment",
    "CSIStorageCapacity",
    "ResourceSlice",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "Endpoints",
    "RuntimeClass",
    "ControllerRevision",
];
/// What of a selection fits nothing.
struct Missing {
    field: &'static str,
    message: String,
    near: Option<String>,
}

/// Objects of the namespace `default` that every cluster has.
const OF_DEFAULT: [(&str, &str); 2] =
    [("Service", "kubernetes"), ("ConfigMap", "kube-root-ca.crt")];

impl Linter<'_> {
    pub(super) fn selections(&mut self) {
        let references: Vec<(String, &SelectionRef)> =
            self.walk.references.iter().map(|(path, one)| (path.clone(), *one)).collect();
        for (path, reference) in references {
            let SelectionRef::Named(name) = reference else { continue };
            if !self.scenario.selections.contains_key(name) {
                let names: Vec<&str> =
                    self.scenario.selections.keys().map(String::as_str).collect();
                let near = nearest(name, &names);
                let message = unknown("selection", name, &names, near.is_some());
                self.report("unknown-selection", path, message).suggest(near);
            }
        }
        let selections: Vec<(String, &Selection)> =
            self.walk.selections.iter().map(|(path, one)| (path.clone(), *one)).collect();
        for (path, selection) in selections {
            self.kind(&format!("{path}.kind"), &selection.kind);
            match selection.labels.as_ref().map(label_expressions) {
                Some(Err(message)) => {
                    self.report("label-selector", format!("{path}.labels"), message);
                }
                Some(Ok(labels)) => self.selection(&path, selection, &labels),
                None => self.selection(&path, selection, &[]),
            }
        }
    }

    fn selection(&mut self, path: &str, selection: &Selection, labels: &[Expression]) {
        let known = find_kind(&selection.kind);
        if known.is_some_and(|known| known.kind == "Node") {
            return self.node_selection(path, selection, labels);
        }
        if known.is_some_and(|known| !known.namespaced) && selection.namespace.is_some() {
            let message = "is not used: objects of this kind are in no namespace";
            self.report_name("unused-field", format!("{path}.namespace"), message);
        }
        if let Some(Missing { field, message, near }) = self.missing(selection, labels) {
            let is_doubtful = self.is_doubtful(&selection.kind);
            let finding = self.report("selects-nothing", format!("{path}.{field}"), message);
            finding.suggest(near);
            if is_doubtful {
                finding.warning();
            }
        }
    }

    /// Whether there may be more than the manifests say.
    fn is_doubtful(&self, kind: &str) -> bool {
        let is_foreign = find_kind(kind).is_none() && !self.created.defines(kind);
        is_foreign || self.created.and_more || self.scenario.cluster.existing.is_some()
    }

    /// Objects that steps name and nothing creates.
    pub(super) fn named_objects(&mut self) {
        let tolerant: Vec<String> = self
            .walk
            .steps
            .iter()
            .filter(|at| at.step.delete.as_ref().is_some_and(|delete| delete.ignore_not_found))
            .map(|at| format!("{}.delete.target", at.path))
            .collect();
        let objects: Vec<(String, &Objects)> =
            self.walk.objects.iter().map(|(path, one)| (path.clone(), *one)).collect();
        for (path, objects) in objects {
            let named = objects.object.as_ref().and_then(|object| object.rsplit_once('/'));
            let Some((kind, name)) = named else { continue };
            if is_node(kind) || tolerant.contains(&path) {
                continue;
            }
            let selection = Selection {
                kind: kind.to_owned(),
                namespace: objects.namespace.clone(),
                name: Some(name.to_owned()),
                labels: None,
                matches: None,
                filter: None,
            };
            if let Some(Missing { message, near, field }) = self.missing(&selection, &[]) {
                let is_doubtful = self.is_doubtful(kind);
                let near = near.map(|near| match field {
                    "name" => format!("{kind}/{near}"),
                    _ => near,
                });
                let finding = self.report("unknown-object", format!("{path}.object"), message);
                finding.suggest(near);
                if is_doubtful {
                    finding.warning();
                }
            }
        }
    }

    /// What of a selection fits nothing that will be there, for kinds of which the scenario's manifests
    /// create all.
    fn missing(&self, selection: &Selection, labels: &[Expression]) -> Option<Missing> {
        let known = find_kind(&selection.kind);
        let namespace = selection.namespace.as_ref().unwrap_or(&self.scenario.namespace);
        let kind = known.map_or(selection.kind.as_str(), |known| known.kind);
        let named = selection.name.as_deref();
        if known.is_none() && !selection.kind.contains('/')
            || SYSTEM_NAMESPACES.contains(&namespace.as_str())
            || MADE_BY_THE_CLUSTER.contains(&kind)
            || OF_DEFAULT.iter().any(|(of, name)| *of == kind && named == Some(name))
            || (namespace == "*" && labels.is_empty() && named.is_none())
        {
            return None;
        }
        let is_of_kind = |object: &&Expected| match known {
            Some(known) => object.kind == known.kind,
            None => object.full_kind == selection.kind,
        };
        let of_kind: Vec<&Expected> = self.created.objects.iter().filter(is_of_kind).collect();
        let is_here = |object: &&Expected| {
            namespace == "*" || object.namespace.as_ref().is_none_or(|own| own == namespace)
        };
        let here: Vec<&Expected> = of_kind.iter().copied().filter(is_here).collect();
        let has_name = |object: &&Expected| named.is_none_or(|name| may_be(&object.name, name));
        let of_name: Vec<&Expected> = here.iter().copied().filter(has_name).collect();
        let missing = |field, message, near: Option<String>| Some(Missing { field, message, near });
        if of_kind.is_empty() {
            return missing("kind", format!("nothing here creates any {kind}"), None);
        }
        if here.is_empty() {
            let mut places: Vec<&str> =
                of_kind.iter().filter_map(|object| object.namespace.as_deref()).collect();
            places.sort_unstable();
            places.dedup();
            let near = nearest(namespace, &places).map(str::to_owned);
            let message = format!(
                "nothing here creates any {kind} in the namespace `{namespace}`, but in {}",
                list(&places, "and")
            );
            return missing("namespace", message, near);
        }
        if of_name.is_empty() {
            let names: Vec<&str> = here.iter().map(|object| object.name.text()).collect();
            let name = named.unwrap_or_default();
            let near = nearest(name, &names).map(str::to_owned);
            return missing(
                "name",
                format!("nothing here creates any {kind} named `{name}`"),
                near,
            );
        }
        let given = self.labels_given();
        if of_name.iter().any(|object| have(&object.labels, labels, &given)) {
            return None;
        }
        missing("labels", labels_message(kind, &of_name), near_labels(selection, &of_name))
    }

    fn node_selection(&mut self, path: &str, selection: &Selection, labels: &[Expression]) {
        if selection.namespace.is_some() {
            let message = "is not used: nodes are in no namespace";
            self.report_name("unused-field", format!("{path}.namespace"), message);
        }
        let Some(nodes) = &self.nodes else { return };
        if labels.is_empty() {
            return;
        }
        let given = self.labels_given();
        let node_labels: Vec<BTreeMap<String, String>> =
            nodes.objects.iter().map(|node| texts_of(node.pointer("/metadata/labels"))).collect();
        let fits = node_labels.iter().any(|own| have(own, labels, &given));
        if fits {
            return;
        }
        let keys: Vec<&str> = node_labels.iter().flatten().map(|(key, _)| key.as_str()).collect();
        let near = labels.iter().find_map(|one| {
            let key = key(one);
            if keys.contains(&key) { None } else { nearest(key, &keys) }
        });
        let near = near.map(str::to_owned);
        let is_doubtful = self.created.and_more;
        let message = "no node of the cluster has such labels";
        let finding =
            self.report("selects-nothing", format!("{path}.labels"), message).suggest(near);
        if is_doubtful {
            finding.warning();
        }
    }

    /// The labels that steps give objects, by label or by patch.
    fn labels_given(&self) -> Vec<BTreeMap<String, String>> {
        let mut given = Vec::new();
        for at in &self.walk.steps {
            if let Some(label) = &at.step.label {
                given.push(label.set.clone());
            }
            if let Some(patch) = &at.step.patch {
                collect_labels(&patch.patch, &mut given);
            }
        }
        given
    }
}

/// Every mapping named `labels` in a patch.
fn collect_labels(value: &Value, found: &mut Vec<BTreeMap<String, String>>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == "labels" {
                    found.push(texts_of(Some(value)));
                }
                collect_labels(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_labels(item, found)),
        _ => {}
    }
}

/// Whether labels are as asked, each as they are or after one of the changes that steps make.
fn have(
    own: &BTreeMap<String, String>,
    asked: &[Expression],
    given: &[BTreeMap<String, String>],
) -> bool {
    let after = |more: &BTreeMap<String, String>| {
        let mut all = own.clone();
        all.extend(more.clone());
        all
    };
    asked.iter().all(|one| holds(one, own) || given.iter().any(|more| holds(one, &after(more))))
}

fn holds(expression: &Expression, labels: &BTreeMap<String, String>) -> bool {
    // What a controller chooses may be anything.
    labels.get(key(expression)).is_some_and(|value| value == ANY) || expression.matches(labels)
}

fn key(expression: &Expression) -> &str {
    match expression {
        Expression::Exists(key)
        | Expression::DoesNotExist(key)
        | Expression::Equal(key, _)
        | Expression::NotEqual(key, _)
        | Expression::In(key, _)
        | Expression::NotIn(key, _) => key,
    }
}

fn may_be(name: &Name, wanted: &str) -> bool {
    match name {
        Name::Whole(name) => name == wanted,
        Name::Prefix(prefix) => wanted.starts_with(prefix.as_str()),
    }
}

impl Name {
    fn text(&self) -> &str {
        match self {
            Self::Whole(name) | Self::Prefix(name) => name,
        }
    }
}

fn shown(labels: &BTreeMap<String, String>) -> String {
    let pairs = labels.iter().filter(|(_, value)| *value != ANY);
    let shown: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
    if shown.is_empty() { "no labels".to_owned() } else { shown.join(",") }
}

fn labels_message(kind: &str, objects: &[&Expected]) -> String {
    let mut have: Vec<String> = objects
        .iter()
        .map(|object| match &object.maker {
            Some(maker) => format!("those of {maker} have {}", shown(&object.labels)),
            None => format!("{} has {}", object.name.text(), shown(&object.labels)),
        })
        .collect();
    have.dedup();
    let more = have.len().saturating_sub(4);
    have.truncate(4);
    if more > 0 {
        have.push(format!("and {more} more"));
    }
    format!("nothing here creates any {kind} with such labels: {}", have.join("; "))
}

/// The labels of an object that are nearly those of the selection.
fn near_labels(selection: &Selection, objects: &[&Expected]) -> Option<String> {
    let wanted = match selection.labels.as_ref()? {
        Labels::Selector(text) => text.clone(),
        Labels::Equal(labels) => shown(labels),
    };
    let all: Vec<String> = objects.iter().map(|object| shown(&object.labels)).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    nearest(&wanted, &all).map(str::to_owned)
}
