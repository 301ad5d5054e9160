use std::path::PathBuf;

use clap::Args;

use super::cluster_name::ClusterName;
use super::context::Context;
use crate::cluster::load;

/// Load images from archives into a cluster's nodes
///
/// An archive is the output of docker save or an OCI archive, optionally compressed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docker save my-app:1.2 -o my-app.tar
  kindrs load image-archive my-app.tar --name dev")]
pub(super) struct LoadImageArchive {
    /// Archives to load
    #[arg(value_name = "FILE", required = true)]
    archives: Vec<PathBuf>,
    #[command(flatten)]
    cluster: ClusterName,
    /// Nodes to load into, separated by commas [default: all nodes]
    #[arg(long, value_name = "NODE", value_delimiter = ',')]
    nodes: Vec<String>,
}

impl LoadImageArchive {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker().await?;
        let name = &self.cluster.name;
        Ok(load::load_archives(&docker, name, &self.archives, &self.nodes, &context.progress)
            .await?)
    }
}
