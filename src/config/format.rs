//! The types of kind's `v1alpha4` format.
//!
//! The fields are documented at <https://pkg.go.dev/sigs.k8s.io/kind@v0.33.0/pkg/apis/config/v1alpha4>. `x-unsupported`
//! marks fields and values that kindrs refuses by name (see `yaml::Decoder`).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use ipnet::{IpNet, Ipv4Net};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::Role;
use super::cluster::{Cluster, Networking, Node};
use crate::runtime::{Mount, MountSource, PortBinding, Propagation, Protocol};
use crate::yaml::Decoder;

/// Decodes configurations as leniently as kind.
pub(super) static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    Decoder::of::<ClusterFormat>()
        .with_format("ip", check_address)
        .with_format("ipv4-subnet", check_subnet)
        .lenient()
});

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code)]
pub(super) struct ClusterFormat {
    kind: String,
    api_version: String,
    name: Option<String>,
    #[serde(default)]
    nodes: Vec<NodeFormat>,
    #[serde(default)]
    networking: NetworkingFormat,
    #[serde(default)]
    #[schemars(extend("x-expected" = "a mapping of feature gates to `true` or `false`"))]
    feature_gates: BTreeMap<String, bool>,
    #[serde(default)]
    #[schemars(extend("x-expected" = "a mapping of APIs to `\"true\"` or `\"false\"`"))]
    runtime_config: BTreeMap<String, String>,
    #[serde(default)]
    kubeadm_config_patches: Vec<YamlPatch>,
    #[serde(default)]
    containerd_config_patches: Vec<TomlPatch>,
    #[serde(default, rename = "kubeadmConfigPatchesJSON6902")]
    kubeadm_json_patches: Unsupported,
    #[serde(default, rename = "containerdConfigPatchesJSON6902")]
    containerd_json_patches: Unsupported,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code)]
struct NodeFormat {
    role: Option<Role>,
    image: Option<String>,
    #[serde(default)]
    #[schemars(extend("x-expected" = "a mapping of labels to values"))]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    extra_mounts: Vec<MountFormat>,
    #[serde(default)]
    extra_port_mappings: Vec<PortMappingFormat>,
    #[serde(default)]
    kubeadm_config_patches: Vec<YamlPatch>,
    #[serde(default, rename = "kubeadmConfigPatchesJSON6902")]
    kubeadm_json_patches: Unsupported,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code)]
struct NetworkingFormat {
    #[schemars(with = "Option<String>", extend("format" = "ipv4-subnet"))]
    pod_subnet: Option<Ipv4Net>,
    #[schemars(with = "Option<String>", extend("format" = "ipv4-subnet"))]
    service_subnet: Option<Ipv4Net>,
    api_server_address: Option<IpAddr>,
    #[serde(default)]
    api_server_port: HostPort,
    #[serde(default, rename = "disableDefaultCNI")]
    disable_default_cni: bool,
    #[schemars(extend("enum" = ["ipv4"], "x-unsupported" = ["ipv6", "dual"]))]
    ip_family: Option<String>,
    #[schemars(extend("enum" = ["iptables"], "x-unsupported" = ["ipvs", "nftables", "none"]))]
    kube_proxy_mode: Option<String>,
    #[serde(default)]
    dns_search: Unsupported,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code)]
struct MountFormat {
    #[schemars(length(min = 1), extend("x-expected" = "a path"))]
    host_path: String,
    container_path: String,
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    #[schemars(extend("x-unsupported" = [true]))]
    selinux_relabel: bool,
    #[serde(default, deserialize_with = "PropagationFormat::deserialize")]
    #[schemars(with = "PropagationFormat")]
    propagation: Propagation,
}

