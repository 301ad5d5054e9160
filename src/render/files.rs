use std::collections::BTreeMap;

use bytes::Bytes;

use crate::config::Role;
use crate::failure::Failure;
use crate::kubeconfig::{Credentials, Entries};
use crate::kubernetes::Identity;
use crate::pki::{Authority, KUBECONFIG_IDS, Pki};
use crate::plan::{ClusterPlan, NodePlan, PodNetwork, WRAPPER_PATH};

use super::Rendered;
use super::cni::cni_configuration;
use super::containerd::patch_containerd;
use super::kubeadm::{
    KubeadmPurpose, addon_arguments, kubeadm_configuration, patched_join_configuration,
};
use super::load_balancer::haproxy_configuration;
use super::manifests::quicken_static_pod;
use super::network::network_unit;
use super::script::{self, RENDER_DIRECTORY};

/// A file or link that kindrs copies into a container before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFile {
    /// Absolute path.
    pub path: String,
    pub mode: u32,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Text(String),
    Link(String),
}

const KUBELET_IDENTITY: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";
/// The addons that kubeadm installs.
pub const ADDONS: [&str; 2] = ["coredns", "kube-proxy"];
const AWAIT_API_SCRIPT: &str = "/kindrs/await-api";
const KUBELET_DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/20-kindrs.conf";
const NETWORK_SCRIPT: &str = "/kindrs/network";
const NETWORK_UNIT: &str = "/etc/systemd/system/kindrs-network.service";

impl NodeFile {
    pub fn text(path: impl Into<String>, mode: u32, text: impl Into<String>) -> Self {
        Self { path: path.into(), mode, content: Content::Text(text.into()) }
    }

    fn link(path: impl Into<String>, target: impl Into<String>) -> Self {
        Self { path: path.into(), mode: 0o777, content: Content::Link(target.into()) }
    }
}

