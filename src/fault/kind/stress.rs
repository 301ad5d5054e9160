use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::action::{Action, Hold};
use crate::fault::parameter::Whole;
use crate::fault::refusal::Refusal;
use crate::fault::targeting::{NodeTargets, View};

/// Parameters of `cpu-stress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct CpuStress {
    /// Number of CPUs to keep busy
    #[schemars(extend("x-value-name" = "N"))]
    pub cpus: Whole<1, 1024>,
    #[serde(flatten)]
    pub targets: NodeTargets,
}

impl Default for CpuStress {
    fn default() -> Self {
        Self { cpus: Whole::MIN, targets: NodeTargets::default() }
    }
}

impl CpuStress {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let cpus = self.cpus;
        let busy = if cpus == Whole::MIN { "1 CPU".to_owned() } else { format!("{cpus} CPUs") };
        let nodes = self.targets.resolve(view)?;
        Ok(nodes
            .into_iter()
            .map(|node| Action {
                // One unit, so that stopping it ends all of its processes.
                inject: Some(format!(
                    "systemd-run --quiet --unit=\"kindrs-stress-$id\" sh -c '\
                     for _ in $(seq {cpus}); do (while :; do :; done) & done; wait'\n"
                )),
                heal: Some("stop_unit \"kindrs-stress-$id.service\"\n".to_owned()),
                healing: "stops the busy processes".to_owned(),
                holds: vec![Hold::Cpu],
                ..Action::on_node(node, format!("keeps {busy} busy"))
            })
            .collect())
    }
}
