use clap::Args;
use serde_json::{Value, json};

use super::cluster_name::OneOrAllClusters;
use super::context::Context;
use super::output::{self, Format};
use crate::cluster::inventory::NodeSummary;

/// List a cluster's nodes, one name per line
///
/// As in kind, the list includes the load balancer of a cluster with several control planes.
#[derive(Debug, Args)]
#[command(after_help = "\
With -o json, a list of objects:
  cluster  name of the cluster
  name     name of the container and of the node
  role     control-plane, worker or external-load-balancer
  address  address on the cluster's network; null if there is none
  state    state of the container, as in Docker: running, exited, ...
  image    image of the container

Examples:
  kindrs get nodes --name dev
  kindrs get nodes --all-clusters -o json")]
pub(super) struct GetNodes {
    #[command(flatten)]
    clusters: OneOrAllClusters,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl GetNodes {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker().await?;
        let nodes = self.clusters.nodes(&docker).await?;
        if nodes.is_empty() {
            context.progress.note("no clusters found");
        }
        output::print(&render(&nodes, self.output)?)
    }
}

fn render(nodes: &[NodeSummary], format: Format) -> anyhow::Result<String> {
    match format {
        Format::Text => Ok(output::lines(nodes.iter().map(|node| node.name.as_str()))),
        Format::Json => output::json(&nodes.iter().map(object).collect::<Vec<_>>()),
    }
}

fn object(node: &NodeSummary) -> Value {
    json!({
        "cluster": node.cluster,
        "name": node.name,
        "role": node.role.name(),
        "address": node.address,
        "state": node.state,
        "image": node.image,
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::config::ContainerRole;
    use crate::runtime::ContainerState;

    #[test]
    fn nodes_as_text_and_json() {
        let node = NodeSummary {
            cluster: "dev".into(),
            name: "dev-control-plane".into(),
            role: ContainerRole::CONTROL_PLANE,
            address: Some(Ipv4Addr::new(172, 20, 0, 2)),
            state: ContainerState::Running,
            image: "kindrs/node:v1.37.2".into(),
        };
        let gone = NodeSummary {
            name: "dev-worker".into(),
            role: ContainerRole::WORKER,
            address: None,
            state: ContainerState::Exited,
            ..node.clone()
        };
        let nodes = [node, gone];
        assert_eq!(render(&nodes, Format::Text).unwrap(), "dev-control-plane\ndev-worker\n");
        insta::assert_snapshot!(render(&nodes, Format::Json).unwrap(), @r#"
        [
          {
            "cluster": "dev",
            "name": "dev-control-plane",
            "role": "control-plane",
            "address": "172.20.0.2",
            "state": "running",
            "image": "kindrs/node:v1.37.2"
          },
          {
            "cluster": "dev",
            "name": "dev-worker",
            "role": "worker",
            "address": null,
            "state": "exited",
            "image": "kindrs/node:v1.37.2"
          }
        ]
        "#);
    }
}
