use std::path::PathBuf;

use clap::Args;

use super::cluster_name::ClusterName;
use super::context::Context;
use crate::cluster::delete::delete;
use crate::fault::marker;
use crate::kubeconfig::Files;

/// Delete a cluster with its volumes, network and kubeconfig entries
///
/// That there is no such cluster is no failure. One that is half made or half deleted goes too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs delete cluster
  kindrs delete cluster --name dev")]
pub(super) struct DeleteCluster {
    #[command(flatten)]
    cluster: ClusterName,
    /// kubeconfig file to clean [default: as kubectl: all of $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl DeleteCluster {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker_as_it_is().await?;
        let files = Files::from_environment(self.kubeconfig.as_deref());
        let name = &self.cluster.name;
        if delete(&docker, name, &files, &context.progress).await?.is_empty() {
            context.progress.note(format!("there was no cluster named `{name}`"));
        }
        marker::forget(name);
        Ok(())
    }
}