#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Propagation")]
enum PropagationFormat {
    None,
    HostToContainer,
    Bidirectional,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PortMappingFormat {
    #[schemars(range(min = 1))]
    container_port: u16,
    #[serde(default)]
    host_port: HostPort,
    listen_address: Option<IpAddr>,
    #[serde(default, deserialize_with = "ProtocolFormat::deserialize")]
    #[schemars(with = "ProtocolFormat")]
    protocol: Protocol,
}

#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Protocol", rename_all = "UPPERCASE")]
#[schemars(extend("x-ignore-case" = true))]
enum ProtocolFormat {
    Tcp,
    Udp,
    Sctp,
}

/// A port of the host; 0 and -1 stand for a free one.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(transparent)]
struct HostPort(#[schemars(range(min = -1, max = 65535))] i32);

/// A document in a string.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("x-expected" = "a string that holds YAML (begin it with `- |`)"))]
struct YamlPatch(String);

/// A document in a string.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("x-expected" = "a string that holds TOML (begin it with `- |`)"))]
struct TomlPatch(String);

/// A field that kindrs does not support yet. The decoder rejects the field by name.
#[derive(Default, Deserialize)]
struct Unsupported {}

impl JsonSchema for Unsupported {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Unsupported".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "x-unsupported": true })
    }
}

impl HostPort {
    /// Returns the port; `None` for a free one.
    fn fixed(&self) -> Option<u16> {
        u16::try_from(self.0).ok().filter(|port| *port != 0)
    }
}

impl From<ClusterFormat> for Cluster {
    fn from(format: ClusterFormat) -> Self {
        let mut nodes: Vec<_> = format.nodes.into_iter().map(Node::from).collect();
        if nodes.is_empty() {
            nodes = Self::default().nodes;
        }
        let containerd = format.containerd_config_patches.into_iter().map(|patch| patch.0);
        Self {
            name: format.name,
            nodes,
            networking: format.networking.into(),
            feature_gates: format.feature_gates,
            runtime_config: format.runtime_config,
            kubeadm_config_patches: texts(format.kubeadm_config_patches),
            containerd_config_patches: containerd.collect(),
        }
    }
}

impl From<NodeFormat> for Node {
    fn from(format: NodeFormat) -> Self {
        Self {
            role: format.role.unwrap_or(Role::ControlPlane),
            image: format.image,
            labels: format.labels,
            extra_mounts: format.extra_mounts.into_iter().map(Mount::from).collect(),
            extra_port_mappings: format.extra_port_mappings.into_iter().map(Into::into).collect(),
            kubeadm_config_patches: texts(format.kubeadm_config_patches),
        }
    }
}

impl From<NetworkingFormat> for Networking {
    fn from(format: NetworkingFormat) -> Self {
        let default = Self::default();
        Self {
            api_server_address: format.api_server_address.unwrap_or(default.api_server_address),
            api_server_port: format.api_server_port.fixed(),
            pod_subnet: format.pod_subnet.unwrap_or(default.pod_subnet),
            service_subnet: format.service_subnet.unwrap_or(default.service_subnet),
            disable_default_cni: format.disable_default_cni,
        }
    }
}

impl From<MountFormat> for Mount {
    fn from(format: MountFormat) -> Self {
        Self {
            source: MountSource::Host(format.host_path),
            target: format.container_path,
            read_only: format.read_only,
            propagation: format.propagation,
        }
    }
}

impl From<PortMappingFormat> for PortBinding {
    fn from(format: PortMappingFormat) -> Self {
        Self {
            container_port: format.container_port,
            protocol: format.protocol,
            host_address: format.listen_address.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            host_port: format.host_port.fixed().unwrap_or_default(),
        }
    }
}

fn texts(patches: Vec<YamlPatch>) -> Vec<String> {
    patches.into_iter().map(|patch| patch.0).collect()
}

fn check_subnet(text: &str) -> Result<(), String> {
    if text.contains(',') {
        return Err(format!(
            "`{}`: dual-stack subnets are not supported by kindrs yet",
            text.escape_debug()
        ));
    }
    match text.parse() {
        Ok(IpNet::V4(_)) => Ok(()),
        Ok(IpNet::V6(_)) => Err(format!("`{text}`: IPv6 is not supported by kindrs yet")),
        Err(_) => {
            let found = text.escape_debug();
            Err(format!("expected an IPv4 subnet such as `10.0.0.0/16`, found `{found}`"))
        }
    }
}

fn check_address(text: &str) -> Result<(), String> {
    let found = || format!("expected an IP address, found `{}`", text.escape_debug());
    text.parse::<IpAddr>().map(drop).map_err(|_| found())
}
