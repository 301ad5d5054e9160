use std::net::Ipv4Addr;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::cluster::inventory::NodeSummary;
use crate::config::ContainerRole;
use crate::failure::Failure;
use crate::fault::action::Impact;
use crate::fault::targeting::View;

use super::firewall::{self, Hook};

/// What a fault of the network is between: its targets and these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Peers {
    /// Only between the targets and this node, with its pods; `worker2` stands for
    /// `CLUSTER-worker2` [default: everything but the host, by which kindrs and kubectl come]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peer: Vec<String>,
    /// Only between the targets and the nodes of a role; with control-plane, also the load balancer
    #[arg(long, value_name = "ROLE", value_parser = ["control-plane", "worker"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_role: Option<String>,
    /// Which packets: those that come to a target, those that leave it, or both
    #[arg(long, value_enum, value_name = "DIRECTION", default_value_t)]
    pub direction: Direction,
}

/// A direction, seen from a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// What comes and what leaves.
    #[default]
    Both,
    /// What comes.
    In,
    /// What leaves.
    Out,
}

impl Direction {
    pub(super) fn comes(self) -> bool {
        self != Self::Out
    }

    pub(super) fn leaves(self) -> bool {
        self != Self::In
    }

    /// The packets meant, as a user reads them: `from`, `to`, or `from and to`.
    pub(super) fn preposition(self) -> &'static str {
        match self {
            Self::Both => "from and to",
            Self::In => "from",
            Self::Out => "to",
        }
    }
}

/// What is on the other side of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Side<'a> {
    /// Everything but the host, which has this address.
    Everything(Ipv4Addr),
    /// These containers and their pods.
    These(Vec<&'a NodeSummary>),
}

impl Peers {
    /// Each target with its other side.
    pub(super) fn sides<'a>(
        &self,
        targets: Vec<&'a NodeSummary>,
        view: &'a View,
    ) -> Result<Vec<(&'a NodeSummary, Side<'a>)>, Failure> {
        if self.peer.is_empty() && self.peer_role.is_none() {
            let host = host_address(view)?;
            return Ok(targets.into_iter().map(|node| (node, Side::Everything(host))).collect());
        }
        let peers = self.resolve(view)?;
        targets
            .into_iter()
            .map(|node| {
                let others: Vec<&NodeSummary> =
                    peers.iter().copied().filter(|peer| peer.name != node.name).collect();
                if others.is_empty() {
                    return Err(Failure::input(format!("{} has no peer but itself", node.name))
                        .with_hint("name another node with --peer, or leave out --peer-role"));
                }
                Ok((node, Side::These(others)))
            })
            .collect()
    }

    fn resolve<'a>(&self, view: &'a View) -> Result<Vec<&'a NodeSummary>, Failure> {
        let mut peers: Vec<&NodeSummary> = Vec::new();
        for name in &self.peer {
            peers.push(view.container(name)?);
        }
        if let Some(name) = &self.peer_role {
            let role = ContainerRole::from_name(name);
            let of_role: Vec<&NodeSummary> =
                view.nodes.iter().filter(|node| Some(node.role) == role).collect();
            if of_role.is_empty() {
                return Err(Failure::input(format!(
                    "--peer-role {name}: cluster `{}` has none",
                    view.cluster
                )));
            }
            peers.extend(of_role);
            if role == Some(ContainerRole::CONTROL_PLANE) {
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

/// The address by which the host reaches a cluster.
pub(super) fn host_address(view: &View) -> Result<Ipv4Addr, Failure> {
    view.gateway.ok_or_else(|| {
        Failure::environment(format!("the network of cluster `{}` is not there", view.cluster))
            .with_hint("name the peers with --peer")
    })
}

/// Shell code that sets `dev` to the interface that leads to the host and to the other nodes.
pub(super) fn interface(host: Ipv4Addr) -> String {
    format!("dev=$(ip -4 -o route get {host} | sed 's/.* dev \\([^ ]*\\).*/\\1/')\n")
}

impl Side<'_> {
    /// A script that does `verdict` (iptables' words, as `-j DROP`) to what passes between the node
    /// and this side.
    ///
    /// What is forwarded from the host to another node's pod, as by a node port, is for the host
    /// in one direction only, so that it is met in the other. What stays in the node is not met.
    pub(super) fn meet(&self, direction: Direction, verdict: &str) -> Result<String, Failure> {
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
                    let address = peer.address.ok_or_else(|| {
                        Failure::input(format!(
                            "{} is {} and has no address",
                            peer.name, peer.state
                        ))
                        .with_hint(format!("start it first: docker start {}", peer.name))
                    })?;
                    // A peer's pods are behind the route that leads through the peer.
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
        Ok(firewall::put_up(&Hook::ALL, &rules))
    }

    /// As a user reads it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Everything(_) => "everything but the host".to_owned(),
            Self::These(peers) => {
                peers.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// What the cluster loses when a node loses this side. One that the guard counts twice, as
    /// both ends of a cut between control planes in two faults, errs to the safe side.
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
