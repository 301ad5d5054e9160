use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::{Container, Pod, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cluster::inventory::NodeSummary;
use crate::fault::action::{Action, Hold};
use crate::fault::parameter::{Text, Whole};
use crate::fault::refusal::{PodRefusal, Refusal};
use crate::fault::targeting::{PodTargets, View};

use super::firewall::{self, Hook};
use super::pod::{address, node_of, path, refuse, subject};

/// Parameters of `readiness-failure`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct ReadinessFailure {
    /// Only the probe of this container [default: the probes of all containers]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-value-name" = "NAME"))]
    pub container: Option<Text>,
    /// Only probes that call this port
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-value-name" = "PORT"))]
    pub port: Option<Whole<1, 65535>>,
    #[serde(flatten)]
    pub targets: PodTargets,
}

impl ReadinessFailure {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let pods = self.targets.resolve(view)?;
        let of_pods = pods.into_iter().map(|pod| {
            let node = node_of(pod, view)?;
            let probed = self.probed(pod)?;
            Ok(probed.into_iter().map(move |probed| probed.action(pod, node)))
        });
        let actions: Result<Vec<_>, Refusal> = of_pods.collect();
        Ok(actions?.into_iter().flatten().collect())
    }

    /// The ports that the kubelet calls to learn whether the pod is ready.
    fn probed(&self, pod: &Pod) -> Result<Vec<Probed>, Refusal> {
        let address = address(pod)?;
        let containers = containers(pod);
        let chosen: Vec<&Container> = containers
            .iter()
            .copied()
            .filter(|one| self.container.as_deref().is_none_or(|name| name == one.name))
            .collect();
        if let (Some(name), true) = (&self.container, chosen.is_empty()) {
            let containers = containers.iter().map(|one| one.name.clone()).collect();
            let name = name.to_string();
            return Err(refuse(pod, PodRefusal::NoContainer { name, containers }));
        }
        let with_probe: Vec<(&Container, &Probe)> =
            chosen.iter().filter_map(|one| Some((*one, one.readiness_probe.as_ref()?))).collect();
        if with_probe.is_empty() {
            let container = self.container.as_ref().map(ToString::to_string);
            return Err(refuse(pod, PodRefusal::NoReadinessProbe { container }));
        }
        let mut probed: Vec<Probed> = Vec::new();
        for (container, probe) in with_probe {
            let called = called(container, probe, address);
            probed.extend(called.map_err(|Elsewhere { host }| {
                let container = container.name.clone();
                refuse(pod, PodRefusal::ProbeElsewhere { container, host })
            })?);
        }
        if probed.is_empty() {
            return Err(refuse(pod, PodRefusal::ProbeWithoutPort));
        }
        let ports: Vec<u16> = probed.iter().map(|one| one.port).collect();
        probed.retain(|one| self.port.is_none_or(|port| port.get() == u64::from(one.port)));
        if let (Some(port), true) = (self.port, probed.is_empty()) {
            return Err(refuse(pod, PodRefusal::NoProbeOfPort { port: port.get(), ports }));
        }
        Ok(probed)
    }
}

/// A port that the kubelet calls.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Probed {
    container: String,
    address: Ipv4Addr,
    port: u16,
}

impl Probed {
    /// The kubelet's probes come from the node itself, whereas the traffic of other pods passes
    /// through the node and is not affected. A rejected probe fails at once.
    fn action(&self, pod: &Pod, node: &NodeSummary) -> Action {
        let Self { container, address, port } = self;
        let rules = format!(
            "echo \"-A $chain -d {address} -p tcp --dport {port} -j REJECT --reject-with tcp-reset\"\n"
        );
        let mut effect =
            format!("fails the readiness probe of container {container} at port {port}");
        if self.is_vital(pod) {
            effect.push_str(", which is also a probe that makes kubelet restart a container");
        }
        Action {
            inject: Some(firewall::add(&[Hook::Output], &rules)),
            heal: Some(firewall::remove(&[Hook::Output])),
            healing: format!("lets kubelet call port {port}"),
            holds: vec![Hold::Pod(format!("{} port {port}", path(pod)))],
            ..Action::on(node, subject(pod), effect)
        }
    }

    /// Whether a liveness or startup probe calls the same port.
    fn is_vital(&self, pod: &Pod) -> bool {
        containers(pod).iter().any(|container| {
            let probes = [&container.liveness_probe, &container.startup_probe];
            probes.into_iter().flatten().any(|probe| {
                called(container, probe, self.address)
                    .is_ok_and(|called| called.is_some_and(|called| called.port == self.port))
            })
        })
    }
}

/// The containers that count for readiness. Sidecars are init containers.
fn containers(pod: &Pod) -> Vec<&Container> {
    let spec = pod.spec.as_ref();
    spec.into_iter()
        .flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()))
        .collect()
}

/// A probe calls another host than the pod, or a port that the container does not name.
struct Elsewhere {
    host: Option<String>,
}

/// The port that a probe calls; `None` if the probe runs a command.
fn called(
    container: &Container,
    probe: &Probe,
    pod: Ipv4Addr,
) -> Result<Option<Probed>, Elsewhere> {
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
        Some(host) => host.parse().map_err(|_| Elsewhere { host: Some(host.to_owned()) })?,
    };
    Ok(Some(Probed { container: container.name.clone(), address, port }))
}

/// The number of a port that is given by number or by name.
fn number(container: &Container, port: &IntOrString) -> Result<u16, Elsewhere> {
    let number = match port {
        IntOrString::Int(number) => Some(*number),
        IntOrString::String(name) => {
            let ports = container.ports.iter().flatten();
            let named = ports.filter(|port| port.name.as_ref() == Some(name));
            named.map(|port| port.container_port).next().or_else(|| name.parse().ok())
        }
    };
    number.and_then(|number| u16::try_from(number).ok()).ok_or(Elsewhere { host: None })
}
