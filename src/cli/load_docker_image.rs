use clap::Args;

use super::cluster_name::ClusterName;
use super::context::Context;
use crate::cluster::load;
use crate::interruption::unless_interrupted;

/// Bring images of Docker into a cluster's nodes
///
/// A node that has an image already is left alone. Pods use an image brought in when their
/// imagePullPolicy is IfNotPresent or Never; for the tag latest, Kubernetes' default is Always.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs load docker-image my-app:1.2 --name dev
  kindrs load docker-image my-app:1.2 my-database:7 --nodes dev-worker,dev-worker2 --name dev")]
pub(super) struct LoadDockerImage {
    /// Images in Docker
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
    #[command(flatten)]
    cluster: ClusterName,
    /// Only these nodes, with commas between
    #[arg(long, value_name = "NODE", value_delimiter = ',')]
    nodes: Vec<String>,
}

impl LoadDockerImage {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker().await?;
        let name = &self.cluster.name;
        // Ending by the signal itself would leave the temporary file of the images.
        unless_interrupted(async {
            load::load_images(&docker, name, &self.images, &self.nodes, &context.progress).await?;
            Ok(())
        })
        .await
    }
}
