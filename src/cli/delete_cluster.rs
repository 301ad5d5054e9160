use std::path::PathBuf;

use clap::Args;

use super::cluster_name::ClusterName;
use super::context::Context;
use crate::cluster::delete::delete;
use crate::fault::marker;
use crate::kubeconfig::Files;

/// Delete a cluster with its volumes, network and kubeconfig entries
///
/// The command also deletes incomplete clusters, and succeeds if the cluster does not exist.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs delete cluster
  kindrs delete cluster --name dev")]
pub(super) struct DeleteCluster {
    #[command(flatten)]
    cluster: ClusterName,
    /// kubeconfig file to clean up [default: all files of $KUBECONFIG or ~/.kube/config, as in kubectl]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl DeleteCluster {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker_without_healing().await?;
        let files = Files::from_environment(self.kubeconfig.as_deref());
        let name = &self.cluster.name;
        if delete(&docker, name, &files, &context.progress).await?.is_empty() {
            context.progress.note(format!("cluster `{name}` does not exist"));
        }
        marker::forget(name);
        Ok(())
    }
}
