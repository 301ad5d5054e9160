use std::net::Ipv4Addr;

use clap::Args;
use k8s_openapi::api::core::v1::{Container, Pod, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fault::action::{Action, Hold};
use crate::fault::targeting::{PodTargets, View};

use super::firewall::{self, Hook};
use super::pod::{address, node_of, path, subject};

/// Pods that kubelet finds not ready.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReadinessFailure {
    /// Only the probe of this container [default: of every container that has one]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Only the probe that asks this port
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Which pods.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: PodTargets,
}

impl ReadinessFailure {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
        let pods = self.targets.resolve(view)?;
        let of_pods = pods.into_iter().map(|pod| {
            let node = node_of(pod, view)?;
            let probed = self.probed(pod)?;
            Ok(probed.into_iter().map(move |probed| probed.action(pod, node)))
        });
        let actions: Result<Vec<_>, Failure> = of_pods.collect();
        Ok(actions?.into_iter().flatten().collect())
    }

    /// What kubelet asks for the readiness of this pod.
    fn probed(&self, pod: &Pod) -> Result<Vec<Probed>, Failure> {
        let address = address(pod)?;
        let containers = containers(pod);
        let meant: Vec<&Container> = containers
            .iter()
            .copied()
            .filter(|one| self.container.as_ref().is_none_or(|name| *name == one.name))
            .collect();
        if let (Some(name), true) = (&self.container, meant.is_empty()) {
            let names: Vec<&str> = containers.iter().map(|one| one.name.as_str()).collect();
            return Err(Failure::input(format!("{} has no container `{name}`", path(pod)))
                .with_hint(format!("it has: {}", names.join(", "))));
        }
        let with_probe: Vec<(&Container, &Probe)> =
            meant.iter().filter_map(|one| Some((*one, one.readiness_probe.as_ref()?))).collect();
        if with_probe.is_empty() {
            return Err(Failure::input(match &self.container {
                Some(name) => format!("container `{name}` of {} has no readiness probe", path(pod)),
                None => format!("{} has no readiness probe", path(pod)),
            })
            .with_hint("without one a container is ready as soon as it runs"));
        }
        let mut probed: Vec<Probed> = Vec::new();
        for (container, probe) in with_probe {
            let asked = asked(container, probe, address);
            probed.extend(asked.map_err(|reason| {
                Failure::input(format!(
                    "the readiness probe of container `{}` of {} {reason}",
                    container.name,
                    path(pod)
                ))
            })?);
        }
        if probed.is_empty() {
            return Err(Failure::input(format!(
                "the readiness probe of {} runs a command in the container, and asks no port that \
                 could be blocked",
                path(pod)
            ))
            .with_hint("choose a pod whose probe is httpGet, tcpSocket or grpc"));
        }
        let asked: Vec<String> = probed.iter().map(|one| one.port.to_string()).collect();
        probed.retain(|one| self.port.is_none_or(|port| port == one.port));
        if let (Some(port), true) = (self.port, probed.is_empty()) {
            return Err(Failure::input(format!(
                "no readiness probe of {} asks port {port}",
                path(pod)
            ))
            .with_hint(format!("they ask: {}", asked.join(", "))));
        }
        Ok(probed)
    }
}

/// A port that kubelet asks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Probed {
    container: String,
    address: Ipv4Addr,
    port: u16,
}

impl Probed {
    /// kubelet's probes come from the node itself; what other pods ask passes through the node, and
    /// goes on. Refused, a probe fails at once.
    fn action(&self, pod: &Pod, node: &str) -> Action {
        let Self { container, address, port } = self;
        let rules = format!(
            "echo \"-A $chain -d {address} -p tcp --dport {port} -j REJECT --reject-with tcp-reset\"\n"
        );
        let mut effect =
            format!("fails the readiness probe of container {container} at port {port}");
        if self.is_vital(pod) {
            effect.push_str(", and with it a probe by which kubelet restarts a container");
        }
        Action {
            inject: Some(firewall::put_up(&[Hook::Output], &rules)),
            heal: Some(firewall::take_down(&[Hook::Output])),
            healing: format!("lets kubelet ask port {port} again"),
            holds: vec![Hold::Pod(format!("{} port {port}", path(pod)))],
            ..Action::on(node, subject(pod), effect)
        }
    }

    /// Whether a liveness or startup probe asks the same port.
    fn is_vital(&self, pod: &Pod) -> bool {
        containers(pod).iter().any(|container| {
            let probes = [&container.liveness_probe, &container.startup_probe];
            probes.into_iter().flatten().any(|probe| {
                asked(container, probe, self.address)
                    .is_ok_and(|asked| asked.is_some_and(|asked| asked.port == self.port))
            })
        })
    }
}

/// The containers that count for readiness: sidecars are init containers.
fn containers(pod: &Pod) -> Vec<&Container> {
    let spec = pod.spec.as_ref();
    spec.into_iter()
        .flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()))
        .collect()
}

/// What a probe asks; `None` when it runs a command. `Err` says why it cannot be told.
fn asked(container: &Container, probe: &Probe, pod: Ipv4Addr) -> Result<Option<Probed>, String> {
    let (host, port) = if let Some(http) = &probe.http_get {
        (http.host.as_deref(), number(container, &http.port)?)
    } else if let Some(tcp) = &probe.tcp_socket {
        (tcp.host.as_deref(), number(container, &tcp.port)?)
    } else if let Some(grpc) = &probe.grpc {
        (None, number(container, &IntOrString::Int(grpc.port))?)
    } else {
        return Ok(None);
    };
    let address = match host.filter(|host| !host.is_empty()) {
        None => pod,
        Some(host) => host.parse().map_err(|_| format!("asks host {host}, not the pod"))?,
    };
    Ok(Some(Probed { container: container.name.clone(), address, port }))
}

/// The number of a port that may be named.
fn number(container: &Container, port: &IntOrString) -> Result<u16, String> {
    let number = match port {
        IntOrString::Int(number) => Some(*number),
        IntOrString::String(name) => {
            let ports = container.ports.iter().flatten();
            let named = ports.filter(|port| port.name.as_ref() == Some(name));
            named.map(|port| port.container_port).next().or_else(|| name.parse().ok())
        }
    };
    number
        .and_then(|number| u16::try_from(number).ok())
        .ok_or_else(|| "asks a port that the container does not name".to_owned())
}
