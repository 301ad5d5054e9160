use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cluster::inventory::NodeSummary;
use crate::config::{ContainerRole, Role};
use crate::fault::action::Impact;
use crate::fault::parameter::{OneOrMany, Text};
use crate::fault::refusal::Refusal;
use crate::fault::targeting::View;

use super::firewall::{self, Hook};

/// The traffic that a network fault affects: between its targets and these peers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct Traffic {
    /// Only traffic with this node and its pods; `worker2` is short for `CLUSTER-worker2` [default:
    /// everything but the host, which kindrs and kubectl use]
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(extend("x-value-name" = "NAME"))]
    pub peer: OneOrMany<Text>,
    /// Only traffic with nodes of this role; control-plane includes the load balancer
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-value-name" = "ROLE"))]
    pub peer_role: Option<Role>,
    /// Which packets, as seen from the target
    #[schemars(extend("x-value-name" = "DIRECTION"))]
    pub direction: Direction,
}

/// A direction, as seen from the target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Incoming and outgoing packets
    #[default]
    Both,
    /// Incoming packets
    In,
    /// Outgoing packets
    Out,
}

impl Direction {
    pub(super) fn comes(self) -> bool {
        self != Self::Out
    }

    pub(super) fn leaves(self) -> bool {
        self != Self::In
    }

    /// The preposition before the far end: `from`, `to`, or `from and to`.
    pub(super) fn preposition(self) -> &'static str {
        match self {
            Self::Both => "from and to",
            Self::In => "from",
            Self::Out => "to",
        }
    }
}

/// The far end of the traffic of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FarEnd<'a> {
    /// Everything but the host, which has this address.
    Everything(Ipv4Addr),
    /// These containers and their pods.
    These(Vec<&'a NodeSummary>),
}

impl Traffic {
    /// Each target with its far end.
    pub(super) fn far_ends<'a>(
        &self,
        targets: Vec<&'a NodeSummary>,
        view: &'a View,
    ) -> Result<Vec<(&'a NodeSummary, FarEnd<'a>)>, Refusal> {
        if self.peer.is_empty() && self.peer_role.is_none() {
            let host = host_address(view)?;
            return Ok(targets.into_iter().map(|node| (node, FarEnd::Everything(host))).collect());
        }
        let peers = self.resolve(view)?;
        targets
            .into_iter()
            .map(|node| {
                let others: Vec<&NodeSummary> =
                    peers.iter().copied().filter(|peer| peer.name != node.name).collect();
                if others.is_empty() {
                    return Err(Refusal::NoPeer { node: node.name.clone() });
                }
                Ok((node, FarEnd::These(others)))
            })
            .collect()
    }

    fn resolve<'a>(&self, view: &'a View) -> Result<Vec<&'a NodeSummary>, Refusal> {
        let mut peers: Vec<&NodeSummary> = Vec::new();
        for name in self.peer.iter() {
            peers.push(view.require_container(name)?);
        }
        if let Some(role) = self.peer_role {
            let of_role: Vec<&NodeSummary> =
                view.nodes.iter().filter(|node| node.role == role.into()).collect();
            if of_role.is_empty() {
                return Err(Refusal::NoPeerOfRole { cluster: view.cluster.clone(), role });
            }
            peers.extend(of_role);
            if role == Role::ControlPlane {
                peers.extend(&view.load_balancer);
            }
        }
        let mut once: Vec<&NodeSummary> = Vec::new();
        for peer in peers {
            if !once.contains(&peer) {
                once.push(peer);
            }
        }
        Ok(once)
    }
}

/// The host's address on the cluster's network.
pub(super) fn host_address(view: &View) -> Result<Ipv4Addr, Refusal> {
    view.gateway.ok_or_else(|| Refusal::NoNetwork { cluster: view.cluster.clone() })
}

/// Shell code that sets `dev` to the interface towards the host and the other nodes.
pub(super) fn interface(host: Ipv4Addr) -> String {
    format!("dev=$(ip -4 -o route get {host} | sed 's/.* dev \\([^ ]*\\).*/\\1/')\n")
}

impl FarEnd<'_> {
    /// A script that applies `verdict` (iptables arguments such as `-j DROP`) to the packets between
    /// the node and this far end.
    ///
    /// Packets that a node port forwards from the host to a pod of another node have the host at one
    /// end in one direction only, so the verdict applies in the other. Packets within the node are
    /// never affected.
    pub(super) fn apply(&self, direction: Direction, verdict: &str) -> Result<String, Refusal> {
        let rule = |packets: &str| format!("echo \"-A $chain {packets} {verdict}\"\n");
        let mut rules = String::new();
        match self {
            Self::Everything(host) => {
                rules.push_str(&interface(*host));
                if direction.comes() {
                    rules.push_str(&rule(&format!("-i $dev ! -s {host}")));
                }
                if direction.leaves() {
                    rules.push_str(&rule(&format!("-o $dev ! -d {host}")));
                }
            }
            Self::These(peers) => {
                for peer in peers {
                    let address = peer.address.ok_or_else(|| Refusal::NotRunning {
                        node: peer.name.clone(),
                        state: peer.state,
                    })?;
                    // The route to a peer's pods leads through the peer.
                    rules.push_str(&format!(
                        "for peer in {address} $(ip -4 route show via {address} | cut -d ' ' -f 1); do\n"
                    ));
                    if direction.comes() {
                        rules.push_str(&rule("-s $peer"));
                    }
                    if direction.leaves() {
                        rules.push_str(&rule("-d $peer"));
                    }
                    rules.push_str("done\n");
                }
            }
        }
        Ok(firewall::add(&Hook::ALL, &rules))
    }

    /// The far end as a user reads it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Everything(_) => "everything but the host".to_owned(),
            Self::These(peers) => {
                peers.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// What the cluster loses when a node cannot reach this far end. Two faults that cut the same two
    /// control planes off from each other count twice, which errs on the safe side.
    pub(super) fn impact(&self, node: &NodeSummary, view: &View) -> Impact {
        let Self::These(peers) = self else { return Impact::Node };
        let is_cut = |other: &NodeSummary| peers.iter().any(|peer| peer.name == other.name);
        let others = || view.nodes.iter().filter(|other| other.name != node.name);
        let control_planes = || view.control_planes().filter(|other| other.name != node.name);
        let without_balancer = view.load_balancer.as_ref().is_some_and(is_cut);
        if others().all(is_cut) {
            return Impact::Node;
        }
        if node.role == ContainerRole::WORKER {
            return if without_balancer || control_planes().all(is_cut) {
                Impact::Node
            } else {
                Impact::None
            };
        }
        if control_planes().next().is_some() && control_planes().all(is_cut) {
            Impact::Node
        } else if control_planes().any(is_cut) {
            Impact::Etcd
        } else if without_balancer {
            Impact::ApiServer
        } else {
            Impact::None
        }
    }
}
