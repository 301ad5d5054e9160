use super::Notation;

/// What a node lacks for a fault, as its probe found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Inability {
    #[error("less than {mebibytes} MiB are free on the disk of {node}")]
    Disk { node: String, mebibytes: u64 },
    #[error("less than {mebibytes} MiB of memory are free for {node}")]
    Memory { node: String, mebibytes: u64 },
    #[error(
        "the kernel of Docker's host has no netem, which delays, duplicates and corrupts packets"
    )]
    Netem,
    #[error(
        "the kernel of Docker's host cannot limit {packets} to {rate}: it lacks hashlimit \
         (xt_hashlimit) or tbf (sch_tbf)"
    )]
    RateLimit { packets: &'static str, rate: String },
    #[error("containerd of {node} does not read the settings of registries")]
    RegistrySettings { node: String },
    #[error("{component} is not running on {node}")]
    NotRunning { component: &'static str, node: String },
    #[error("{node} has no static pod of {component}: {manifest} does not exist")]
    NoManifest { component: &'static str, node: String, manifest: String },
}

impl Inability {
    pub(super) fn hint(&self, notation: &dyn Notation) -> Option<String> {
        match self {
            Self::Disk { .. } | Self::Memory { .. } => {
                Some(format!("use a smaller {}", notation.name("size")))
            }
            Self::Netem => Some(
                "load netem on that host (sudo modprobe sch_netem), or use a fault that does \
                 without: network-loss, network-bandwidth or network-partition"
                    .to_owned(),
            ),
            Self::RegistrySettings { .. } => Some(
                "set config_path to /etc/containerd/certs.d with containerdConfigPatches"
                    .to_owned(),
            ),
            Self::RateLimit { .. } | Self::NotRunning { .. } | Self::NoManifest { .. } => None,
        }
    }
}
