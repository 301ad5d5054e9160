use clap::Args;

use super::cluster_name::ClusterName;
use super::context::Context;
use crate::cluster::load;
use crate::interruption::unless_interrupted;

/// Load images from Docker into a cluster's nodes
///
/// The command skips nodes that already have the images. Pods use a loaded image if their
/// imagePullPolicy is IfNotPresent or Never; for the tag latest, the default is Always.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs load docker-image my-app:1.2 --name dev
  kindrs load docker-image my-app:1.2 my-database:7 --nodes dev-worker,dev-worker2 --name dev")]
pub(super) struct LoadDockerImage {
    /// Images to load
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
    #[command(flatten)]
    cluster: ClusterName,
    /// Nodes to load into, separated by commas [default: all nodes]
    #[arg(long, value_name = "NODE", value_delimiter = ',')]
    nodes: Vec<String>,
}

impl LoadDockerImage {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker().await?;
        let name = &self.cluster.name;
        // A process that a signal ends would leave the temporary file with the images.
        unless_interrupted(async {
            load::load_images(&docker, name, &self.images, &self.nodes, &context.progress).await?;
            Ok(())
        })
        .await
    }
}
