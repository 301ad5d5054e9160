//! Lists clusters and nodes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::config::{ContainerRole, Role};
use crate::failure::Failure;
use crate::plan::labels;
use crate::runtime::{ContainerInfo, ContainerState, Engine, EngineError};
use crate::words::nearest;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterSummary {
    pub name: String,
    pub control_planes: usize,
    pub workers: usize,
    pub running: usize,
}

impl ClusterSummary {
    /// The number of nodes; 0 for a cluster that is incomplete.
    pub fn nodes(&self) -> usize {
        self.control_planes + self.workers
    }
}

/// A container of a cluster in short: a node or the load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSummary {
    pub cluster: String,
    /// Its name, the container's and the Node object's.
    pub name: String,
    pub role: ContainerRole,
    /// Its address on the cluster's network; `None` when it has none, as before its first start.
    pub address: Option<Ipv4Addr>,
    pub state: ContainerState,
    pub image: String,
}

impl NodeSummary {
    pub fn is_running(&self) -> bool {
        self.state == ContainerState::Running
    }
}

/// Every cluster that has anything in the engine, by name.
pub async fn clusters(engine: &dyn Engine) -> Result<Vec<ClusterSummary>, EngineError> {
    let any = labels::in_any_cluster();
    let (containers, networks, volumes) =
        tokio::try_join!(engine.containers(&any), engine.networks(&any), engine.volumes(&any))?;
    let mut found: BTreeMap<String, ClusterSummary> = BTreeMap::new();
    let container_labels = containers.iter().map(|container| &container.labels);
    let names = container_labels
        .chain(networks.iter().map(|network| &network.labels))
        .filter_map(|labels| labels.get(labels::CLUSTER).map(String::as_str))
        .chain(volumes.iter().filter_map(|volume| labels::cluster_of_volume(volume)));
    for name in names {
        found
            .entry(name.to_owned())
            .or_insert_with(|| ClusterSummary { name: name.to_owned(), ..Default::default() });
    }
    for node in containers.into_iter().filter_map(summarise) {
        if let Some(cluster) = found.get_mut(&node.cluster) {
            match node.role {
                ContainerRole::Node(Role::ControlPlane) => cluster.control_planes += 1,
                ContainerRole::Node(Role::Worker) => cluster.workers += 1,
                ContainerRole::LoadBalancer | ContainerRole::Render => continue,
            }
            cluster.running += usize::from(node.is_running());
        }
    }
    Ok(found.into_values().collect())
}

/// The nodes and load balancer of a cluster: control planes first, then workers, each in the order
/// of their numbers. Empty if the cluster does not exist.
pub async fn nodes(engine: &dyn Engine, cluster: &str) -> Result<Vec<NodeSummary>, EngineError> {
    let containers = engine.containers(&labels::in_cluster(cluster)).await?;
    Ok(sorted(containers))
}

/// The nodes and load balancers of all clusters, in the order of [`nodes`] within each.
pub async fn all_nodes(engine: &dyn Engine) -> Result<Vec<NodeSummary>, EngineError> {
    let containers = engine.containers(&labels::in_any_cluster()).await?;
    Ok(sorted(containers))
}

/// The nodes of a cluster that must exist, as [`nodes`] lists them.
/// Fails with [`Failure::Input`] when the cluster does not exist; [`Failure::Environment`] when it
/// has no nodes or the engine fails.
pub async fn require(engine: &dyn Engine, cluster: &str) -> Result<Vec<NodeSummary>, Failure> {
    let nodes = nodes(engine, cluster).await?;
    if !nodes.is_empty() {
        return Ok(nodes);
    }
    let known: Vec<String> =
        clusters(engine).await?.into_iter().map(|cluster| cluster.name).collect();
    if known.iter().any(|name| name == cluster) {
        return Err(Failure::environment(format!("cluster `{cluster}` has no nodes")).with_hint(
            format!("run `kindrs delete cluster --name {cluster}` to delete the rest of it"),
        ));
    }
    Err(no_such_cluster(cluster, &known))
}

fn no_such_cluster(name: &str, known: &[String]) -> Failure {
    let failure = Failure::input(format!("cluster `{name}` does not exist"));
    if known.is_empty() {
        let create = format!("run `kindrs create cluster --name {name}` to create it");
        return failure.with_hint(create);
    }
    let list = known.join(", ");
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    match nearest(name, &names) {
        Some(near) => failure.with_hint(format!("did you mean `{near}`? The clusters are: {list}")),
        None => failure.with_hint(format!("use --name with one of these clusters: {list}")),
    }
}

