use std::sync::LazyLock;

use super::cluster::Cluster;
use super::format::{check_address, check_subnet};
use super::validate::violations;
use crate::yaml::{Checked, Decoded, Decoder, Header, Node, Problem, Problems, join};

const FORMAT: &str = "see https://kind.sigs.k8s.io/docs/user/configuration/";

const HEADER: Header = Header { kind: "Cluster", api_version: "kind.x-k8s.io/v1alpha4" };

/// Decodes configurations as leniently as kind.
static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    Decoder::of::<Cluster>()
        .with_format("ip", check_address)
        .with_format("ipv4-subnet", check_subnet)
        .lenient()
});

/// Reads a cluster from YAML or JSON in kind's format
/// (<https://kind.sigs.k8s.io/docs/user/configuration/>). Absent, null and empty fields get defaults.
///
/// `source` names the text in errors: a file's name, or `standard input`. Relative host paths stay;
/// [`Cluster::resolve_host_paths`] makes them absolute. Fails with all problems and their positions.
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
        let Decoded { value: mut cluster, checked } = DECODER.decode::<Cluster>(&mut readable);
        if let Some(cluster) = &mut cluster {
            if cluster.nodes.is_empty() {
                cluster.nodes = Cluster::default().nodes;
            }
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
