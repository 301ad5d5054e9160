use std::collections::HashMap;
use std::net::IpAddr;

use super::Role;
use super::cluster::{Cluster, Node};
use super::name::check_cluster_name;
use super::patch::{containerd_patch, kubeadm_patch};
use super::subnet::subnet_violations;
use super::violation::{Violation, Violations};
use crate::runtime::{MountSource, PortBinding, Protocol};
use crate::yaml::join;

/// Checks a cluster that flags have created or changed. [`load`](super::load()) checks the same rules.
///
/// # Errors
/// Every rule that the cluster breaks.
pub fn validate(cluster: &Cluster) -> Result<(), Violations> {
    match violations(cluster) {
        violations if violations.is_empty() => Ok(()),
        violations => Err(Violations(violations)),
    }
}

pub(super) fn violations(cluster: &Cluster) -> Vec<Violation> {
    let mut found = Vec::new();
    let roles: Vec<_> = cluster.nodes.iter().map(|node| node.role).collect();
    if let Some(Err(why)) = cluster.name.as_ref().map(|name| check_cluster_name(name, &roles)) {
        found.push(Violation::new("name", why));
    }
    if !roles.contains(&Role::ControlPlane) {
        found
            .push(Violation::new("nodes", "expected at least one node with `role: control-plane`"));
    }
    for (index, node) in cluster.nodes.iter().enumerate() {
        let path = format!("nodes[{index}]");
        label_violations(node, &path, &mut found);
        mount_violations(node, &path, &mut found);
        patch_violations(&node.kubeadm_config_patches, &path, "kubeadmConfigPatches", &mut found);
    }
    port_violations(cluster, &mut found);
    subnet_violations(&cluster.networking, cluster.nodes.len(), &mut found);
    component_violations(cluster, &mut found);
    patch_violations(&cluster.kubeadm_config_patches, "", "kubeadmConfigPatches", &mut found);
    patch_violations(&cluster.containerd_config_patches, "", "containerdConfigPatches", &mut found);
    found
}

fn patch_violations(patches: &[String], parent: &str, field: &str, found: &mut Vec<Violation>) {
    let check = if field == "kubeadmConfigPatches" { kubeadm_patch } else { containerd_patch };
    for (index, patch) in patches.iter().enumerate() {
        let path = format!("{}[{index}]", join(parent, field));
        found.extend(check(&path, patch).err());
    }
}

fn component_violations(cluster: &Cluster, found: &mut Vec<Violation>) {
    for gate in cluster.feature_gates.keys() {
        if gate.is_empty() || !gate.chars().all(|c| c.is_ascii_alphanumeric()) {
            let message = format!("expected a feature gate of letters and digits, found {gate:?}");
            found.push(Violation::new(join("featureGates", gate), message));
        }
    }
    for (api, value) in &cluster.runtime_config {
        let path = join("runtimeConfig", api);
        if api.is_empty() || api.contains([',', '=']) || api.contains(char::is_whitespace) {
            let message = format!("expected an API such as `api/all` or `batch/v1`, found {api:?}");
            found.push(Violation::new(path.clone(), message));
        }
        // The API server accepts these words, and an empty value as true.
        let booleans = ["", "1", "t", "T", "true", "TRUE", "True"];
        let negations = ["0", "f", "F", "false", "FALSE", "False"];
        if !booleans.contains(&value.as_str()) && !negations.contains(&value.as_str()) {
            let message = format!("expected `true` or `false`, found {value:?}");
            found.push(Violation::new(path, message));
        }
    }
}

/// Checks labels by Kubernetes' syntax
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>).
/// A kubelet cannot set `kubernetes.io` labels on its node. kindrs sets labels as an administrator, so
/// every prefix is allowed.
fn label_violations(node: &Node, path: &str, found: &mut Vec<Violation>) {
    for (key, value) in &node.labels {
        let path = join(&join(path, "labels"), key);
        let (prefix, name) = match key.split_once('/') {
            Some((prefix, name)) => (Some(prefix), name),
            None => (None, key.as_str()),
        };
        if prefix.is_some_and(|prefix| !is_subdomain(prefix)) {
            let message = "the label's prefix must be a DNS name: lowercase letters, digits, `-` \
                           and `.`, at most 253 characters";
            found.push(Violation::new(path.clone(), message));
        }
        if !is_label_word(name) {
            let message = "the label's name must have 1 to 63 letters, digits, `-`, `_` or `.`, \
                           and start and end with a letter or digit";
            found.push(Violation::new(path.clone(), message));
        }
        if !value.is_empty() && !is_label_word(value) {
            let message = format!(
                "the value {value:?} must have at most 63 letters, digits, `-`, `_` or `.`, and \
                 start and end with a letter or digit"
            );
            found.push(Violation::new(path, message));
        }
    }
}

