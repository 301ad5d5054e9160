use std::path::PathBuf;

use clap::Args;

use super::cluster_name::ClusterName;
use super::context::Context;
use super::get_kubeconfig::client_place;
use crate::cluster::access::access;
use crate::kubeconfig::{Files, entry_name};

/// Write a cluster's entries to the kubeconfig and make its context current
///
/// Other entries are not changed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs export kubeconfig --name dev
  kindrs export kubeconfig --name dev --kubeconfig dev.kubeconfig")]
pub(super) struct ExportKubeconfig {
    #[command(flatten)]
    cluster: ClusterName,
    /// Use the node's address on the cluster's network, for clients in containers there
    #[arg(long)]
    internal: bool,
    /// kubeconfig file to write [default: $KUBECONFIG or ~/.kube/config, as in kubectl]
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
