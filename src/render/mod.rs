//! The content of every file of a node: pure functions of a plan.

mod cni;
mod containerd;
mod files;
mod kubeadm;
mod kubeadm_patch;
mod kubelet_unit;
mod load_balancer;
mod manifests;
mod network;
mod rendered;
mod script;

pub use cni::cni_configuration;
pub use containerd::patch_containerd;
pub use files::{
    ADDONS, Content, NodeFile, archive, load_balancer_files, node_files, render_input,
};
pub use kubeadm::{
    KubeadmPurpose, addon_arguments, kube_proxy_overrides, kubeadm_configuration,
    patched_join_configuration,
};
pub use kubelet_unit::await_api_drop_in;
pub use load_balancer::haproxy_configuration;
pub use manifests::{
    addon_objects, override_kube_proxy, quicken_static_pod, template_cni_manifest,
};
pub use network::network_unit;
pub use rendered::Rendered;
pub use script::RENDER_DIRECTORY;
