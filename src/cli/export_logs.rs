use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::cluster_name::ClusterName;
use super::context::Context;
use super::output;
use crate::cluster::{inventory, logs};

/// Write a cluster's logs to a folder and print its path
///
/// For each node: its journal, the logs of kubelet and containerd, the log and properties of its
/// container, its list of images, and the logs of its pods. For the cluster: nodes, pods and
/// events. For anything that cannot be read, such as the journal of a stopped node, the command
/// prints a warning and continues.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs export logs --name dev
  kindrs export logs --name dev ./logs")]
pub(super) struct ExportLogs {
    /// Folder to write to; created if it does not exist [default: a new temporary folder]
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterName,
}

impl ExportLogs {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker().await?;
        let name = &self.cluster.name;
        // Check before creating a folder for nothing.
        inventory::require(&docker, name).await?;
        let folder = match self.folder {
            Some(folder) => folder,
            None => {
                let new = tempfile::Builder::new().prefix("kindrs-logs-").tempdir();
                new.context("cannot create a temporary folder")?.keep()
            }
        };
        logs::export(&docker, name, &folder, &context.progress).await?;
        output::print(&format!("{}\n", folder.display()))
    }
}
