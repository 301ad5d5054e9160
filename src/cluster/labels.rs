//! Labels and names of everything a cluster has in the engine.

use std::collections::BTreeMap;

use crate::config::Role;
use crate::runtime::Label;

/// Label of every object of a cluster: the cluster's name.
pub const CLUSTER: &str = "dev.kindrs.cluster";
/// Label of a container: what it is, in the words of [`ContainerRole::name`].
pub const ROLE: &str = "dev.kindrs.role";
/// Label of every object of a cluster: the run of `create` that made it.
pub const RUN: &str = "dev.kindrs.run";

/// What a container of a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerRole {
    /// A node that runs the control plane.
    ControlPlane,
    /// A node that runs workloads only.
    Worker,
    /// The load balancer before several control planes; no node.
    LoadBalancer,
}

impl ContainerRole {
    /// The value of the label [`ROLE`].
    pub fn name(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Worker => "worker",
            Self::LoadBalancer => "external-load-balancer",
        }
    }

    /// The role that a label's value names; `None` for a word that is no role.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::ControlPlane, Self::Worker, Self::LoadBalancer]
            .into_iter()
            .find(|role| role.name() == name)
    }

    /// Whether it is a node of the Kubernetes cluster.
    pub fn is_node(self) -> bool {
        self != Self::LoadBalancer
    }
}

impl From<Role> for ContainerRole {
    fn from(role: Role) -> Self {
        match role {
            Role::ControlPlane => Self::ControlPlane,
            Role::Worker => Self::Worker,
        }
    }
}

/// Labels of a network or volume of a cluster, made by this run of `create`.
pub fn of_object(cluster: &str, run: &str) -> BTreeMap<String, String> {
    [(CLUSTER, cluster), (RUN, run)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into_iter()
        .collect()
}

/// Labels of a container of a cluster, made by this run of `create`.
pub fn of_container(cluster: &str, role: ContainerRole, run: &str) -> BTreeMap<String, String> {
    let mut labels = of_object(cluster, run);
    labels.insert(ROLE.to_owned(), role.name().to_owned());
    labels
}

/// The filter for every object of one cluster.
pub fn in_cluster(cluster: &str) -> [Label; 1] {
    [(CLUSTER.to_owned(), cluster.to_owned())]
}

/// The filter for every object of any cluster.
pub fn in_any_cluster() -> [Label; 1] {
    [(CLUSTER.to_owned(), String::new())]
}

/// The name of a cluster's network.
pub fn network(cluster: &str) -> String {
    format!("kindrs-{cluster}")
}

/// The name of the volume that is a node's `/var`.
pub fn volume(node: &str) -> String {
    format!("{node}-var")
}

/// The name of a cluster's container of a role, numbered from 1 as kind does: the first has no
/// number (`dev-worker`, `dev-worker2`).
pub fn container(cluster: &str, role: ContainerRole, number: usize) -> String {
    let suffix = if number <= 1 { String::new() } else { number.to_string() };
    format!("{cluster}-{}{suffix}", role.name())
}

/// The cluster whose node's volume has this name: the inverse of [`volume`] of [`container`].
/// `None` for the name of another volume.
pub fn cluster_of_volume(volume: &str) -> Option<&str> {
    let node = volume.strip_suffix("-var")?.trim_end_matches(|c: char| c.is_ascii_digit());
    [ContainerRole::ControlPlane, ContainerRole::Worker, ContainerRole::LoadBalancer]
        .into_iter()
        .find_map(|role| node.strip_suffix(role.name())?.strip_suffix('-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn containers_are_named_as_kind_names_them() {
        assert_eq!(container("dev", ContainerRole::ControlPlane, 1), "dev-control-plane");
        assert_eq!(container("dev", ContainerRole::Worker, 2), "dev-worker2");
        let balancer = container("dev", ContainerRole::LoadBalancer, 1);
        assert_eq!(balancer, "dev-external-load-balancer");
    }

    #[test]
    fn labels_of_a_container() {
        insta::assert_yaml_snapshot!(of_container("dev", ContainerRole::Worker, "r1"), @r"
        dev.kindrs.cluster: dev
        dev.kindrs.role: worker
        dev.kindrs.run: r1
        ");
    }

    #[test]
    fn volumes_of_others_are_of_no_cluster() {
        for name in ["", "-var", "data", "dev-worker", "dev-etcd-var", "devworker-var"] {
            assert_eq!(cluster_of_volume(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_volume_tells_its_cluster(cluster in "[a-z0-9][a-z0-9.-]{0,20}", number in 1usize..30) {
            for role in [ContainerRole::ControlPlane, ContainerRole::Worker, ContainerRole::LoadBalancer] {
                prop_assert_eq!(ContainerRole::from_name(role.name()), Some(role));
                let volume = volume(&container(&cluster, role, number));
                prop_assert_eq!(cluster_of_volume(&volume), Some(cluster.as_str()));
            }
        }
    }
}
