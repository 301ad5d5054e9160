//! Rules about selections and named objects: something must create what they select.

use std::collections::BTreeMap;

use kube::core::{Expression, SelectorExt as _};
use serde_json::Value;

use super::context::{Context, does_not_exist};
use super::expected_objects::{ANY, Expected, texts_of};
use super::finding::Findings;
use super::kinds::check_kind;
use super::planned_nodes::is_node;
use crate::kubernetes::find_kind;
use crate::scenario::judge::label_expressions;
use crate::scenario::language::{Action, Filter, Labels, Objects, Selection, SelectionRef};
use crate::yaml::{list, nearest};

/// Namespaces with objects in every cluster.
const SYSTEM_NAMESPACES: [&str; 4] =
    ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];
/// Kinds with objects that controllers and kubeadm create.
const CREATED_BY_THE_CLUSTER: &str = "Event EndpointSlice Lease Namespace ServiceAccount \
    PriorityClass StorageClass ClusterRole ClusterRoleBinding Role RoleBinding CSINode \
    CertificateSigningRequest VolumeAttachment CSIStorageCapacity ResourceSlice \
    ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding Endpoints RuntimeClass \
    ControllerRevision";
/// The part of a selection that nothing fits.
struct Missing {
    field: &'static str,
    message: String,
    near: Option<String>,
}

/// Objects in the namespace `default` of every cluster.
const OF_DEFAULT: [(&str, &str); 2] =
    [("Service", "kubernetes"), ("ConfigMap", "kube-root-ca.crt")];

pub(super) fn references(context: &Context<'_>, found: &mut Findings<'_>) {
    let names: Vec<&str> = context.scenario.selections.keys().map(String::as_str).collect();
    for (path, reference) in &context.parts.references {
        let SelectionRef::Named(name) = reference else { continue };
        if !context.scenario.selections.contains_key(name) {
            let near = nearest(name, &names);
            let message =
                does_not_exist("selection", name, "the scenario has", &names, near.is_some());
            found.error("unknown-selection", path.as_str(), message).suggest(near);
        }
    }
}

pub(super) fn selections(context: &Context<'_>, found: &mut Findings<'_>) {
    for (path, selection) in &context.parts.selections {
        check_kind(context, found, &format!("{path}.kind"), &selection.kind);
        match selection.labels.as_ref().map(label_expressions).transpose() {
            Err(message) => {
                found.error("label-selector", format!("{path}.labels"), message);
            }
            Ok(labels) => {
                check_selection(context, found, path, selection, &labels.unwrap_or_default());
            }
        }
    }
}

fn check_selection(
    context: &Context<'_>,
    found: &mut Findings<'_>,
    path: &str,
    selection: &Selection,
    labels: &[Expression],
) {
    let known = find_kind(&selection.kind);
    if let Some(kind) = known.filter(|known| !known.namespaced)
        && selection.namespace.is_some()
    {
        let message = format!("has no effect; {} objects have no namespace", kind.kind);
        found.error_at_name("unused-field", format!("{path}.namespace"), message);
    }
    if known.is_some_and(|known| known.kind == "Node") {
        return node_selection(context, found, path, labels);
    }
    if let Some(Missing { field, message, near }) = missing(context, selection, labels) {
        found
            .error("selects-nothing", format!("{path}.{field}"), message)
            .suggest(near)
            .warning_if(is_doubtful(context, &selection.kind));
    }
}

/// Whether there can be more objects than those in the manifests.
fn is_doubtful(context: &Context<'_>, kind: &str) -> bool {
    let is_foreign = find_kind(kind).is_none() && !context.expected.defines(kind);
    is_foreign || context.expected.and_more || context.scenario.cluster.existing().is_some()
}

/// Objects that steps name and nothing creates.
pub(super) fn named_objects(context: &Context<'_>, found: &mut Findings<'_>) {
    let tolerates_absence = |target: &&Objects| {
        context.parts.steps.iter().any(|at| {
            matches!(&at.step.action, Action::Delete(delete)
                if delete.ignore_not_found && std::ptr::eq(&delete.target, *target))
        })
    };
    for (path, objects) in &context.parts.objects {
        let Objects::Named { namespace, .. } = objects else { continue };
        let Some((kind, name)) = objects.kind_and_name() else { continue };
        if is_node(kind) || tolerates_absence(objects) {
            continue;
        }
        let selection = Selection {
            kind: kind.to_owned(),
            namespace: namespace.clone(),
            name: Some(name.to_owned()),
            labels: None,
            filter: Filter::default(),
        };
        if let Some(Missing { message, near, field }) = missing(context, &selection, &[]) {
            let near = near.map(|near| match field {
                "name" => format!("{kind}/{near}"),
                _ => near,
            });
            found
                .error("unknown-object", format!("{path}.object"), message)
                .suggest(near)
                .warning_if(is_doubtful(context, kind));
        }
    }
}

