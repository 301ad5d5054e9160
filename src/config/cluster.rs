use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Role;
use super::format::{self, MountFormat, PortMappingFormat};
use crate::runtime::{Mount, PortBinding};

/// The configuration of a cluster, with defaults.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(deny_unknown_fields, transform = format::add_cluster_fields)]
pub struct Cluster {
    /// Name in the file; overridden by `--name` and `KINDRS_CLUSTER_NAME`.
    pub name: Option<String>,
    /// Nodes in the order of the file; at least one control plane.
    pub nodes: Vec<Node>,
    pub networking: Networking,
    /// Feature gates for every component.
    #[schemars(extend("x-expected" = "a mapping of feature gates to `true` or `false`"))]
    pub feature_gates: BTreeMap<String, bool>,
    /// `--runtime-config` of the API server.
    #[schemars(extend("x-expected" = "a mapping of APIs to `\"true\"` or `\"false\"`"))]
    pub runtime_config: BTreeMap<String, String>,
    /// Merge patches (YAML documents) to kubeadm's configuration, for every node.
    #[schemars(schema_with = "format::yaml_patches")]
    pub kubeadm_config_patches: Vec<String>,
    /// Merge patches (TOML documents) to containerd's configuration.
    #[schemars(schema_with = "format::toml_patches")]
    pub containerd_config_patches: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(deny_unknown_fields, transform = format::add_node_fields)]
pub struct Node {
    pub role: Role,
    /// Node image; `None` for the cluster's.
    pub image: Option<String>,
    /// Labels of the Node object.
    #[schemars(extend("x-expected" = "a mapping of labels to values"))]
    pub labels: BTreeMap<String, String>,
    /// Host folders and files mounted into the node.
    #[serde(deserialize_with = "format::list::<_, MountFormat, _>")]
    #[schemars(with = "Vec<MountFormat>")]
    pub extra_mounts: Vec<Mount>,
    /// Ports of the node published on the host.
    #[serde(deserialize_with = "format::list::<_, PortMappingFormat, _>")]
    #[schemars(with = "Vec<PortMappingFormat>")]
    pub extra_port_mappings: Vec<PortBinding>,
    /// Merge patches to kubeadm's configuration, for this node.
    #[schemars(schema_with = "format::yaml_patches")]
    pub kubeadm_config_patches: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(deny_unknown_fields, transform = format::add_networking_fields)]
pub struct Networking {
    #[schemars(with = "String", extend("format" = "ipv4-subnet"))]
    pub pod_subnet: Ipv4Net,
    #[schemars(with = "String", extend("format" = "ipv4-subnet"))]
    pub service_subnet: Ipv4Net,
    /// Host address that the API server listens on.
    pub api_server_address: IpAddr,
    /// Host port that the API server listens on; `None` for a free port.
    #[serde(deserialize_with = "format::host_port")]
    #[schemars(with = "i32", range(min = -1, max = 65535))]
    pub api_server_port: Option<u16>,
    /// Whether kindrs leaves the CNI plugin to the user.
    #[serde(rename = "disableDefaultCNI")]
    pub disable_default_cni: bool,
}

impl Default for Networking {
    fn default() -> Self {
        Self {
            api_server_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            api_server_port: None,
            pod_subnet: Ipv4Net::new_assert(Ipv4Addr::new(10, 244, 0, 0), 16),
            service_subnet: Ipv4Net::new_assert(Ipv4Addr::new(10, 96, 0, 0), 16),
            disable_default_cni: false,
        }
    }
}

impl Node {
    /// Creates a node with defaults.
    pub fn new(role: Role) -> Self {
        Self { role, ..Self::default() }
    }
}

impl Default for Cluster {
    /// One control plane, as in kind.
    fn default() -> Self {
        Self {
            name: None,
            nodes: vec![Node::new(Role::ControlPlane)],
            networking: Networking::default(),
            feature_gates: BTreeMap::new(),
            runtime_config: BTreeMap::new(),
            kubeadm_config_patches: Vec::new(),
            containerd_config_patches: Vec::new(),
        }
    }
}
