//! A cluster to plan faults for, and short ways to write faults and refusals, for tests.

use std::net::Ipv4Addr;

use crate::cluster::inventory::NodeSummary;
use crate::config::ContainerRole;
use crate::runtime::ContainerState;

use super::kind::FaultKind;
use super::refusal::{Notation, Refusal};
use super::targeting::View;

/// Cluster `dev` with these numbers of nodes, all running, on 172.28.0.0/16.
pub(super) fn view(control_planes: usize, workers: usize) -> View {
    named_view("dev", control_planes, workers)
}

/// A cluster of this name, as [`view`].
pub(super) fn named_view(cluster: &str, control_planes: usize, workers: usize) -> View {
    let mut last = 1;
    let mut node = |role: ContainerRole, number: usize| {
        last += 1;
        let suffix = if number == 1 { String::new() } else { number.to_string() };
        NodeSummary {
            cluster: cluster.into(),
            name: format!("{cluster}-{role}{suffix}"),
            role,
            address: Some(Ipv4Addr::new(172, 28, 0, last)),
            state: ContainerState::Running,
            image: "kindrs/node:v1.37.2".into(),
        }
    };
    let mut nodes: Vec<NodeSummary> =
        (1..=control_planes).map(|number| node(ContainerRole::CONTROL_PLANE, number)).collect();
    nodes.extend((1..=workers).map(|number| node(ContainerRole::WORKER, number)));
    let load_balancer = (control_planes > 1).then(|| node(ContainerRole::LoadBalancer, 1));
    View {
        cluster: cluster.into(),
        nodes,
        load_balancer,
        gateway: Some(Ipv4Addr::new(172, 28, 0, 1)),
        ..View::default()
    }
}

/// The fault of a line such as `node-stop --node worker,worker2`, as a file would write it.
pub(super) fn try_fault(line: &str) -> Result<FaultKind, String> {
    let mut words = line.split_whitespace().peekable();
    let mut fields = serde_json::Map::new();
    fields.insert("fault".to_owned(), words.next().unwrap_or_default().into());
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").unwrap();
        let value = match words.next_if(|word| !word.starts_with("--")) {
            None => true.into(),
            Some(value) if value.contains(',') => value.split(',').collect::<Vec<_>>().into(),
            Some(value) => value.into(),
        };
        fields.insert(name.to_owned(), value);
    }
    serde_json::from_value(fields.into()).map_err(|error| error.to_string())
}

/// As [`try_fault`], for a line without mistakes.
pub(super) fn fault(line: &str) -> FaultKind {
    try_fault(line).unwrap()
}

/// The message and the hint of a refusal, on two lines.
pub(super) fn words(refusal: &Refusal) -> String {
    let failure = refusal.failure(&Plain);
    format!("{failure}\n{}", failure.hint().unwrap_or_default())
}

/// The message of a refusal.
pub(super) fn message(refusal: &Refusal) -> String {
    refusal.failure(&Plain).to_string()
}

struct Plain;

impl Notation for Plain {
    fn name(&self, parameter: &str) -> String {
        format!("<{parameter}>")
    }

    fn given(&self, parameter: &str, value: &str) -> String {
        format!("<{parameter}={value}>")
    }

    fn allow_total(&self) -> String {
        self.name("allow-total")
    }
}
