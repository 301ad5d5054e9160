use clap::Args;

use super::cluster_name::ClusterName;
use super::context::Context;
use crate::cluster::inventory;
use crate::fault::{Which, heal, heal_at_end};

/// Heal faults
///
/// Healing a fault that is healed already, or whose node does not exist any more, is not an error.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs fault heal node-kill-x7k2p
  kindrs fault heal --all --name dev")]
pub(super) struct FaultHeal {
    #[command(flatten)]
    cluster: ClusterName,
    /// IDs of the faults; run `kindrs fault list` to list them
    #[arg(value_name = "FAULT", required_unless_present_any = ["all", "over"])]
    faults: Vec<String>,
    /// Heal all faults of the cluster
    #[arg(long, conflicts_with_all = ["faults", "over"])]
    all: bool,
    /// Heal the faults that should have ended
    #[arg(long, conflicts_with = "faults")]
    over: bool,
    /// Wait for the end of the fault first
    #[arg(long, requires = "faults", hide = true)]
    at_end: bool,
}

impl FaultHeal {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker_without_healing().await?;
        let cluster = &self.cluster.name;
        if self.at_end {
            for fault in &self.faults {
                heal_at_end(&docker, cluster, fault).await?;
            }
            return Ok(());
        }
        if self.all && inventory::nodes(&docker, cluster).await?.is_empty() {
            // Fails if the cluster does not exist.
            inventory::require(&docker, cluster).await?;
        }
        let which = match (self.all, self.over) {
            (true, _) => Which::All,
            (_, true) => Which::Over,
            _ => Which::Named(self.faults),
        };
        let healed = heal(&docker, cluster, &which).await?;
        for entry in &healed.entries {
            context.progress.note(format!("{}: {} ({})", entry.node, entry.healing, entry.id));
        }
        for name in &healed.unknown {
            context.progress.note(format!("fault {name} is not active in cluster `{cluster}`"));
        }
        if healed.entries.is_empty() && healed.unknown.is_empty() {
            context.progress.note(format!("nothing to heal in cluster `{cluster}`"));
        }
        Ok(())
    }
}
