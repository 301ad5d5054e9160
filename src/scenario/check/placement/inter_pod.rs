use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, PodAffinityTerm};

use super::labels::{selects, shown};
use super::situation::{Situation, name, namespace, short, spec};

/// The label with the name of a namespace; its other labels are not known here.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Violations of required affinity to other pods, and of theirs to this one.
pub(super) fn reasons(situation: &Situation<'_>, node: usize) -> Vec<String> {
    let mut reasons = affinity_reasons(situation, node);
    reasons.extend(anti_affinity_reasons(situation, node));
    reasons.extend(reasons_of_others(situation, node));
    reasons
}

/// Each term needs a pod in the node's domain that matches all terms.
fn affinity_reasons(situation: &Situation<'_>, node: usize) -> Vec<String> {
    let pod = situation.pod;
    let terms = affinity_terms(pod);
    let matches_all = |other: &Pod| terms.iter().all(|term| selected(term, pod, other));
    let matching: Vec<_> =
        situation.placed.iter().filter(|placed| matches_all(placed.pod)).collect();
    // The first of a group that wants to be together finds nobody.
    let has_domains = matching.iter().any(|placed| {
        terms.iter().any(|term| situation.label(placed.node, &term.topology_key).is_some())
    });
    let is_first = !has_domains && matches_all(pod);
    let mut reasons = Vec::new();
    for term in terms {
        let key = &term.topology_key;
        let Some(domain) = situation.label(node, key) else {
            reasons.push(format!("has no label {key}, which pod affinity needs"));
            continue;
        };
        let is_near =
            matching.iter().any(|placed| situation.label(placed.node, key) == Some(domain));
        if !is_near && !is_first {
            let selector = shown(term.label_selector.as_ref());
            reasons.push(format!(
                "no pod with {selector} is in {} {domain} (required pod affinity)",
                short(key)
            ));
        }
    }
    reasons
}

fn anti_affinity_reasons(situation: &Situation<'_>, node: usize) -> Vec<String> {
    let terms = anti_affinity_terms(situation.pod).iter();
    let refused = terms.filter_map(|term| {
        let domain = situation.label(node, &term.topology_key)?;
        let near = situation.placed.iter().find(|placed| {
            situation.label(placed.node, &term.topology_key) == Some(domain)
                && selected(term, situation.pod, placed.pod)
        })?;
        let selector = shown(term.label_selector.as_ref());
        Some(format!(
            "{} with {selector} is in {} {domain} (required pod anti-affinity)",
            name(near.pod),
            short(&term.topology_key)
        ))
    });
    refused.collect()
}

/// Pods that keep this one out of their domain.
fn reasons_of_others(situation: &Situation<'_>, node: usize) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for placed in &situation.placed {
        for term in anti_affinity_terms(placed.pod) {
            let domain = situation.label(node, &term.topology_key);
            if domain.is_some()
                && domain == situation.label(placed.node, &term.topology_key)
                && selected(term, placed.pod, situation.pod)
            {
                reasons.push(format!(
                    "{} keeps pods with {} out of {} {} (its required anti-affinity)",
                    name(placed.pod),
                    shown(term.label_selector.as_ref()),
                    short(&term.topology_key),
                    domain.unwrap_or_default()
                ));
            }
        }
    }
    // One is enough to know.
    reasons.truncate(1);
    reasons
}

/// Whether a term of `owner` is about `other`.
fn selected(term: &PodAffinityTerm, owner: &Pod, other: &Pod) -> bool {
    let named = term.namespaces.as_deref().unwrap_or_default();
    let of = namespace(other);
    let in_namespace = if named.is_empty() && term.namespace_selector.is_none() {
        of == namespace(owner)
    } else {
        let labels = BTreeMap::from([(NAMESPACE_NAME.to_owned(), of.to_owned())]);
        named.iter().any(|name| name == of)
            || selects(term.namespace_selector.as_ref(), Some(&labels))
    };
    in_namespace && selects(term.label_selector.as_ref(), other.metadata.labels.as_ref())
}

fn affinity_terms(pod: &Pod) -> &[PodAffinityTerm] {
    spec(pod)
        .and_then(|spec| spec.affinity.as_ref()?.pod_affinity.as_ref())
        .and_then(|affinity| {
            affinity.required_during_scheduling_ignored_during_execution.as_deref()
        })
        .unwrap_or_default()
}

fn anti_affinity_terms(pod: &Pod) -> &[PodAffinityTerm] {
    spec(pod)
        .and_then(|spec| spec.affinity.as_ref()?.pod_anti_affinity.as_ref())
        .and_then(|affinity| {
            affinity.required_during_scheduling_ignored_during_execution.as_deref()
        })
        .unwrap_or_default()
}
