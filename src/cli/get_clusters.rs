use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::output::{self, Format};
use crate::cluster::inventory::{self, ClusterSummary};

/// List clusters, one name per line
#[derive(Debug, Args)]
#[command(after_help = "\
With -o json, a list of objects:
  name           name of the cluster
  nodes          number of nodes; 0 if the cluster is incomplete
  controlPlanes  number of control plane nodes
  workers        number of worker nodes
  running        number of running nodes

Examples:
  kindrs get clusters
  kindrs get clusters -o json | jq -r '.[] | select(.running < .nodes) | .name'")]
pub(super) struct GetClusters {
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl GetClusters {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let clusters = inventory::clusters(&context.docker().await?).await?;
        if clusters.is_empty() {
            context.progress.note("no clusters found");
        }
        output::print(&render(&clusters, self.output)?)
    }
}

fn render(clusters: &[ClusterSummary], format: Format) -> anyhow::Result<String> {
    match format {
        Format::Text => Ok(output::lines(clusters.iter().map(|cluster| cluster.name.as_str()))),
        Format::Json => output::json(&clusters.iter().map(object).collect::<Vec<_>>()),
    }
}

fn object(cluster: &ClusterSummary) -> Value {
    json!({
        "name": cluster.name,
        "nodes": cluster.nodes(),
        "controlPlanes": cluster.control_planes,
        "workers": cluster.workers,
        "running": cluster.running,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_as_text_and_json() {
        let cluster = |name: &str, workers| ClusterSummary {
            name: name.into(),
            control_planes: 1,
            workers,
            running: 1,
        };
        let clusters = [cluster("dev", 2), cluster("test", 0)];
        assert_eq!(render(&clusters, Format::Text).unwrap(), "dev\ntest\n");
        assert_eq!(render(&[], Format::Text).unwrap(), "");
        assert_eq!(render(&[], Format::Json).unwrap(), "[]\n");
        insta::assert_snapshot!(render(&clusters[..1], Format::Json).unwrap(), @r#"
        [
          {
            "name": "dev",
            "nodes": 3,
            "controlPlanes": 1,
            "workers": 2,
            "running": 1
          }
        ]
        "#);
    }
}
