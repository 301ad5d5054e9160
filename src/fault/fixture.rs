//! A cluster to plan faults for in tests.

use std::net::Ipv4Addr;

use crate::cluster::inventory::NodeSummary;
use crate::config::ContainerRole;
use crate::runtime::ContainerState;

use super::targeting::View;

/// Cluster `dev` with so many nodes, all running, on 172.28.0.0/16.
pub(super) fn view(control_planes: usize, workers: usize) -> View {
    let mut last = 1;
    let mut node = |role: ContainerRole, number: usize| {
        last += 1;
        let suffix = if number == 1 { String::new() } else { number.to_string() };
        NodeSummary {
            cluster: "dev".into(),
            name: format!("dev-{role}{suffix}"),
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
        cluster: "dev".into(),
        nodes,
        load_balancer,
        gateway: Some(Ipv4Addr::new(172, 28, 0, 1)),
        ..View::default()
    }
}