fn sorted(containers: Vec<ContainerInfo>) -> Vec<NodeSummary> {
    let mut nodes: Vec<NodeSummary> = containers.into_iter().filter_map(summarise).collect();
    nodes.sort_by(|one, other| order(one).cmp(&order(other)));
    nodes
}

fn order(node: &NodeSummary) -> (&str, ContainerRole, usize, &str) {
    // worker2 comes before worker10.
    (&node.cluster, node.role, node.name.len(), &node.name)
}

/// A node or a load balancer; `None` for any other container.
fn summarise(container: ContainerInfo) -> Option<NodeSummary> {
    let cluster = container.labels.get(labels::CLUSTER)?.clone();
    let role = ContainerRole::from_name(container.labels.get(labels::ROLE)?)?;
    if role == ContainerRole::Render {
        return None;
    }
    Some(NodeSummary {
        address: container.addresses.get(&labels::network(&cluster)).copied(),
        cluster,
        role,
        name: container.name,
        state: container.state,
        image: container.image,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::fixture::{THREE, engine, make, make_network, make_volume};

    fn names(nodes: &[NodeSummary]) -> Vec<&str> {
        nodes.iter().map(|node| node.name.as_str()).collect()
    }

    #[tokio::test]
    async fn tells_similar_clusters_apart() {
        let engine = engine();
        make(&engine, "dev", 1, &THREE).await;
        make(&engine, "dev-b", 2, &THREE[..1]).await;
        engine.stop_container("dev-worker", std::time::Duration::ZERO).await.unwrap();
        let found = clusters(&engine).await.unwrap();
        let expected = [("dev", 1, 2, 2), ("dev-b", 1, 0, 1)].map(
            |(name, control_planes, workers, running)| ClusterSummary {
                name: name.to_owned(),
                control_planes,
                workers,
                running,
            },
        );
        assert_eq!(found, expected);
        assert_eq!(names(&nodes(&engine, "dev-b").await.unwrap()), ["dev-b-control-plane"]);
        assert_eq!(all_nodes(&engine).await.unwrap().len(), 4);
    }

    #[tokio::test]
    async fn lists_incomplete_clusters() {
        let engine = engine();
        make_network(&engine, "net", 1).await;
        make_volume(&engine, "vol", "vol-worker2-var").await;
        let found = clusters(&engine).await.unwrap();
        assert_eq!(found.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["net", "vol"]);
        assert!(found.iter().all(|cluster| cluster.nodes() == 0));
        let failure = require(&engine, "vol").await.unwrap_err();
        assert!(matches!(failure, Failure::Environment { .. }), "{failure}");
        assert_eq!(
            failure.hint().unwrap(),
            "run `kindrs delete cluster --name vol` to delete the rest of it"
        );
    }

    #[tokio::test]
    async fn nodes_come_in_order_with_their_addresses() {
        let engine = engine();
        let mut roles: Vec<_> = (1..=11).map(|n| (ContainerRole::WORKER, n)).collect();
        roles.extend([(ContainerRole::LoadBalancer, 1), (ContainerRole::CONTROL_PLANE, 1)]);
        make(&engine, "dev", 1, &roles).await;
        let nodes = nodes(&engine, "dev").await.unwrap();
        let listed = names(&nodes);
        assert_eq!(listed[..3], ["dev-control-plane", "dev-worker", "dev-worker2"]);
        assert_eq!(listed[10..], ["dev-worker10", "dev-worker11", "dev-external-load-balancer"]);
        assert_eq!(nodes[1].address, Some(Ipv4Addr::new(172, 20, 1, 2)));
        assert!(nodes.iter().all(NodeSummary::is_running));
    }

    #[tokio::test]
    async fn the_error_for_a_missing_cluster_lists_the_others() {
        let engine = engine();
        let alone = require(&engine, "dev").await.unwrap_err();
        assert_eq!(alone.to_string(), "cluster `dev` does not exist");
        assert_eq!(alone.hint().unwrap(), "run `kindrs create cluster --name dev` to create it");
        make(&engine, "staging", 1, &THREE).await;
        make(&engine, "test", 2, &THREE).await;
        let near = require(&engine, "stagin").await.unwrap_err();
        assert_eq!(near.hint().unwrap(), "did you mean `staging`? The clusters are: staging, test");
        let far = require(&engine, "dev").await.unwrap_err();
        assert_eq!(far.hint().unwrap(), "use --name with one of these clusters: staging, test");
        assert!(matches!(far, Failure::Input { .. }));
        assert_eq!(require(&engine, "test").await.unwrap().len(), 3);
    }
}
