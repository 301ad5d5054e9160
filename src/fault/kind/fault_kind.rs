use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::action::{Action, EngineAction};
use crate::fault::parameter::{OneOrMany, Text};
use crate::fault::refusal::{Refusal, Target};
use crate::fault::targeting::{Choice, NodeTargets, PodTargets, View};

use super::packets::Treatment;
use super::{
    ApiRequest, ComponentTargets, ContainerKill, CpuStress, DiskFill, DnsFailure, ImagePullFailure,
    MemoryStress, NetworkBandwidth, NetworkDelay, NetworkLoss, NetworkPartition, PodDelete,
    ReadinessFailure, SomePackets, api_request, control_plane, node, pod,
};

/// The field that names the kind.
pub(super) const KIND: &str = "fault";

/// A kind of fault with its parameters and targets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum FaultKind {
    /// Shut down a node: stop its container gracefully
    NodeStop(NodeTargets),
    /// Cut a node's power: kill its container
    NodeKill(NodeTargets),
    /// Freeze a node: its processes get no CPU, and its connections stay open
    NodePause(NodeTargets),
    /// Shut down a node and start it again
    NodeRestart(NodeTargets),
    /// Stop the kubelet; the node's pods keep running
    KubeletStop(NodeTargets),
    /// Stop containerd; containers keep running, but cannot be started, stopped or queried
    RuntimeStop(NodeTargets),
    /// Fill the kubelet's file system until the node reports DiskPressure
    DiskFill(DiskFill),
    /// Use up a node's memory until the node reports MemoryPressure
    MemoryStress(MemoryStress),
    /// Keep a node's CPUs busy
    CpuStress(CpuStress),
    /// Cut nodes off from everything, from certain nodes, or from each other
    NetworkPartition(NetworkPartition),
    /// Drop some of a node's packets
    NetworkLoss(NetworkLoss),
    /// Delay packets that leave a node (needs netem in the kernel)
    NetworkDelay(NetworkDelay),
    /// Duplicate packets that leave a node (needs netem in the kernel)
    NetworkDuplicate(SomePackets),
    /// Corrupt packets that leave a node (needs netem in the kernel)
    NetworkCorrupt(SomePackets),
    /// Limit a node's bandwidth
    NetworkBandwidth(NetworkBandwidth),
    /// Delete pods
    PodDelete(PodDelete),
    /// Evict pods, as far as their PodDisruptionBudgets allow
    PodEvict(PodTargets),
    /// Send a signal to the main process of a container
    ContainerKill(ContainerKill),
    /// Remove the images of pods from all nodes, and block pulls from their registries
    ImagePullFailure(ImagePullFailure),
    /// Fail the readiness probes of pods; the pods keep running
    ReadinessFailure(ReadinessFailure),
    /// Fail the DNS queries of pods
    DnsFailure(DnsFailure),
    /// Reject a node's heartbeats: its lease and status get no updates, and its pods keep running
    HeartbeatLoss(NodeTargets),
    /// Stop a control plane component until it is healed
    ComponentStop(ComponentTargets),
    /// Kill a control plane component once; the kubelet starts it again
    ComponentKill(ComponentTargets),
    /// Freeze a control plane component; the kubelet restarts it if its probes fail for too long
    ComponentPause(ComponentTargets),
    /// Terminate a control plane component once; the kubelet starts it again
    ComponentRestart(ComponentTargets),
    /// Stop etcd on enough control planes to lose quorum; a total loss must be allowed
    EtcdQuorumLoss,
    /// Delay, fail or cut off some requests to the API server
    ApiRequest(ApiRequest),
}

