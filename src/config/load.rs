use super::cluster::Cluster;
use super::format::{ClusterFormat, DECODER};
use super::validate::violations;
use crate::yaml::{Checked, Decoded, Header, Node, Problem, Problems, join};

/// The hint for problems of configurations.
const FORMAT: &str = "see https://kind.sigs.k8s.io/docs/user/configuration/";

const HEADER: Header = Header { kind: "Cluster", api_version: "kind.x-k8s.io/v1alpha4" };

/// Reads a cluster from a text in kind's format
/// (<https://kind.sigs.k8s.io/docs/user/configuration/>): `kind: Cluster`, `apiVersion:
/// kind.x-k8s.io/v1alpha4`, in YAML or JSON. Absent, null and empty fields mean their default.
///
/// `source` names the text in errors: a file's name, or `standard input`. Relative host paths stay
/// as they are; [`Cluster::resolve_host_paths`] makes them absolute.
///
/// # Errors
/// Every problem of syntax, fields, types and rules, with its position. A field of the format that
/// kindrs does not support yet is refused by name.
pub fn load(source: &str, text: &str) -> Result<Cluster, Problems> {
    let mut problems = Vec::new();
    let root = HEADER.document(text, &mut problems);
    read(root, problems).map_err(|problems| Problems {
        file: source.to_string(),
        problems,
        hint: FORMAT,
    })
}

/// Reads a cluster from a value of another document, as [`load`] does from a text, but `kind` and
/// `apiVersion` can be left out. Positions are those of that document, and paths start at the value.
///
/// # Errors
/// Every problem.
pub(crate) fn load_value(value: &Node) -> Result<Cluster, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut root = value.clone();
    HEADER.complete(&mut root);
    let is_cluster = HEADER.check(&mut root, &mut problems);
    read(is_cluster.then_some(root), problems)
}

fn read(root: Option<Node>, mut problems: Vec<Problem>) -> Result<Cluster, Vec<Problem>> {
    let cluster = root.and_then(|root| {
        let mut readable = root.clone();
        let Decoded { value, checked } = DECODER.decode::<ClusterFormat>(&mut readable);
        let cluster = value.map(Cluster::from);
        if let Some(cluster) = &cluster {
            let cluster = without_unreadable_ports(cluster.clone(), &checked);
            for violation in violations(&cluster) {
                let mut paths = std::iter::once(&violation.path).chain(&violation.other);
                if !paths.any(|path| checked.is_unreadable(path)) {
                    let position = root.nearest(&violation.path).0.position;
                    let problem = Problem::new(position, violation.path, violation.message);
                    problems.push(problem.suggest(violation.suggestion));
                }
            }
        }
        problems.extend(checked.problems);
        cluster
    });
    problems.sort_by_key(|problem| (problem.line, problem.column));
    cluster.filter(|_| problems.is_empty()).ok_or(problems)
}

/// Removes host ports with unreadable addresses or protocols, which could look like duplicates.
fn without_unreadable_ports(mut cluster: Cluster, checked: &Checked) -> Cluster {
    if checked.is_unreadable("networking.apiServerAddress") {
        cluster.networking.api_server_port = None;
    }
    for (index, node) in cluster.nodes.iter_mut().enumerate() {
        for (mapping, port) in node.extra_port_mappings.iter_mut().enumerate() {
            let path = format!("nodes[{index}].extraPortMappings[{mapping}]");
            if ["listenAddress", "protocol"]
                .iter()
                .any(|name| checked.is_unreadable(&join(&path, name)))
            {
                port.host_port = 0;
            }
        }
    }
    cluster
}