/// Every file of a node at its first start, sorted by path.
pub fn node_files(
    plan: &ClusterPlan,
    node: &NodePlan,
    pki: &Pki,
    rendered: &Rendered,
) -> Result<Vec<NodeFile>, Failure> {
    let missing = |what: &str| Failure::environment(format!("node {} has no {what}", node.name));
    let identities = pki.nodes.get(&node.name).ok_or_else(|| missing("certificates"))?;
    let authority = pki.authorities.get(&Authority::Kubernetes);
    let authority = authority.ok_or_else(|| missing("certificate authority"))?;
    let endpoint = plan.control_plane_endpoint();
    let kubelet = identities.get("kubelet").ok_or_else(|| missing("certificate for kubelet"))?;
    let kubeadm = kubeadm_configuration(plan, node, KubeadmPurpose::Upload)?;
    let kubelet_kubeconfig = node_kubeconfig(
        plan,
        authority,
        &format!("https://{endpoint}"),
        &format!("system:node:{}", node.name),
        Credentials::File(KUBELET_IDENTITY),
    );
    let mut files = vec![
        NodeFile::text(WRAPPER_PATH, 0o755, script::WRAPPER),
        NodeFile::text(NETWORK_SCRIPT, 0o755, script::NETWORK),
        NodeFile::text(NETWORK_UNIT, 0o644, network_unit(plan, node, NETWORK_SCRIPT)),
        NodeFile::link(
            "/etc/systemd/system/multi-user.target.wants/kindrs-network.service",
            NETWORK_UNIT,
        ),
        NodeFile::text("/kind/kubeadm.conf", 0o600, kubeadm),
        NodeFile::text("/etc/kubernetes/kubelet.conf", 0o600, kubelet_kubeconfig),
        NodeFile::text(KUBELET_IDENTITY, 0o600, format!("{}{}", kubelet.certificate, kubelet.key)),
    ];
    for (path, text) in rendered.node_files(&node.name, "kubelet") {
        files.push(NodeFile::text(format!("/var/lib/kubelet/{path}"), 0o644, text));
    }
    if plan.pod_network == PodNetwork::Routes {
        let cni = cni_configuration(node);
        files.push(NodeFile::text("/etc/cni/net.d/10-kindrs.conflist", 0o644, cni));
    }
    if !plan.containerd_config_patches.is_empty() {
        let own = rendered.image_file("config.toml").unwrap_or_default();
        let patched = patch_containerd(own, &plan.containerd_config_patches)?;
        files.push(NodeFile::text("/etc/containerd/config.toml", 0o644, patched));
    }
    match node.role {
        Role::ControlPlane => {
            files.extend(control_plane_files(plan, node, pki, identities, authority)?);
            for (name, manifest) in rendered.node_files(&node.name, "manifests") {
                let path = format!("/etc/kubernetes/manifests/{name}");
                files.push(NodeFile::text(path, 0o600, quicken_static_pod(manifest)?));
            }
        }
        Role::Worker => {
            let certificate = authority.certificate.as_str();
            files.push(NodeFile::text("/etc/kubernetes/pki/ca.crt", 0o644, certificate));
            files.push(NodeFile::text(AWAIT_API_SCRIPT, 0o755, script::AWAIT_API));
            let drop_in = await_api_drop_in(AWAIT_API_SCRIPT, &endpoint);
            files.push(NodeFile::text(KUBELET_DROP_IN, 0o644, drop_in));
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn control_plane_files(
    plan: &ClusterPlan,
    node: &NodePlan,
    pki: &Pki,
    identities: &BTreeMap<&'static str, Identity>,
    authority: &Identity,
) -> Result<Vec<NodeFile>, Failure> {
    let mut files = Vec::new();
    let mut pair = |id: &str, identity: &Identity| {
        let path = format!("/etc/kubernetes/pki/{id}");
        files.push(NodeFile::text(format!("{path}.crt"), 0o644, identity.certificate.as_str()));
        files.push(NodeFile::text(format!("{path}.key"), 0o600, identity.key.as_str()));
    };
    for (which, identity) in &pki.authorities {
        pair(which.path(), identity);
    }
    for (id, identity) in identities {
        if *id != "kubelet" && !KUBECONFIG_IDS.contains(id) {
            pair(id, identity);
        }
    }
    let keys = &pki.service_account;
    files.push(NodeFile::text("/etc/kubernetes/pki/sa.pub", 0o600, keys.public.as_str()));
    files.push(NodeFile::text("/etc/kubernetes/pki/sa.key", 0o600, keys.private.as_str()));
    for id in KUBECONFIG_IDS {
        let identity = identities.get(id).ok_or_else(|| {
            Failure::environment(format!("node {} has no certificate `{id}`", node.name))
        })?;
        let user_name = match id {
            "admin" => "kubernetes-admin",
            "super-admin" => "kubernetes-super-admin",
            "controller-manager" => "system:kube-controller-manager",
            _ => "system:kube-scheduler",
        };
        // As with kubeadm, the controller manager and the scheduler use the API server on their
        // own node, and administrators use the endpoint.
        let server = if id.ends_with("admin") {
            format!("https://{}", plan.control_plane_endpoint())
        } else {
            format!("https://{}:{}", node.address, crate::plan::API_PORT)
        };
        let credentials =
            Credentials::Embedded { certificate: &identity.certificate, key: &identity.key };
        let kubeconfig = node_kubeconfig(plan, authority, &server, user_name, credentials);
        files.push(NodeFile::text(format!("/etc/kubernetes/{id}.conf"), 0o600, kubeconfig));
    }
    Ok(files)
}

/// The kubeconfig of a component, with kubeadm's name for its context (`USER@CLUSTER`).
fn node_kubeconfig(
    plan: &ClusterPlan,
    authority: &Identity,
    server: &str,
    user: &str,
    credentials: Credentials<'_>,
) -> String {
    Entries {
        cluster: &plan.name,
        user,
        context: &format!("{user}@{}", plan.name),
        server,
        authority: &authority.certificate,
        credentials,
    }
    .render()
}

pub fn load_balancer_files(plan: &ClusterPlan) -> Vec<NodeFile> {
    vec![NodeFile::text("/etc/haproxy/haproxy.cfg", 0o644, haproxy_configuration(plan))]
}

/// The input files of the render container for the nodes of one image.
pub fn render_input(plan: &ClusterPlan, nodes: &[&NodePlan]) -> Result<Vec<NodeFile>, Failure> {
    let inside = |path: &str| format!("{RENDER_DIRECTORY}/{path}");
    let mut files = vec![NodeFile::text(inside("render.sh"), 0o755, script::RENDER)];
    for node in nodes {
        let config = kubeadm_configuration(plan, node, KubeadmPurpose::Render)?;
        let folder = inside(&format!("in/{}", node.name));
        files.push(NodeFile::text(format!("{folder}/kubeadm.conf"), 0o600, config));
        if node.role == Role::ControlPlane {
            files.push(NodeFile::text(format!("{folder}/control-plane"), 0o600, ""));
        }
        if let Some(join) = patched_join_configuration(plan, node)? {
            files.push(NodeFile::text(format!("{folder}/join.conf"), 0o600, join));
        }
    }
    if nodes.iter().any(|node| node.name == plan.nodes[0].name) {
        for addon in ADDONS {
            let arguments = addon_arguments(plan, addon);
            files.push(NodeFile::text(inside(&format!("in/{addon}.arguments")), 0o600, arguments));
        }
    }
    if !plan.feature_gates.is_empty() {
        let probe = script::feature_gate_probe(&plan.feature_gates);
        files.push(NodeFile::text(inside("in/gates.yaml"), 0o600, probe));
    }
    Ok(files)
}

/// A tar of `files` to extract at `/`. The same files give the same bytes.
/// Fails when a path is too long for a tar.
pub fn archive(files: &[NodeFile]) -> std::io::Result<Bytes> {
    let mut builder = tar::Builder::new(Vec::new());
    for file in files {
        let path = file.path.trim_start_matches('/');
        let mut header = tar::Header::new_gnu();
        header.set_mode(file.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        match &file.content {
            Content::Text(text) => {
                header.set_size(text.len() as u64);
                builder.append_data(&mut header, path, text.as_bytes())?;
            }
            Content::Link(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                builder.append_link(&mut header, path, target)?;
            }
        }
    }
    Ok(builder.into_inner()?.into())
}

/// A drop-in for kubelet's unit on workers: kubelet starts after the script at `script`, which waits
/// until the API server at `endpoint` (`ADDRESS:PORT`) is ready.
fn await_api_drop_in(script: &str, endpoint: &str) -> String {
    format!(
        "\
[Service]
TimeoutStartSec=90s
ExecStartPre=-{script} https://{endpoint}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Version;
    use crate::pki::generate;
    use crate::plan::sample::{full_config, plan_of, sample_plan};
    use std::io::Read as _;

    fn listing(files: &[NodeFile]) -> String {
        let lines = files.iter().map(|file| match &file.content {
            Content::Text(_) => format!("{:o} {}", file.mode, file.path),
            Content::Link(target) => format!("link {} -> {target}", file.path),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn files_of_a_control_plane_and_a_worker() {
        let plan = sample_plan(1, 1, &Version::new(1, 37, 2));
        let pki = generate(&plan).unwrap();
        let of = |node| node_files(&plan, node, &pki, &Rendered::default()).unwrap();
        insta::assert_snapshot!("control_plane_files", listing(&of(&plan.nodes[0])));
        insta::assert_snapshot!("worker_files", listing(&of(&plan.nodes[1])));
    }

    #[test]
    fn another_pod_network_has_no_cni_configuration() {
        let mut config = full_config();
        config.networking.disable_default_cni = true;
        let plan = plan_of(&config, &Version::new(1, 37, 2));
        let pki = generate(&plan).unwrap();
        let files = node_files(&plan, &plan.nodes[1], &pki, &Rendered::default()).unwrap();
        assert!(!listing(&files).contains("cni"), "{}", listing(&files));
    }

    #[test]
    fn the_render_container_gets_the_configuration_of_each_node() {
        let plan = plan_of(&full_config(), &Version::new(1, 37, 2));
        let nodes: Vec<&NodePlan> = plan.nodes.iter().collect();
        insta::assert_snapshot!(listing(&render_input(&plan, &nodes).unwrap()));
    }

    #[test]
    fn an_archive_keeps_paths_modes_and_links() {
        let files = [NodeFile::text("/etc/a", 0o600, "text"), NodeFile::link("/etc/b", "/etc/a")];
        let bytes = archive(&files).unwrap();
        assert_eq!(bytes, archive(&files).unwrap());
        let mut tar = tar::Archive::new(bytes.as_ref());
        let mut entries = tar.entries().unwrap().map(Result::unwrap);
        let mut first = entries.next().unwrap();
        let mut text = String::new();
        first.read_to_string(&mut text).unwrap();
        assert_eq!((first.header().mode().unwrap(), text.as_str()), (0o600, "text"));
        let second = entries.next().unwrap();
        assert_eq!(second.link_name().unwrap().unwrap().to_str(), Some("/etc/a"));
    }
}
