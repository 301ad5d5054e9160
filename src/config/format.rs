//! The parts of kind's `v1alpha4` format that differ from [`Cluster`](super::Cluster).
//!
//! The fields are documented at <https://pkg.go.dev/sigs.k8s.io/kind@v0.33.0/pkg/apis/config/v1alpha4>. `x-unsupported`
//! marks fields and values that kindrs refuses by name (see `yaml::Decoder`).

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::runtime::{Mount, MountSource, PortBinding, Propagation, Protocol};

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields, transform = add_mount_fields)]
pub(super) struct MountFormat {
    #[schemars(length(min = 1), extend("x-expected" = "a path"))]
    host_path: String,
    container_path: String,
    #[serde(default)]
    read_only: bool,
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
pub(super) struct PortMappingFormat {
    #[schemars(range(min = 1))]
    container_port: u16,
    #[serde(default, deserialize_with = "host_port")]
    #[schemars(with = "i32", range(min = -1, max = 65535))]
    host_port: Option<u16>,
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
            host_port: format.host_port.unwrap_or_default(),
        }
    }
}

/// Reads a list of `F` as a list of `T`.
pub(super) fn list<'de, D, F, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    F: Deserialize<'de> + Into<T>,
{
    Ok(Vec::<F>::deserialize(deserializer)?.into_iter().map(Into::into).collect())
}

/// Reads a port of the host; 0 and -1 stand for a free one.
pub(super) fn host_port<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u16>, D::Error> {
    Ok(u16::try_from(i32::deserialize(deserializer)?).ok().filter(|port| *port != 0))
}

pub(super) fn yaml_patches(_: &mut SchemaGenerator) -> Schema {
    let expected = "a string that holds YAML (begin it with `- |`)";
    json_schema!({ "type": "array", "items": { "type": "string", "x-expected": expected } })
}

pub(super) fn toml_patches(_: &mut SchemaGenerator) -> Schema {
    let expected = "a string that holds TOML (begin it with `- |`)";
    json_schema!({ "type": "array", "items": { "type": "string", "x-expected": expected } })
}

fn add_field(schema: &mut Schema, index: usize, name: &str, field: Value) {
    if let Some(Value::Object(fields)) = schema.get_mut("properties") {
        fields.shift_insert(index.min(fields.len()), name.into(), field);
    }
}

pub(super) fn add_cluster_fields(schema: &mut Schema) {
    add_field(schema, 0, "kind", json!({ "type": "string" }));
    add_field(schema, 1, "apiVersion", json!({ "type": "string" }));
    for name in ["kubeadmConfigPatchesJSON6902", "containerdConfigPatchesJSON6902"] {
        add_field(schema, usize::MAX, name, json!({ "x-unsupported": true }));
    }
}

pub(super) fn add_node_fields(schema: &mut Schema) {
    let unsupported = json!({ "x-unsupported": true });
    add_field(schema, usize::MAX, "kubeadmConfigPatchesJSON6902", unsupported);
}

pub(super) fn add_networking_fields(schema: &mut Schema) {
    let word = |supported: &str, unsupported: &[&str]| json!({ "type": "string", "enum": [supported], "x-unsupported": unsupported });
    add_field(schema, usize::MAX, "ipFamily", word("ipv4", &["ipv6", "dual"]));
    let modes = word("iptables", &["ipvs", "nftables", "none"]);
    add_field(schema, usize::MAX, "kubeProxyMode", modes);
    add_field(schema, usize::MAX, "dnsSearch", json!({ "x-unsupported": true }));
}

fn add_mount_fields(schema: &mut Schema) {
    let relabel = json!({ "type": "boolean", "x-unsupported": [true] });
    add_field(schema, 3, "selinuxRelabel", relabel);
}

pub(super) fn check_subnet(text: &str) -> Result<(), String> {
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

pub(super) fn check_address(text: &str) -> Result<(), String> {
    let found = || format!("expected an IP address, found `{}`", text.escape_debug());
    text.parse::<IpAddr>().map(drop).map_err(|_| found())
}
