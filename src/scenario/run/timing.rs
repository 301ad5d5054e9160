use crate::config::Cluster;
use crate::scenario::language::Timing;

/// Settings that make kubelet, the node controller and the default tolerations faster by about the same
/// factor. A node becomes NotReady 6 to 8 s after its loss (by default: 40 to 50 s), and its pods are
/// evicted 5 s later (by default: 300 s). The grace period is four renewals of the lease, as by default;
/// kubelet renews the lease after a quarter of its duration.
///
/// Sources: <https://kubernetes.io/docs/reference/node/node-status/#heartbeats>,
/// <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions>.
const FAST: [&str; 2] = [
    "\
kind: ClusterConfiguration
controllerManager:
  extraArgs:
    node-monitor-period: 1s
    node-monitor-grace-period: 8s
apiServer:
  extraArgs:
    default-not-ready-toleration-seconds: \"5\"
    default-unreachable-toleration-seconds: \"5\"
",
    "\
kind: KubeletConfiguration
nodeLeaseDurationSeconds: 8
nodeStatusUpdateFrequency: 2s
nodeStatusReportFrequency: 10s
",
];

/// Adds a timing profile to a configuration. The configuration's own patches override the profile.
pub(super) fn with_timing(mut config: Cluster, timing: Timing) -> Cluster {
    if timing == Timing::Fast {
        let own = std::mem::take(&mut config.kubeadm_config_patches);
        config.kubeadm_config_patches =
            FAST.iter().map(|patch| (*patch).to_owned()).chain(own).collect();
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::validate;

    #[test]
    fn patches_of_the_configuration_override_the_profile() {
        let own = "kind: KubeletConfiguration\nnodeLeaseDurationSeconds: 20\n".to_owned();
        let config = Cluster { kubeadm_config_patches: vec![own.clone()], ..Cluster::default() };
        assert_eq!(with_timing(config.clone(), Timing::Default), config);
        let fast = with_timing(config, Timing::Fast);
        assert_eq!(fast.kubeadm_config_patches.len(), 3);
        assert_eq!(fast.kubeadm_config_patches.last(), Some(&own));
        validate(&fast).unwrap();
    }
}
