//! The labels of all objects of a cluster. `delete` finds the objects only by them.

use std::collections::BTreeMap;

use crate::config::ContainerRole;
use crate::runtime::Label;

/// Label of every object of a cluster: the cluster's name.
pub const CLUSTER: &str = "dev.kindrs.cluster";
/// Label of a container: its [`ContainerRole::name`].
pub const ROLE: &str = "dev.kindrs.role";
/// Label of every object of a cluster: the run of `create` that created it.
pub const RUN: &str = "dev.kindrs.run";

/// The labels of everything that `run` creates for cluster `name`.
pub fn cluster(name: &str, run: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(CLUSTER.into(), name.into()), (RUN.into(), run.into())])
}

/// The filter for all objects of one cluster.
pub fn in_cluster(cluster: &str) -> [Label; 1] {
    [(CLUSTER.to_owned(), cluster.to_owned())]
}

/// The filter for all objects of all clusters.
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

/// The cluster of a node's volume, by the volume's name: the engine lists volumes without labels.
pub fn cluster_of_volume(volume: &str) -> Option<&str> {
    let node = volume.strip_suffix("-var")?.trim_end_matches(|c: char| c.is_ascii_digit());
    ContainerRole::ALL
        .into_iter()
        .find_map(|role| node.strip_suffix(role.name())?.strip_suffix('-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_volumes_belong_to_no_cluster() {
        for name in ["", "-var", "data", "dev-worker", "dev-etcd-var", "devworker-var"] {
            assert_eq!(cluster_of_volume(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_volume_belongs_to_its_cluster(cluster in "[a-z0-9][a-z0-9.-]{0,20}", number in 1usize..30) {
            for role in ContainerRole::ALL {
                prop_assert_eq!(ContainerRole::from_name(role.name()), Some(role));
                let number = if number == 1 { String::new() } else { number.to_string() };
                let volume = volume(&format!("{cluster}-{role}{number}"));
                prop_assert_eq!(cluster_of_volume(&volume), Some(cluster.as_str()));
            }
        }
    }
}
