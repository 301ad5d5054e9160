use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fault::action::{Action, EngineAction};
use crate::fault::targeting::{Choice, NodeTargets, PodTargets, View};

use super::packets::Treatment;
use super::{
    ApiRequest, ComponentTargets, ContainerKill, CpuStress, DiskFill, DnsFailure, ImagePullFailure,
    MemoryStress, NetworkBandwidth, NetworkDelay, NetworkLoss, NetworkPartition, PodDelete,
    ReadinessFailure, SomePackets, api_request, control_plane, node, pod,
};

/// A kind of fault with its parameters and targets.
#[derive(Debug, Clone, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FaultKind {
    /// A node is shut down: its container stops as a machine does
    NodeStop(NodeTargets),
    /// A node loses its power: its container is killed
    NodeKill(NodeTargets),
    /// A node freezes: none of its processes gets the CPU any more, and connections stay open
    NodePause(NodeTargets),
    /// A node is shut down and started again
    NodeRestart(NodeTargets),
    /// kubelet stops; the pods of its node run on
    KubeletStop(NodeTargets),
    /// containerd stops; containers run on, and none is started, stopped or asked
    RuntimeStop(NodeTargets),
    /// The file system of kubelet fills up until the node has DiskPressure
    DiskFill(DiskFill),
    /// Memory of a node is taken until it has MemoryPressure
    MemoryStress(MemoryStress),
    /// Busy processes take the CPU from a node's pods
    CpuStress(CpuStress),
    /// Nodes are cut off: from everything, from certain nodes, or from each other
    NetworkPartition(NetworkPartition),
    /// Packets of a node are lost
    NetworkLoss(NetworkLoss),
    /// What leaves a node is late (needs netem in the kernel)
    NetworkDelay(NetworkDelay),
    /// Packets that leave a node are sent twice (needs netem in the kernel)
    NetworkDuplicate(SomePackets),
    /// Packets that leave a node are damaged (needs netem in the kernel)
    NetworkCorrupt(SomePackets),
    /// A node has a slow link
    NetworkBandwidth(NetworkBandwidth),
    /// Pods are deleted
    PodDelete(PodDelete),
    /// Pods are evicted, as far as their PodDisruptionBudgets allow
    PodEvict(PodTargets),
    /// The process of a container gets a signal
    ContainerKill(ContainerKill),
    /// The images of pods are gone from all nodes, and nothing is pulled from their registries
    ImagePullFailure(ImagePullFailure),
    /// Pods run on but fail their readiness probes
    ReadinessFailure(ReadinessFailure),
    /// Pods cannot look names up
    DnsFailure(DnsFailure),
    /// Heartbeats of a node are lost: its lease and status get no updates, and its pods run on
    HeartbeatLoss(NodeTargets),
    /// A component of a control plane stops, and stays away
    ComponentStop(ComponentTargets),
    /// A component's process is killed once; kubelet starts it again
    ComponentKill(ComponentTargets),
    /// A component freezes; kubelet restarts it if its probes fail for too long
    ComponentPause(ComponentTargets),
    /// A component is asked to end; kubelet starts it again
    ComponentRestart(ComponentTargets),
    /// etcd stops on so many control planes that the rest is no quorum. Needs --allow-total
    EtcdQuorumLoss,
    /// Some requests to the API server wait, fail or are cut off
    ApiRequest(ApiRequest),
}

/// Which targets a fault has.
pub(in crate::fault) enum Targets<'a> {
    /// It says itself what it hits.
    None,
    Nodes(&'a NodeTargets),
    Pods(&'a PodTargets),
}

impl FaultKind {
    /// Its name, as the command line and files write it.
    pub fn name(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value["kind"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether it is over as soon as it was done, so that there is nothing to heal.
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

    /// Whether it is made by the proxy of API faults.
    pub(in crate::fault) fn is_proxied(&self) -> bool {
        matches!(self, Self::HeartbeatLoss(_) | Self::ApiRequest(_))
    }

    /// What it does to a cluster, container by container.
    pub(in crate::fault) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
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
            | Self::ComponentRestart(component) => Targets::Nodes(&component.targets),
            Self::EtcdQuorumLoss => Targets::None,
            Self::ApiRequest(request) => Targets::Nodes(&request.targets),
        }
    }

    /// The chance by which targets are chosen; `None` for a kind without targets.
    pub fn choice(&self) -> Option<&Choice> {
        match self.targets() {
            Targets::Nodes(targets) => Some(&targets.choice),
            Targets::Pods(targets) => Some(&targets.choice),
            Targets::None => None,
        }
    }
}
