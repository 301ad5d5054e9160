use std::path::PathBuf;

use clap::Args;

use super::cluster_name::ClusterName;
use super::context::Context;
use super::get_kubeconfig::client_place;
use crate::cluster::access::access;
use crate::kubeconfig::{Files, entry_name};

/// Write a cluster's entries into the kubeconfig and make its context the current one
///
/// Other entries stay as they are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs export kubeconfig --name dev
  kindrs export kubeconfig --name dev --kubeconfig dev.kubeconfig")]
pub(super) struct ExportKubeconfig {
    #[command(flatten)]
    cluster: ClusterName,
    /// For clients in containers on the cluster's network: the node's address, not the host's
    #[arg(long)]
    internal: bool,
    /// kubeconfig file to write to [default: as kubectl: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl ExportKubeconfig {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker().await?;
        let name = &self.cluster.name;
        let access = access(&docker, name, client_place(self.internal)).await?;
        let files = Files::from_environment(self.kubeconfig.as_deref());
        let written = tokio::task::spawn_blocking(move || files.add(&access)).await??;
        let entry = entry_name(name);
        let file = written.display();
        context.progress.note(format!("kubectl's current context in {file} is {entry}"));
        Ok(())
    }
}
