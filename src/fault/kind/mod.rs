//! The kinds of faults: their parameters, and their actions on a cluster.

mod api_request;
mod bandwidth;
mod catalogue;
mod container;
mod control_plane;
mod dns;
mod fault_kind;
mod firewall;
mod image;
#[cfg(test)]
mod network_tests;
mod node;
mod packets;
mod partition;
mod pod;
#[cfg(test)]
mod pod_tests;
mod pressure;
mod readiness;
mod stress;
mod traffic;

pub use api_request::ApiRequest;
pub(super) use api_request::{PROGRAM, has_program};
pub use bandwidth::NetworkBandwidth;
pub use catalogue::{FORMATS, Kind, Parameter, Values, kinds};
pub use container::ContainerKill;
pub use control_plane::ComponentTargets;
pub use dns::DnsFailure;
pub use fault_kind::FaultKind;
pub(super) use fault_kind::Targets;
pub use image::ImagePullFailure;
pub use packets::{NetworkDelay, NetworkLoss, SomePackets};
pub use partition::NetworkPartition;
pub use pod::PodDelete;
pub use pressure::{DiskFill, MemoryStress};
pub use readiness::ReadinessFailure;
pub use stress::CpuStress;
