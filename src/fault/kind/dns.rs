use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fault::action::{Action, Hold};
use crate::fault::targeting::{PodTargets, View};

use super::firewall::{self, Hook};
use super::pod::{address, is_on_host_network, node_of, path, subject};

/// A name server in the cluster is behind the node, one of the node's own is in it.
const HOOKS: [Hook; 2] = [Hook::Forward, Hook::Input];

/// Pods that cannot look names up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DnsFailure {
    /// How their queries fail
    #[arg(long, value_enum, value_name = "MODE", default_value_t)]
    pub mode: DnsMode,
    /// Which pods.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: PodTargets,
}

/// How queries fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DnsMode {
    /// No answer comes: each query takes its whole time
    #[default]
    Drop,
    /// They are refused at once
    Refuse,
}

impl DnsFailure {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
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
                    return Err(Failure::input(format!(
                        "{} uses its node's network: its queries are not told from the node's",
                        path(pod)
                    ))
                    .with_hint("choose pods without hostNetwork"));
                }
                let address = address(pod)?;
                let rules = format!(
                    "echo \"-A $chain -s {address} -p udp --dport 53 -j {udp}\"\n\
                     echo \"-A $chain -s {address} -p tcp --dport 53 -j {tcp}\"\n"
                );
                Ok(Action {
                    inject: Some(firewall::put_up(&HOOKS, &rules)),
                    heal: Some(firewall::take_down(&HOOKS)),
                    healing: "lets the pod's DNS queries through again".to_owned(),
                    holds: vec![Hold::Pod(format!("{} DNS", path(pod)))],
                    ..Action::on(node_of(pod, view)?, subject(pod), effect)
                })
            })
            .collect()
    }
}
