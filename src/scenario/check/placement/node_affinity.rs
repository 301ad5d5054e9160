use k8s_openapi::api::core::v1::{Node, NodeSelectorRequirement, NodeSelectorTerm, Pod};

use super::labels::{fulfils, shown_requirement};
use super::situation::{label, spec};

/// Violations of the pod's node selector and required node affinity.
pub(super) fn reasons(pod: &Pod, node: &Node) -> Vec<String> {
    let labels = node.metadata.labels.as_ref();
    let wanted = spec(pod).and_then(|spec| spec.node_selector.as_ref()).into_iter().flatten();
    let mut reasons: Vec<_> = wanted
        .filter_map(|(key, value)| match label(labels, key) {
            Some(actual) if actual == value => None,
            Some(actual) => {
                Some(format!("has label {key}={actual}, but nodeSelector needs {value}"))
            }
            None => Some(format!("has no label {key}={value}, which nodeSelector needs")),
        })
        .collect();
    if let Some(terms) = terms(pod)
        && !terms.iter().any(|term| matches(term, node))
    {
        let shown: Vec<_> = terms.iter().map(shown).collect();
        reasons.push(format!("does not match the required node affinity: {}", shown.join(" or ")));
    }
    reasons
}

/// Whether node selector and required node affinity allow the node.
pub(super) fn allows(pod: &Pod, node: &Node) -> bool {
    reasons(pod, node).is_empty()
}

fn terms(pod: &Pod) -> Option<&[NodeSelectorTerm]> {
    let affinity = spec(pod)?.affinity.as_ref()?.node_affinity.as_ref()?;
    let required = affinity.required_during_scheduling_ignored_during_execution.as_ref()?;
    Some(&required.node_selector_terms)
}

/// A term without requirements matches nothing.
fn matches(term: &NodeSelectorTerm, node: &Node) -> bool {
    let expressions = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    let labels = node.metadata.labels.as_ref();
    let satisfied = |requirement: &NodeSelectorRequirement, actual: Option<&str>| {
        let values = requirement.values.as_deref().unwrap_or_default();
        fulfils(&requirement.operator, values, actual)
    };
    (!expressions.is_empty() || !fields.is_empty())
        && expressions.iter().all(|wanted| satisfied(wanted, label(labels, &wanted.key)))
        && fields.iter().all(|wanted| {
            wanted.key == "metadata.name" && satisfied(wanted, node.metadata.name.as_deref())
        })
}

fn shown(term: &NodeSelectorTerm) -> String {
    let expressions = term.match_expressions.iter().flatten();
    let requirements = expressions.chain(term.match_fields.iter().flatten());
    let parts: Vec<_> = requirements
        .map(|wanted| {
            let values = wanted.values.as_deref().unwrap_or_default();
            shown_requirement(&wanted.key, &wanted.operator, values)
        })
        .collect();
    if parts.is_empty() { "a term without requirements".to_owned() } else { parts.join(",") }
}
