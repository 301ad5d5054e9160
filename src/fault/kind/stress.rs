use clap::Args;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fault::action::{Action, Hold};
use crate::fault::targeting::{NodeTargets, View};

/// Busy processes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CpuStress {
    /// How many CPUs to keep busy
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..=1024)
    )]
    pub cpus: u16,
    /// Which nodes.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: NodeTargets,
}

impl CpuStress {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
        let cpus = self.cpus;
        let busy = if cpus == 1 { "a CPU".to_owned() } else { format!("{cpus} CPUs") };
        let nodes = self.targets.resolve(view)?;
        Ok(nodes
            .into_iter()
            .map(|node| Action {
                // One unit, so that its end takes every process of it.
                inject: Some(format!(
                    "systemd-run --quiet --unit=\"kindrs-stress-$id\" sh -c '\
                     for _ in $(seq {cpus}); do (while :; do :; done) & done; wait'\n"
                )),
                heal: Some("stop_unit \"kindrs-stress-$id.service\"\n".to_owned()),
                healing: "ends the busy processes".to_owned(),
                holds: vec![Hold::Cpu],
                ..Action::on_node(&node.name, format!("keeps {busy} busy"))
            })
            .collect())
    }
}
