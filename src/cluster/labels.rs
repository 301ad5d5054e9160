//! The labels on everything that belongs to a cluster; `delete` works from them alone.

use std::collections::BTreeMap;

/// Name of the cluster, on every container, volume and network.
pub const CLUSTER: &str = "dev.kindrs.cluster";
/// What a container does in it.
pub const ROLE: &str = "dev.kindrs.role";
/// The run of `create` that made it.
pub const RUN: &str = "dev.kindrs.run";
/// [`ROLE`] of the load balancer before several control planes.
pub const ROLE_LOAD_BALANCER: &str = "external-load-balancer";
/// [`ROLE`] of the container that renders files and ends.
pub const ROLE_RENDER: &str = "render";

/// Labels of what `run` makes for cluster `name`.
pub fn cluster(name: &str, run: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(CLUSTER.into(), name.into()), (RUN.into(), run.into())])
}