fn is_label_word(word: &str) -> bool {
    word.len() <= 63
        && word.starts_with(|c: char| c.is_ascii_alphanumeric())
        && word.ends_with(|c: char| c.is_ascii_alphanumeric())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn is_subdomain(name: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 253
        && name.split('.').all(|part| {
            part.starts_with(alphanumeric)
                && part.ends_with(alphanumeric)
                && part.chars().all(|c| alphanumeric(c) || c == '-')
        })
}

fn mount_violations(node: &Node, path: &str, found: &mut Vec<Violation>) {
    let mut targets: HashMap<String, String> = HashMap::new();
    for (index, mount) in node.extra_mounts.iter().enumerate() {
        let path = format!("{path}.extraMounts[{index}]");
        if matches!(&mount.source, MountSource::Host(host) if host.is_empty()) {
            found.push(Violation::new(join(&path, "hostPath"), "expected a path, found nothing"));
        }
        let path = join(&path, "containerPath");
        let target = clean(&mount.target);
        if !mount.target.starts_with('/') {
            let message = format!("expected an absolute path, found {:?}", mount.target);
            found.push(match mount.target.as_str() {
                "" => Violation::new(path, message),
                relative => Violation::new(path, message).suggest(format!("/{relative}")),
            });
        } else if target == "/" {
            found.push(Violation::new(path, "cannot mount over the node's root folder"));
        } else if let Some(first) = targets.get(&target) {
            let message = format!("{target} is already mounted by {first}");
            found.push(Violation::new(path, message).with_other(first));
        } else {
            targets.insert(target, path);
        }
    }
}

/// Removes `.`, `..` and repeated slashes from an absolute path.
fn clean(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// A host port that an earlier field uses.
struct Taken {
    address: IpAddr,
    path: String,
}

fn port_violations(cluster: &Cluster, found: &mut Vec<Violation>) {
    let mut taken: HashMap<(u16, Protocol), Vec<Taken>> = HashMap::new();
    if let Some(port) = cluster.networking.api_server_port {
        let address = cluster.networking.api_server_address;
        let path = "networking.apiServerPort".to_string();
        taken.insert((port, Protocol::Tcp), vec![Taken { address, path }]);
    }
    for (index, node) in cluster.nodes.iter().enumerate() {
        for (position, binding) in node.extra_port_mappings.iter().enumerate() {
            let path = format!("nodes[{index}].extraPortMappings[{position}]");
            if binding.container_port == 0 {
                let message = "expected a number from 1 to 65535, found 0";
                found.push(Violation::new(join(&path, "containerPort"), message));
            }
            found.extend(take_port(&mut taken, binding, join(&path, "hostPort")));
        }
    }
}

/// Marks a binding's port as used. Returns a violation if another binding uses the port.
fn take_port(
    taken: &mut HashMap<(u16, Protocol), Vec<Taken>>,
    binding: &PortBinding,
    path: String,
) -> Option<Violation> {
    let PortBinding { host_address: address, host_port, protocol, .. } = *binding;
    if host_port == 0 {
        return None;
    }
    let others = taken.entry((host_port, protocol)).or_default();
    let clash = others.iter().find(|other| overlap(other.address, address)).map(|other| {
        let message = format!(
            "port {host_port}/{} of {address} is already used by {}{}",
            protocol.name(),
            other.path,
            if other.address == address { String::new() } else { format!(" on {}", other.address) },
        );
        Violation::new(&path, message).with_other(&other.path)
    });
    others.push(Taken { address, path });
    clash
}

/// Whether a port cannot be bound at both addresses. A wildcard counts for both address families,
/// because the IPv6 wildcard includes IPv4.
fn overlap(one: IpAddr, other: IpAddr) -> bool {
    one == other || one.is_unspecified() || other.is_unspecified()
}

impl Cluster {
    /// Returns warnings about settings that are valid but rarely intended.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let planes = self.nodes.iter().filter(|node| node.role == Role::ControlPlane).count();
        if planes > 0 && planes.is_multiple_of(2) {
            warnings.push(format!(
                "{planes} control planes tolerate the loss of {}, no more than {} do: etcd needs \
                 a majority of its members, so use an odd number",
                (planes - 1) / 2,
                planes - 1
            ));
        }
        let address = self.networking.api_server_address;
        if !address.is_loopback() {
            let reach = if address.is_unspecified() {
                "all networks of this machine".to_string()
            } else {
                format!("every host that can reach {address}")
            };
            warnings.push(format!(
                "networking.apiServerAddress: {address} exposes the API server to {reach}"
            ));
        }
        warnings
    }
}
