use std::num::NonZeroUsize;
use std::path::Path;

use super::variant::Variant;
use crate::config::{self, Cluster, Node, Role, node_names};
use crate::scenario::language::ClusterNodes;
use crate::yaml::{Position, Problem};

/// The cluster that a run creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCluster {
    /// The configuration, without a name.
    pub config: Cluster,
    /// The names of the nodes, in the order of the configuration.
    pub node_names: Vec<String>,
}

/// Returns the cluster that a variant creates, from its configuration or its numbers of nodes; `None` for an
/// existing cluster. The path of the configuration is relative to `folder`.
///
/// # Errors
/// Every problem of the configuration, with its position in the scenario or in the configuration's file.
pub fn planned_cluster(
    variant: &Variant,
    folder: &Path,
    cluster_name: &str,
) -> Result<Option<PlannedCluster>, Vec<Problem>> {
    let mut config = match &variant.scenario.cluster.nodes {
        ClusterNodes::Existing { .. } => return Ok(None),
        ClusterNodes::File { file, .. } => from_file(variant, &folder.join(file))?,
        ClusterNodes::Config { .. } => inline(variant)?,
        ClusterNodes::Sizes { control_planes, workers, .. } => {
            counted(control_planes.map_or(1, NonZeroUsize::get), workers.unwrap_or_default())
        }
    };
    config.name = None;
    let roles: Vec<Role> = config.nodes.iter().map(|node| node.role).collect();
    let node_names = node_names(cluster_name, &roles);
    Ok(Some(PlannedCluster { config: config.resolve_host_paths(folder), node_names }))
}

fn counted(control_planes: usize, workers: usize) -> Cluster {
    let planes = std::iter::repeat_n(Node::new(Role::ControlPlane), control_planes);
    let workers = std::iter::repeat_n(Node::new(Role::Worker), workers);
    Cluster { nodes: planes.chain(workers).collect(), ..Cluster::default() }
}

fn from_file(variant: &Variant, path: &Path) -> Result<Cluster, Vec<Problem>> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => config::load(&name, &text).map_err(|problems| {
            let file = problems.file;
            let of_file = |problem| Problem { file: Some(file.clone()), ..problem };
            problems.problems.into_iter().map(of_file).collect()
        }),
        Err(error) => {
            let position = variant.position("cluster.file");
            let message = format!("cannot read {name}: {error}");
            Err(vec![Problem::new(position, "cluster.file", message)])
        }
    }
}

fn inline(variant: &Variant) -> Result<Cluster, Vec<Problem>> {
    const PATH: &str = "cluster.config";
    let Some(node) = variant.root.at(PATH) else { return Ok(Cluster::default()) };
    config::load_value(node).map_err(|problems| {
        let within = |problem: Problem| {
            let path = match problem.path.as_str() {
                "" => PATH.to_owned(),
                path if path.starts_with('[') => format!("{PATH}{path}"),
                path => format!("{PATH}.{path}"),
            };
            let place = Position { line: problem.line, column: problem.column };
            Problem::new(place, path, problem.message).suggest(problem.suggestion)
        };
        problems.into_iter().map(within).collect()
    })
}