/// The part of a selection that nothing fits, for kinds with all their objects in the scenario's
/// manifests.
fn missing(context: &Context<'_>, selection: &Selection, labels: &[Expression]) -> Option<Missing> {
    let known = find_kind(&selection.kind);
    let namespace = selection.namespace.as_ref().unwrap_or(&context.scenario.namespace);
    let kind = known.map_or(selection.kind.as_str(), |known| known.kind);
    let named = selection.name.as_deref();
    if known.is_none() && !selection.kind.contains('/')
        || SYSTEM_NAMESPACES.contains(&namespace.as_str())
        || CREATED_BY_THE_CLUSTER.split(' ').any(|known| known == kind)
        || OF_DEFAULT.iter().any(|(of, name)| *of == kind && named == Some(name))
        || (namespace == "*" && labels.is_empty() && named.is_none())
    {
        return None;
    }
    let is_of_kind = |object: &&Expected| match known {
        Some(known) => object.kind == known.kind,
        None => object.full_kind == selection.kind,
    };
    let of_kind: Vec<&Expected> = context.expected.objects.iter().filter(is_of_kind).collect();
    let is_here = |object: &&Expected| {
        namespace == "*" || object.namespace.as_ref().is_none_or(|own| own == namespace)
    };
    let here: Vec<&Expected> = of_kind.iter().copied().filter(is_here).collect();
    let has_name = |object: &&Expected| named.is_none_or(|name| object.name.fits(name));
    let of_name: Vec<&Expected> = here.iter().copied().filter(has_name).collect();
    let missing = |field, message, near| Some(Missing { field, message, near });
    if of_kind.is_empty() {
        return missing("kind", format!("no step creates any {kind}"), None);
    }
    if here.is_empty() {
        let mut places: Vec<&str> =
            of_kind.iter().filter_map(|object| object.namespace.as_deref()).collect();
        places.sort_unstable();
        places.dedup();
        let near = nearest(namespace, &places).map(str::to_owned);
        let message = format!(
            "no step creates any {kind} in namespace `{namespace}`, only in {}",
            list(&places, "and")
        );
        return missing("namespace", message, near);
    }
    if of_name.is_empty() {
        let names: Vec<&str> = here.iter().map(|object| object.name.text()).collect();
        let name = named.unwrap_or_default();
        let near = nearest(name, &names).map(str::to_owned);
        return missing("name", format!("no step creates any {kind} named `{name}`"), near);
    }
    let given = labels_given(context);
    if of_name.iter().any(|object| have(&object.labels, labels, &given)) {
        return None;
    }
    missing("labels", labels_message(kind, &of_name), near_labels(selection, &of_name))
}

fn node_selection(
    context: &Context<'_>,
    found: &mut Findings<'_>,
    path: &str,
    labels: &[Expression],
) {
    let Some(nodes) = context.nodes.as_ref().filter(|_| !labels.is_empty()) else { return };
    let given = labels_given(context);
    let node_labels: Vec<BTreeMap<String, String>> =
        nodes.objects.iter().map(|node| texts_of(node.pointer("/metadata/labels"))).collect();
    if node_labels.iter().any(|own| have(own, labels, &given)) {
        return;
    }
    let keys: Vec<&str> = node_labels.iter().flatten().map(|(key, _)| key.as_str()).collect();
    let near = labels.iter().find_map(|one| {
        let key = key(one);
        if keys.contains(&key) { None } else { nearest(key, &keys) }
    });
    found
        .error("selects-nothing", format!("{path}.labels"), "no node has these labels")
        .suggest(near)
        .warning_if(context.expected.and_more);
}

/// The labels that steps give to objects, by `label` or `patch`.
fn labels_given(context: &Context<'_>) -> Vec<BTreeMap<String, String>> {
    let mut given = Vec::new();
    for at in &context.parts.steps {
        match &at.step.action {
            Action::Label(label) => given.push(label.set.clone()),
            Action::Patch(patch) => collect_labels(&patch.patch, &mut given),
            _ => {}
        }
    }
    given
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

/// Whether labels fit a selector, each of them as it is or after a change by one of the steps.
fn have(
    own: &BTreeMap<String, String>,
    wanted: &[Expression],
    given: &[BTreeMap<String, String>],
) -> bool {
    let after = |more: &BTreeMap<String, String>| {
        let mut all = own.clone();
        all.extend(more.clone());
        all
    };
    wanted.iter().all(|one| holds(one, own) || given.iter().any(|more| holds(one, &after(more))))
}

fn holds(expression: &Expression, labels: &BTreeMap<String, String>) -> bool {
    // A controller can choose any value.
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

fn shown(labels: &BTreeMap<String, String>) -> String {
    let pairs = labels.iter().filter(|(_, value)| *value != ANY);
    let shown: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
    if shown.is_empty() { "no labels".to_owned() } else { shown.join(",") }
}

fn labels_message(kind: &str, objects: &[&Expected]) -> String {
    let mut have: Vec<String> = objects
        .iter()
        .map(|object| match &object.owner {
            Some(owner) => format!("those of {owner} have {}", shown(&object.labels)),
            None => format!("{} has {}", object.name.text(), shown(&object.labels)),
        })
        .collect();
    have.dedup();
    let more = have.len().saturating_sub(4);
    have.truncate(4);
    if more > 0 {
        have.push(format!("and {more} more"));
    }
    format!("no step creates any {kind} with these labels: {}", have.join("; "))
}

/// The labels of an object that are similar to those of the selection.
fn near_labels(selection: &Selection, objects: &[&Expected]) -> Option<String> {
    let wanted = match selection.labels.as_ref()? {
        Labels::Selector(text) => text.clone(),
        Labels::Equal(labels) => shown(labels),
    };
    let all: Vec<String> = objects.iter().map(|object| shown(&object.labels)).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    nearest(&wanted, &all).map(str::to_owned)
}
