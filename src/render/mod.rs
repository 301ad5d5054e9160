//! The content of every file of a node: pure functions of a plan.

mod cni;
mod containerd;
mod files;
mod kubeadm;
mod kubeadm_patch;
mod load_balancer;
mod manifests;
mod network;
mod rendered;
mod script;

pub use files::{
    ADDONS, Content, NodeFile, archive, load_balancer_files, node_files, render_input,
};
pub use kubeadm::kube_proxy_overrides;
pub use manifests::{addon_objects, override_kube_proxy, template_cni_manifest};
pub use rendered::Rendered;
pub use script::RENDER_DIRECTORY;
