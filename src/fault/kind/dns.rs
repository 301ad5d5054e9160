use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::action::{Action, Hold};
use crate::fault::refusal::{PodRefusal, Refusal};
use crate::fault::targeting::{PodTargets, View};

use super::firewall::{self, Hook};
use super::pod::{address, is_on_host_network, node_of, path, refuse, subject};

/// DNS servers of the cluster are reached through the node, and those of the node in it.
const HOOKS: [Hook; 2] = [Hook::Forward, Hook::Input];

/// Parameters of `dns-failure`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct DnsFailure {
    /// How the queries fail
    #[schemars(extend("x-value-name" = "MODE"))]
    pub mode: DnsMode,
    #[serde(flatten)]
    pub targets: PodTargets,
}

/// How DNS queries fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DnsMode {
    /// No answer comes, so that each query times out
    #[default]
    Drop,
    /// The queries are refused at once
    Refuse,
}

impl DnsFailure {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let (udp, tcp, effect) = match self.mode {
            DnsMode::Drop => ("DROP", "DROP", "drops the pod's DNS queries"),
            DnsMode::Refuse => {
                ("REJECT", "REJECT --reject-with tcp-reset", "refuses the pod's DNS queries")
            }
        };
        let pods = self.targets.resolve(view)?;
        pods.into_iter()
            .map(|pod| {
                if is_on_host_network(pod) {
                    return Err(refuse(pod, PodRefusal::HostNetwork));
                }
                let address = address(pod)?;
                let rules = format!(
                    "echo \"-A $chain -s {address} -p udp --dport 53 -j {udp}\"\n\
                     echo \"-A $chain -s {address} -p tcp --dport 53 -j {tcp}\"\n"
                );
                Ok(Action {
                    inject: Some(firewall::add(&HOOKS, &rules)),
                    heal: Some(firewall::remove(&HOOKS)),
                    healing: "lets the pod's DNS queries pass".to_owned(),
                    holds: vec![Hold::Pod(format!("{} DNS", path(pod)))],
                    ..Action::on(node_of(pod, view)?, subject(pod), effect)
                })
            })
            .collect()
    }
}
