use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::cluster_name::ClusterName;
use super::context::Context;
use super::output;
use crate::cluster::{inventory, logs};

/// Write the logs of a cluster into a folder and print its path
///
/// For each node: its journal, kubelet's and containerd's, its container's log and properties, its
/// images, and the logs of its pods. For the cluster: nodes, pods and events. What cannot be had,
/// as from a dead node, is a warning.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs export logs --name dev
  kindrs export logs --name dev ./logs")]
pub(super) struct ExportLogs {
    /// Folder to write to, made if it is missing [default: a new temporary folder]
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterName,
}

impl ExportLogs {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker().await?;
        let name = &self.cluster.name;
        // Before a folder is made for nothing.
        inventory::require(&docker, name).await?;
        let folder = match self.folder {
            Some(folder) => folder,
            None => {
                let made = tempfile::Builder::new().prefix("kindrs-logs-").tempdir();
                made.context("cannot make a temporary folder")?.keep()
            }
        };
        logs::export(&docker, name, &folder, &context.progress).await?;
        output::print(&format!("{}\n", folder.display()))
    }
}
