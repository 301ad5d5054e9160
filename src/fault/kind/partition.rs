use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cluster::inventory::NodeSummary;
use crate::config::ContainerRole;
use crate::fault::action::Action;
use crate::fault::refusal::{ISOLATE, Refusal};
use crate::fault::targeting::{NodeTargets, View};

use super::firewall::{self, Hook};
use super::traffic::{Direction, FarEnd, Traffic};

/// Parameters of `network-partition`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct NetworkPartition {
    #[serde(flatten)]
    pub traffic: Traffic,
    /// Partition the targets by a shape; without targets, all nodes
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-value-name" = "SHAPE"))]
    pub shape: Option<Shape>,
    #[serde(flatten)]
    pub targets: NodeTargets,
}

/// How the targets are partitioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Cut each target off from every other node
    Isolate,
    /// Cut the first half of the targets off from the second; the load balancer stays with the first
    Halves,
    /// Let each target reach only its two neighbours among the targets
    Ring,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Isolate => ISOLATE,
            Self::Halves => "halves",
            Self::Ring => "ring",
        }
    }
}

impl NetworkPartition {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let Some(shape) = self.shape else { return Ok(()) };
        let given = [
            ("peer", !self.traffic.peer.is_empty()),
            ("peer-role", self.traffic.peer_role.is_some()),
        ];
        if let Some((other, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
            return Err(Refusal::Exclusive { parameter: "shape", other });
        }
        if shape != Shape::Isolate && self.traffic.direction != Direction::Both {
            return Err(Refusal::ShapeWithDirection(shape.name()));
        }
        Ok(())
    }

    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let sides = match self.shape {
            None => self.traffic.far_ends(self.targets.resolve(view)?, view)?,
            Some(shape) => self.parts(shape, view)?,
        };
        let direction = self.traffic.direction;
        sides
            .into_iter()
            .map(|(node, far_end)| {
                let others = far_end.describe();
                let effect = match direction {
                    Direction::Both => format!("cuts the node off from {others}"),
                    Direction::In => format!("drops packets from {others}"),
                    Direction::Out => format!("drops packets to {others}"),
                };
                Ok(Action {
                    inject: Some(far_end.apply(direction, "-j DROP")?),
                    heal: Some(firewall::remove(&Hook::ALL)),
                    healing: format!("reconnects the node with {others}"),
                    impact: far_end.impact(node, view),
                    ..Action::on_node(node, effect)
                })
            })
            .collect()
    }

    /// The nodes that drop packets, each with its far end. A cut between two sets needs only one
    /// side: the later nodes', because the control planes come first.
    fn parts<'a>(
        &self,
        shape: Shape,
        view: &'a View,
    ) -> Result<Vec<(&'a NodeSummary, FarEnd<'a>)>, Refusal> {
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
            return Err(Refusal::ShapeNeedsNodes {
                shape: shape.name(),
                needed: least.max(2),
                found: targets.len().min(view.nodes.len()),
            });
        }
        Ok(match shape {
            Shape::Isolate => isolated(&targets, view),
            Shape::Halves => halves(&targets, view),
            Shape::Ring => ring(&targets),
        })
    }
}

fn isolated<'a>(targets: &[&'a NodeSummary], view: &'a View) -> Vec<(&'a NodeSummary, FarEnd<'a>)> {
    let everyone = || view.nodes.iter().chain(&view.load_balancer);
    targets
        .iter()
        .map(|node| {
            (*node, FarEnd::These(everyone().filter(|other| other.name != node.name).collect()))
        })
        .collect()
}

fn halves<'a>(targets: &[&'a NodeSummary], view: &'a View) -> Vec<(&'a NodeSummary, FarEnd<'a>)> {
    let (first, second) = targets.split_at(targets.len().div_ceil(2));
    let has_control_plane = first.iter().any(|node| node.role == ContainerRole::CONTROL_PLANE);
    let balancer = view.load_balancer.iter().filter(|_| has_control_plane);
    let others: Vec<&NodeSummary> = first.iter().copied().chain(balancer).collect();
    second.iter().map(|node| (*node, FarEnd::These(others.clone()))).collect()
}

fn ring<'a>(targets: &[&'a NodeSummary]) -> Vec<(&'a NodeSummary, FarEnd<'a>)> {
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
            (!strangers.is_empty()).then_some((*node, FarEnd::These(strangers)))
        })
        .collect()
}
