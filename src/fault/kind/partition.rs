use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::cluster::inventory::NodeSummary;
use crate::config::ContainerRole;
use crate::failure::Failure;
use crate::fault::action::Action;
use crate::fault::targeting::{NodeTargets, View};

use super::firewall::{self, Hook};
use super::peers::{Direction, Peers, Side};

/// Nodes that do not reach each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPartition {
    /// From whom.
    #[command(flatten)]
    #[serde(flatten)]
    pub peers: Peers,
    /// Part the targets by a shape, all nodes when none are named
    #[arg(long, value_enum, value_name = "SHAPE", conflicts_with_all = ["peer", "peer_role"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Which nodes.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: NodeTargets,
}

/// How targets are parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Each target from every other node
    Isolate,
    /// The first half of the targets from the second; the load balancer stays with the first
    Halves,
    /// Each target reaches only its two neighbours among the targets
    Ring,
}

impl NetworkPartition {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
        let sides = match self.shape {
            None => self.peers.sides(self.targets.resolve(view)?, view)?,
            Some(shape) => self.parts(shape, view)?,
        };
        let direction = self.peers.direction;
        sides
            .into_iter()
            .map(|(node, side)| {
                let others = side.describe();
                let effect = match direction {
                    Direction::Both => format!("cuts the node off from {others}"),
                    Direction::In => format!("drops what comes from {others}"),
                    Direction::Out => format!("drops what goes to {others}"),
                };
                Ok(Action {
                    inject: Some(side.meet(direction, "-j DROP")?),
                    heal: Some(firewall::take_down(&Hook::ALL)),
                    healing: format!("connects the node with {others} again"),
                    impact: side.impact(node, view),
                    ..Action::on_node(&node.name, effect)
                })
            })
            .collect()
    }

    /// The nodes that drop packets, and whose. A cut between two sets is made on one side of it:
    /// that is enough, and it is the later nodes' side, as the control planes come first.
    fn parts<'a>(
        &self,
        shape: Shape,
        view: &'a View,
    ) -> Result<Vec<(&'a NodeSummary, Side<'a>)>, Failure> {
        if !self.peers.peer.is_empty() || self.peers.peer_role.is_some() {
            return Err(Failure::input("a shape and peers are given").with_hint("leave out either"));
        }
        if shape != Shape::Isolate && self.peers.direction != Direction::Both {
            return Err(Failure::input("this shape has no direction: its cuts go both ways")
                .with_hint("leave out --direction, or give --shape isolate"));
        }
        let everyone = NodeTargets { all_nodes: true, ..self.targets.clone() };
        let targets = if self.targets.is_empty() {
            everyone.resolve(view)
        } else {
            self.targets.resolve(view)
        }?;
        let least = match shape {
            Shape::Isolate => 1,
            Shape::Halves => 2,
            Shape::Ring => 4,
        };
        if targets.len() < least || view.nodes.len() < 2 {
            return Err(Failure::input(format!(
                "this shape takes {} nodes or more, not {}",
                least.max(2),
                targets.len()
            ))
            .with_hint("name more targets, or none to part all nodes"));
        }
        Ok(match shape {
            Shape::Isolate => isolated(&targets, view),
            Shape::Halves => halves(&targets, view),
            Shape::Ring => ring(&targets),
        })
    }
}

fn isolated<'a>(targets: &[&'a NodeSummary], view: &'a View) -> Vec<(&'a NodeSummary, Side<'a>)> {
    let everyone = || view.nodes.iter().chain(&view.load_balancer);
    targets
        .iter()
        .map(|node| {
            (*node, Side::These(everyone().filter(|other| other.name != node.name).collect()))
        })
        .collect()
}

fn halves<'a>(targets: &[&'a NodeSummary], view: &'a View) -> Vec<(&'a NodeSummary, Side<'a>)> {
    let (first, second) = targets.split_at(targets.len().div_ceil(2));
    let has_control_plane = first.iter().any(|node| node.role == ContainerRole::CONTROL_PLANE);
    let balancer = view.load_balancer.iter().filter(|_| has_control_plane);
    let others: Vec<&NodeSummary> = first.iter().copied().chain(balancer).collect();
    second.iter().map(|node| (*node, Side::These(others.clone()))).collect()
}

fn ring<'a>(targets: &[&'a NodeSummary]) -> Vec<(&'a NodeSummary, Side<'a>)> {
    let count = targets.len();
    targets
        .iter()
        .enumerate()
        .filter_map(|(place, node)| {
            let strangers: Vec<&NodeSummary> = targets
                .iter()
                .enumerate()
                .filter(|(other, _)| *other + 1 < place && *other + count - 1 != place)
                .map(|(_, other)| *other)
                .collect();
            (!strangers.is_empty()).then_some((*node, Side::These(strangers)))
        })
        .collect()
}
