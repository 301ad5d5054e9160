use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Written;

use super::Quantity;
use super::situation::{Situation, spec};

type Amounts = BTreeMap<String, Quantity>;

/// Resources that the node does not have enough of.
pub(super) struct Shortage {
    pub reasons: Vec<String>,
    pub of_cpu_or_memory: bool,
}

/// Compares the requests of the pod with the free resources of the node.
pub(super) fn shortage(situation: &Situation<'_>, node: usize) -> Shortage {
    let allocatable = situation.nodes.get(node).and_then(|node| node.status.as_ref());
    let allocatable = read(allocatable.and_then(|status| status.allocatable.as_ref()));
    let mut used = Amounts::new();
    let (mut pods, mut nominated) = (0_i64, 0);
    for placed in situation.on(node) {
        add(&mut used, requests(placed.pod));
        pods += 1;
        nominated += usize::from(placed.is_nominated);
    }
    let (mut reasons, mut of_cpu_or_memory) = (Vec::new(), false);
    let most = allocatable.get("pods").copied().unwrap_or_default();
    if Quantity::from_units(pods + 1) > most {
        reasons.push(format!("too many pods: {pods} of {most}"));
    }
    for (resource, requested) in requests(situation.pod) {
        let whole = allocatable.get(&resource).copied().unwrap_or_default();
        let free = whole - used.get(&resource).copied().unwrap_or_default();
        if requested > Quantity::ZERO && requested > free {
            let shown = |amount: Quantity| match resource.as_str() {
                "cpu" => amount.display_cores(),
                _ => amount.to_string(),
            };
            let free = free.max(Quantity::ZERO);
            of_cpu_or_memory |= ["cpu", "memory"].contains(&resource.as_str());
            reasons.push(format!(
                "insufficient {resource}: {} requested, {} free of {}",
                shown(requested),
                shown(free),
                shown(whole)
            ));
        }
    }
    if let (Some(last), true) = (reasons.last_mut(), nominated > 0) {
        last.push_str(&format!(" ({nominated} nominated pods counted)"));
    }
    Shortage { reasons, of_cpu_or_memory }
}

/// The total request of a pod, as kube-scheduler counts it: its containers and sidecars together, an
/// init container with the sidecars before it if that is more, or the pod-level request; plus the
/// overhead of its runtime class.
fn requests(pod: &Pod) -> Amounts {
    let Some(spec) = spec(pod) else { return Amounts::new() };
    let mut whole = Amounts::new();
    for container in &spec.containers {
        add(&mut whole, requests_of(container));
    }
    let mut sidecars = Amounts::new();
    let mut peak = Amounts::new();
    for container in spec.init_containers.iter().flatten() {
        let mut now = requests_of(container);
        if container.restart_policy.as_deref() == Some("Always") {
            add(&mut sidecars, now);
            now = sidecars.clone();
        } else {
            add(&mut now, sidecars.clone());
        }
        raise(&mut peak, now);
    }
    add(&mut whole, sidecars);
    raise(&mut whole, peak);
    for (resource, amount) in requested(spec.resources.as_ref()) {
        if resource == "cpu" || resource == "memory" || resource.starts_with("hugepages-") {
            whole.insert(resource, amount);
        }
    }
    add(&mut whole, read(spec.overhead.as_ref()));
    whole
}

fn requests_of(container: &Container) -> Amounts {
    requested(container.resources.as_ref())
}

/// A limit without a request counts as a request, which the API server fills in.
fn requested(resources: Option<&ResourceRequirements>) -> Amounts {
    let Some(resources) = resources else { return Amounts::new() };
    let mut amounts = read(resources.limits.as_ref());
    amounts.extend(read(resources.requests.as_ref()));
    amounts
}

fn read(amounts: Option<&BTreeMap<String, Written>>) -> Amounts {
    let amounts = amounts.into_iter().flatten();
    amounts.filter_map(|(name, amount)| Some((name.clone(), amount.0.parse().ok()?))).collect()
}

fn add(whole: &mut Amounts, more: Amounts) {
    for (resource, amount) in more {
        let known = whole.entry(resource).or_default();
        *known = *known + amount;
    }
}

fn raise(whole: &mut Amounts, least: Amounts) {
    for (resource, amount) in least {
        let known = whole.entry(resource).or_default();
        *known = (*known).max(amount);
    }
}
