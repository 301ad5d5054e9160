use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, TopologySpreadConstraint};

use super::labels::selects;
use super::situation::{Situation, label, namespace, short, spec};
use super::{node, node_affinity};

/// The hard constraints of the pod, with the pods in each domain.
pub(super) struct Constraints<'a>(Vec<Constraint<'a>>);

struct Constraint<'a> {
    wanted: &'a TopologySpreadConstraint,
    /// Matching pods in each eligible domain.
    domains: BTreeMap<&'a str, usize>,
}

impl<'a> Constraints<'a> {
    pub fn new(situation: &Situation<'a>) -> Self {
        let constraints = spec(situation.pod)
            .and_then(|spec| spec.topology_spread_constraints.as_deref())
            .unwrap_or_default();
        let hard: Vec<_> = constraints
            .iter()
            .filter(|constraint| constraint.when_unsatisfiable == "DoNotSchedule")
            .collect();
        let counted = hard
            .iter()
            .map(|wanted| Constraint { wanted, domains: domains(situation, &hard, wanted) });
        Self(counted.collect())
    }

    /// The constraints that the pod would violate on the node.
    pub fn reasons(&self, situation: &Situation<'_>, node: usize) -> Vec<String> {
        let reasons = self.0.iter().filter_map(|constraint| constraint.reason(situation, node));
        reasons.collect()
    }
}

impl Constraint<'_> {
    fn reason(&self, situation: &Situation<'_>, node: usize) -> Option<String> {
        let Self { wanted, domains } = self;
        let key = &wanted.topology_key;
        let Some(domain) = situation.label(node, key) else {
            return Some(format!("has no label {key}, which topology spread needs"));
        };
        let least = domains.iter().min_by_key(|(_, count)| **count);
        let wanted_domains = usize::try_from(wanted.min_domains.unwrap_or(1)).unwrap_or(1);
        let has_few = domains.len() < wanted_domains;
        let least_count = if has_few { 0 } else { least.map_or(0, |(_, count)| *count) };
        let itself = usize::from(is_counted(wanted, situation.pod, situation.pod));
        let count = domains.get(domain).copied().unwrap_or_default() + itself;
        let most = usize::try_from(wanted.max_skew).unwrap_or_default();
        if count.saturating_sub(least_count) <= most {
            return None;
        }
        let against = match least {
            _ if has_few => {
                format!("0, as there are {} of {wanted_domains} minDomains", domains.len())
            }
            Some((other, _)) => format!("{least_count} in {} {other}", short(key)),
            None => "0".to_owned(),
        };
        let pods = if count == 1 { "1 pod".to_owned() } else { format!("{count} pods") };
        Some(format!(
            "{} {domain} would have {pods} against {against} (maxSkew {most})",
            short(key)
        ))
    }
}

/// The domains of the eligible nodes, with the matching pods on those nodes.
fn domains<'a>(
    situation: &Situation<'a>,
    hard: &[&TopologySpreadConstraint],
    wanted: &TopologySpreadConstraint,
) -> BTreeMap<&'a str, usize> {
    let mut domains = BTreeMap::new();
    for (index, candidate) in situation.nodes.iter().enumerate() {
        let has_all_keys =
            hard.iter().all(|other| situation.label(index, &other.topology_key).is_some());
        let is_out_by_affinity = wanted.node_affinity_policy.as_deref() != Some("Ignore")
            && !node_affinity::allows(situation.pod, candidate);
        let is_out_by_taints = wanted.node_taints_policy.as_deref() == Some("Honor")
            && node::untolerated_taints(situation.pod, candidate).next().is_some();
        if !has_all_keys || is_out_by_affinity || is_out_by_taints {
            continue;
        }
        if let Some(domain) = situation.label(index, &wanted.topology_key) {
            let matching = situation.on(index).filter(|placed| {
                placed.pod.metadata.deletion_timestamp.is_none()
                    && is_counted(wanted, situation.pod, placed.pod)
            });
            *domains.entry(domain).or_default() += matching.count();
        }
    }
    domains
}

/// Whether a constraint of `owner` counts `other`.
fn is_counted(constraint: &TopologySpreadConstraint, owner: &Pod, other: &Pod) -> bool {
    let (own, others) = (owner.metadata.labels.as_ref(), other.metadata.labels.as_ref());
    let mut keys = constraint.match_label_keys.iter().flatten();
    namespace(owner) == namespace(other)
        && selects(constraint.label_selector.as_ref(), others)
        && keys.all(|key| label(own, key).is_none_or(|value| label(others, key) == Some(value)))
}
