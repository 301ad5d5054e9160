//! Properties and exit codes of containers.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use bollard::errors::Error;
use bollard::models::{
    ContainerInspectResponse, ContainerSummary, EndpointSettings, PortMap, PortSummary,
};
use bollard::query_parameters::WaitContainerOptions;
use futures::TryStreamExt as _;

use super::Docker;
use crate::runtime::{ContainerInfo, ContainerState, EngineError, PortBinding};

impl Docker {
    pub(super) async fn exit_code_of(
        &self,
        name: &str,
        options: WaitContainerOptions,
    ) -> Result<i64, EngineError> {
        let object = format!("container {name}");
        let ended = Box::pin(self.client.wait_container(name, Some(options))).try_next().await;
        match ended {
            Ok(Some(end)) => Ok(end.status_code),
            // `bollard` reports a code other than 0 as an error, without a text unless waiting failed.
            Err(Error::DockerContainerWaitError { error, code }) if error.is_empty() => Ok(code),
            Err(error) => Err(self.failed("waiting for", &object)(error)),
            Ok(None) => Err(EngineError::refused(
                format!("waiting for {object}"),
                "the engine ended the call without an exit code",
            )),
        }
    }
}

pub(super) fn inspected(container: ContainerInspectResponse) -> ContainerInfo {
    let config = container.config.unwrap_or_default();
    let state = container.state.unwrap_or_default();
    let settings = container.network_settings.unwrap_or_default();
    // Only a running container has bound ports; for any other, use the ports that it will bind.
    let mut ports = bound_ports(&settings.ports.unwrap_or_default());
    if ports.is_empty() {
        let host = container.host_config.unwrap_or_default();
        ports = bound_ports(&host.port_bindings.unwrap_or_default());
    }
    ContainerInfo {
        id: container.id.unwrap_or_default(),
        name: container.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        image: config.image.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        state: state_of(state.status),
        exit_code: state.exit_code.unwrap_or(0),
        addresses: addresses(settings.networks.unwrap_or_default()),
        ports,
    }
}

pub(super) fn summarised(container: ContainerSummary) -> ContainerInfo {
    let names = container.names.unwrap_or_default();
    // A link adds a name below another container's name.
    let name = names
        .iter()
        .map(|name| name.trim_start_matches('/'))
        .find(|name| !name.contains('/'))
        .unwrap_or_default();
    let networks = container.network_settings.and_then(|settings| settings.networks);
    let mut ports: Vec<_> =
        container.ports.unwrap_or_default().iter().filter_map(summarised_port).collect();
    sort_ports(&mut ports);
    ContainerInfo {
        id: container.id.unwrap_or_default(),
        name: name.to_owned(),
        image: container.image.unwrap_or_default(),
        labels: container.labels.unwrap_or_default().into_iter().collect(),
        state: state_of(container.state),
        exit_code: 0,
        addresses: addresses(networks.unwrap_or_default()),
        ports,
    }
}

/// Counts a missing or unknown state as not running.
fn state_of(word: Option<impl ToString>) -> ContainerState {
    word.and_then(|word| word.to_string().parse().ok()).unwrap_or_default()
}

/// The current addresses, or those fixed for the next start.
fn addresses(
    networks: HashMap<String, EndpointSettings>,
) -> std::collections::BTreeMap<String, Ipv4Addr> {
    networks
        .into_iter()
        .filter_map(|(name, endpoint)| {
            let used = endpoint.ip_address.and_then(|address| address.parse().ok());
            let fixed = || endpoint.ipam_config?.ipv4_address?.parse().ok();
            Some((name, used.or_else(fixed)?))
        })
        .collect()
}

fn bound_ports(map: &PortMap) -> Vec<PortBinding> {
    let mut ports = Vec::new();
    for (key, bindings) in map {
        let Some((port, protocol)) = key.split_once('/') else { continue };
        let (Ok(container_port), Some(protocol)) = (port.parse(), protocol.parse().ok()) else {
            continue;
        };
        for binding in bindings.iter().flatten() {
            ports.push(PortBinding {
                container_port,
                protocol,
                host_address: host_address(binding.host_ip.as_deref()),
                host_port: binding
                    .host_port
                    .as_deref()
                    .and_then(|port| port.parse().ok())
                    .unwrap_or(0),
            });
        }
    }
    sort_ports(&mut ports);
    ports
}

fn summarised_port(port: &PortSummary) -> Option<PortBinding> {
    Some(PortBinding {
        container_port: port.private_port,
        protocol: port.typ?.as_ref().parse().ok()?,
        host_address: host_address(port.ip.as_deref()),
        host_port: port.public_port?,
    })
}

/// The engine returns ports in no particular order.
fn sort_ports(ports: &mut Vec<PortBinding>) {
    ports.sort_by_key(|port| {
        (port.container_port, port.protocol, port.host_address, port.host_port)
    });
    ports.dedup();
}

/// No address means all addresses.
fn host_address(text: Option<&str>) -> IpAddr {
    text.and_then(|text| text.parse().ok()).unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_container_tells_what_it_will_have() {
        let container = serde_json::from_value(serde_json::json!({
            "Id": "0a", "Name": "/node",
            "State": {"Status": "exited", "ExitCode": 137},
            "Config": {"Image": "kindrs/node:v1", "Labels": {"k": "v"}},
            "HostConfig": {"PortBindings": {
                "6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "7000"}],
                "53/udp": [{"HostIp": "", "HostPort": ""}],
            }},
            "NetworkSettings": {"Ports": {}, "Networks": {
                "net": {"IPAddress": "", "IPAMConfig": {"IPv4Address": "10.0.0.2"}},
            }},
        }))
        .unwrap();
        insta::assert_debug_snapshot!(inspected(container));
    }

    #[test]
    fn a_summary_tells_bound_ports_only() {
        let container = serde_json::from_value(serde_json::json!({
            "Id": "0a", "Names": ["/other/alias", "/node"], "Image": "i", "State": "running",
            "Ports": [
                {"PrivatePort": 80, "Type": "tcp"},
                {"IP": "127.0.0.1", "PrivatePort": 6443, "PublicPort": 7000, "Type": "tcp"},
            ],
            "NetworkSettings": {"Networks": {"net": {"IPAddress": "10.0.0.2"}}},
        }))
        .unwrap();
        let info = summarised(container);
        assert_eq!(info.name, "node");
        assert_eq!(info.ports.len(), 1);
        assert_eq!(info.ports[0].host_port, 7000);
        assert_eq!(info.addresses["net"], Ipv4Addr::new(10, 0, 0, 2));
    }
}
