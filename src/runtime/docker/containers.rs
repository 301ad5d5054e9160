//! Containers.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{
    ContainerInspectResponse, ContainerSummary, EndpointSettings, PortMap, PortSummary,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptions,
    ListContainersOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
    StartContainerOptions, StopContainerOptionsBuilder, WaitContainerOptions,
    WaitContainerOptionsBuilder,
};
use futures::TryStreamExt as _;

use super::Docker;
use super::container_config::create_body;
use super::error::missing_is_fine;
use super::networks::label_filter;
use crate::runtime::{
    ContainerInfo, ContainerSpec, ContainerState, EngineError, Label, PortBinding, Protocol,
    Refusal,
};

impl Docker {
    pub(super) async fn make_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        let object = format!("container {}", spec.name);
        let options = CreateContainerOptionsBuilder::new().name(&spec.name).build();
        let made = self
            .client
            .create_container(Some(options), create_body(spec)?)
            .await
            .map_err(self.failed("creating", &object))?;
        Ok(made.id)
    }

    pub(super) async fn run_container(&self, name: &str) -> Result<(), EngineError> {
        let object = format!("container {name}");
        self.client
            .start_container(name, None::<StartContainerOptions>)
            .await
            .map_err(self.failed("starting", &object))
    }

    pub(super) async fn halt_container(
        &self,
        name: &str,
        grace: Duration,
    ) -> Result<(), EngineError> {
        let object = format!("container {name}");
        let seconds = grace.as_secs() + u64::from(grace.subsec_nanos() > 0);
        let options =
            StopContainerOptionsBuilder::new().t(seconds.try_into().unwrap_or(i32::MAX)).build();
        self.client
            .stop_container(name, Some(options))
            .await
            .map_err(self.failed("stopping", &object))
    }

    pub(super) async fn end_container(&self, name: &str) -> Result<(), EngineError> {
        let object = format!("container {name}");
        self.client
            .kill_container(name, None::<KillContainerOptions>)
            .await
            .map_err(self.failed("killing", &object))
    }

    pub(super) async fn freeze_container(&self, name: &str) -> Result<(), EngineError> {
        let object = format!("container {name}");
        self.client.pause_container(name).await.map_err(self.failed("pausing", &object))
    }

    pub(super) async fn thaw_container(&self, name: &str) -> Result<(), EngineError> {
        let object = format!("container {name}");
        self.client.unpause_container(name).await.map_err(self.failed("unpausing", &object))
    }

    pub(super) async fn delete_container(&self, name: &str) -> Result<(), EngineError> {
        let object = format!("container {name}");
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let removed = self
            .client
            .remove_container(name, Some(options))
            .await
            .map_err(self.failed("removing", &object));
        match removed {
            Err(error) if error.refusal() == Some(Refusal::RemovalInProgress) => {
                // Another client removes the container: wait until it has.
                let options = WaitContainerOptionsBuilder::new().condition("removed").build();
                missing_is_fine(self.exit_code_of(name, options).await)
            }
            other => missing_is_fine(other),
        }
    }

    pub(super) async fn find_container(
        &self,
        name: &str,
    ) -> Result<Option<ContainerInfo>, EngineError> {
        let object = format!("container {name}");
        let found = self
            .client
            .inspect_container(name, None::<InspectContainerOptions>)
            .await
            .map_err(self.failed("inspecting", &object));
        match found.map(inspected) {
            // The engine also accepts a prefix of an id, which can equal another container's name.
            Ok(found) if found.name == name || found.id == name => Ok(Some(found)),
            Ok(_) | Err(EngineError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn list_containers(
        &self,
        labels: &[Label],
    ) -> Result<Vec<ContainerInfo>, EngineError> {
        let options =
            ListContainersOptionsBuilder::new().all(true).filters(&label_filter(labels)).build();
        let list = self
            .client
            .list_containers(Some(options))
            .await
            .map_err(self.failed("listing", "containers"))?;
        Ok(list.into_iter().map(summarised).collect())
    }

    pub(super) async fn await_container(&self, name: &str) -> Result<i64, EngineError> {
        self.exit_code_of(name, WaitContainerOptions::default()).await
    }

    async fn exit_code_of(
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

    pub(super) async fn read_log(&self, name: &str, lines: usize) -> Result<String, EngineError> {
        let object = format!("container {name}");
        let options =
            LogsOptionsBuilder::new().stdout(true).stderr(true).tail(&lines.to_string()).build();
        let log: Vec<u8> = self
            .client
            .logs(name, Some(options))
            .try_fold(Vec::new(), |mut log, chunk| async move {
                log.extend_from_slice(chunk.as_ref());
                Ok(log)
            })
            .await
            .map_err(self.failed("reading the log of", &object))?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }
}

fn inspected(container: ContainerInspectResponse) -> ContainerInfo {
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

fn summarised(container: ContainerSummary) -> ContainerInfo {
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
    word.and_then(|word| ContainerState::from_name(&word.to_string())).unwrap_or_default()
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
        let (Ok(container_port), Some(protocol)) = (port.parse(), protocol_named(protocol)) else {
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
        protocol: protocol_named(port.typ?.as_ref())?,
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

fn protocol_named(name: &str) -> Option<Protocol> {
    [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].into_iter().find(|known| known.name() == name)
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
