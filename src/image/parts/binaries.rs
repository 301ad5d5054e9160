use std::collections::BTreeMap;
use std::path::PathBuf;

/// The proxy behind faults of API requests. It is part of kindrs, so a hash of its sources is its
/// version.
pub const API_FAULTS: &str = "api-faults";

/// Every binary of a node image, by name.
pub const BINARIES: [&str; 21] = [
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubeadm",
    "kubectl",
    "etcd",
    "coredns",
    "containerd",
    "containerd-shim-runc-v2",
    "ctr",
    "runc",
    "bridge",
    "host-local",
    "loopback",
    "portmap",
    "ptp",
    "local-path-provisioner",
    "pause",
    API_FAULTS,
];

/// The binaries of Kubernetes itself.
pub const KUBERNETES: [&str; 7] = [
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubeadm",
    "kubectl",
];

/// The parts that do not depend on the version of Kubernetes, each with its binaries.
pub const INDEPENDENT: [(&str, &[&str]); 5] = [
    (API_FAULTS, &[API_FAULTS]),
    ("runc", &["runc"]),
    ("cni-plugins", &["bridge", "host-local", "loopback", "portmap", "ptp"]),
    ("containerd", &["containerd", "containerd-shim-runc-v2", "ctr"]),
    ("local-path-provisioner", &["local-path-provisioner"]),
];

/// The version of each part, as a `versions` file lists them: `kubernetes v1.37.2`.
pub type Versions = BTreeMap<String, String>;

/// The binaries of an archive, unpacked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// The file of each binary.
    pub binaries: BTreeMap<String, PathBuf>,
    /// The versions that the archive lists, and those that its binaries report.
    pub versions: Versions,
}