/// The targets of a kind.
#[derive(Debug, Clone, Copy)]
pub(in crate::fault) enum Targets<'a> {
    /// The kind decides by itself.
    None,
    /// The specified nodes.
    Nodes(&'a NodeTargets),
    /// The specified nodes, or a default without any.
    OptionalNodes(&'a NodeTargets),
    /// The specified pods.
    Pods(&'a PodTargets),
}

impl FaultKind {
    /// The name of the kind, as the command line and files write it.
    pub fn name(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value[KIND].as_str().unwrap_or_default().to_owned()
    }

    /// Checks everything that does not depend on a cluster.
    ///
    /// # Errors
    /// If parameters exclude each other or make no sense together, or if the targets are missing.
    pub fn check(&self) -> Result<(), Refusal> {
        if let Some(choice) = self.choice() {
            choice.check()?;
        }
        match self {
            Self::DiskFill(fill) => fill.check()?,
            Self::NetworkPartition(partition) => partition.check()?,
            Self::NetworkDelay(delay) => delay.check()?,
            Self::ApiRequest(request) => request.check()?,
            _ => {}
        }
        match self.targets() {
            Targets::Nodes(targets) if targets.is_empty() && !targets.choice.is_random() => {
                Err(Refusal::NoTarget(Target::Nodes))
            }
            Targets::Pods(targets) if targets.is_empty() => Err(Refusal::NoTarget(Target::Pods)),
            _ => Ok(()),
        }
    }

    /// The nodes that the fault names: the parameter, and the names in it.
    pub fn named_nodes(&self) -> Vec<(&'static str, &OneOrMany<Text>)> {
        let peers = match self {
            Self::NetworkPartition(partition) => Some(&partition.traffic.peer),
            Self::NetworkLoss(loss) => Some(&loss.traffic.peer),
            _ => None,
        };
        let targets = match self.targets() {
            Targets::Nodes(targets) | Targets::OptionalNodes(targets) => Some(&targets.node),
            Targets::Pods(_) | Targets::None => None,
        };
        [("node", targets), ("peer", peers)]
            .into_iter()
            .filter_map(|(parameter, names)| Some((parameter, names?)))
            .collect()
    }

    /// Whether the nodes and pods that are hit depend on the state of a running cluster, and not
    /// only on the names and roles of its nodes.
    pub fn depends_on_state(&self) -> bool {
        match self.targets() {
            Targets::Nodes(targets) | Targets::OptionalNodes(targets) => {
                targets.selector.is_some()
                    || targets.running_pod.is_some()
                    || targets.leader_of.is_some()
            }
            Targets::Pods(_) => true,
            Targets::None => false,
        }
    }

    /// Whether the fault ends at once, so that there is nothing to heal.
    pub fn is_instant(&self) -> bool {
        matches!(
            self,
            Self::NodeRestart(_)
                | Self::PodDelete(_)
                | Self::PodEvict(_)
                | Self::ContainerKill(_)
                | Self::ComponentKill(_)
                | Self::ComponentRestart(_)
        )
    }

    /// Whether the fault needs the API fault proxy.
    pub(in crate::fault) fn needs_proxy(&self) -> bool {
        matches!(self, Self::HeartbeatLoss(_) | Self::ApiRequest(_))
    }

    /// Decides what the fault does to a cluster, node by node.
    pub(in crate::fault) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        match self {
            Self::NodeStop(targets) => node::power(targets, view, EngineAction::Stop),
            Self::NodeKill(targets) => node::power(targets, view, EngineAction::Kill),
            Self::NodePause(targets) => node::power(targets, view, EngineAction::Pause),
            Self::NodeRestart(targets) => node::power(targets, view, EngineAction::Restart),
            Self::KubeletStop(targets) => node::kubelet_stop(targets, view),
            Self::RuntimeStop(targets) => node::runtime_stop(targets, view),
            Self::DiskFill(fill) => fill.actions(view),
            Self::MemoryStress(stress) => stress.actions(view),
            Self::CpuStress(stress) => stress.actions(view),
            Self::NetworkPartition(partition) => partition.actions(view),
            Self::NetworkLoss(loss) => loss.actions(view),
            Self::NetworkDelay(delay) => delay.actions(view),
            Self::NetworkDuplicate(some) => some.actions(view, Treatment::Duplicate),
            Self::NetworkCorrupt(some) => some.actions(view, Treatment::Corrupt),
            Self::NetworkBandwidth(bandwidth) => bandwidth.actions(view),
            Self::PodDelete(delete) => delete.actions(view),
            Self::PodEvict(targets) => pod::evict(targets, view),
            Self::ContainerKill(kill) => kill.actions(view),
            Self::ImagePullFailure(failure) => failure.actions(view),
            Self::ReadinessFailure(failure) => failure.actions(view),
            Self::DnsFailure(failure) => failure.actions(view),
            Self::HeartbeatLoss(targets) => api_request::heartbeat_loss(targets, view),
            Self::ComponentStop(targets) => targets.stop(view),
            Self::ComponentKill(targets) => targets.kill(view),
            Self::ComponentPause(targets) => targets.pause(view),
            Self::ComponentRestart(targets) => targets.restart(view),
            Self::EtcdQuorumLoss => Ok(control_plane::etcd_quorum_loss(view)),
            Self::ApiRequest(request) => request.actions(view),
        }
    }

    pub(in crate::fault) fn targets(&self) -> Targets<'_> {
        match self {
            Self::NodeStop(targets)
            | Self::NodeKill(targets)
            | Self::NodePause(targets)
            | Self::NodeRestart(targets)
            | Self::KubeletStop(targets)
            | Self::RuntimeStop(targets)
            | Self::HeartbeatLoss(targets) => Targets::Nodes(targets),
            Self::DiskFill(fill) => Targets::Nodes(&fill.targets),
            Self::MemoryStress(stress) => Targets::Nodes(&stress.targets),
            Self::CpuStress(stress) => Targets::Nodes(&stress.targets),
            Self::NetworkPartition(partition) if partition.shape.is_some() => {
                Targets::OptionalNodes(&partition.targets)
            }
            Self::NetworkPartition(partition) => Targets::Nodes(&partition.targets),
            Self::NetworkLoss(loss) => Targets::Nodes(&loss.targets),
            Self::NetworkDelay(delay) => Targets::Nodes(&delay.targets),
            Self::NetworkDuplicate(some) | Self::NetworkCorrupt(some) => {
                Targets::Nodes(&some.targets)
            }
            Self::NetworkBandwidth(bandwidth) => Targets::Nodes(&bandwidth.targets),
            Self::PodDelete(delete) => Targets::Pods(&delete.targets),
            Self::PodEvict(targets) => Targets::Pods(targets),
            Self::ContainerKill(kill) => Targets::Pods(&kill.targets),
            Self::ImagePullFailure(failure) => Targets::Pods(&failure.targets),
            Self::ReadinessFailure(failure) => Targets::Pods(&failure.targets),
            Self::DnsFailure(failure) => Targets::Pods(&failure.targets),
            Self::ComponentStop(component)
            | Self::ComponentKill(component)
            | Self::ComponentPause(component)
            | Self::ComponentRestart(component) => Targets::OptionalNodes(&component.targets),
            Self::EtcdQuorumLoss => Targets::None,
            Self::ApiRequest(request) => Targets::OptionalNodes(&request.targets),
        }
    }

    /// The random choice of targets; `None` for a kind without targets.
    pub fn choice(&self) -> Option<&Choice> {
        match self.targets() {
            Targets::Nodes(targets) | Targets::OptionalNodes(targets) => Some(&targets.choice),
            Targets::Pods(targets) => Some(&targets.choice),
            Targets::None => None,
        }
    }
}
