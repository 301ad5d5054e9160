use crate::failure::Failure;

use super::refusal::input;

/// Why a pod cannot have a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodRefusal {
    NotScheduled,
    ForeignNode(String),
    NotRunning(String),
    NoAddress,
    NotIpv4(String),
    /// The pod uses its node's network, so its DNS queries look like the node's.
    HostNetwork,
    NoContainer {
        name: String,
        containers: Vec<String>,
    },
    ContainerNotRunning {
        name: String,
        running: Vec<String>,
    },
    /// The pod, or this container of it, has no readiness probe.
    NoReadinessProbe(Option<String>),
    /// Every readiness probe runs a command in the container.
    ProbeWithoutPort,
    /// A readiness probe calls another host, or a port that its container does not name.
    ProbeElsewhere {
        container: String,
        host: Option<String>,
    },
    NoProbeOfPort {
        port: u64,
        ports: Vec<u16>,
    },
    /// The image reference cannot be pulled by name.
    NoImage {
        container: String,
        image: String,
    },
}

impl PodRefusal {
    pub(super) fn failure(&self, pod: &str) -> Failure {
        match self {
            Self::NotScheduled => {
                input(format!("{pod} is not on a node yet"), "wait until the pod is Running")
            }
            Self::ForeignNode(node) => {
                Failure::input(format!("{pod} is on {node}, which kindrs did not create"))
            }
            Self::NotRunning(phase) => Failure::input(format!("{pod} is {phase}, not Running")),
            Self::NoAddress => {
                input(format!("{pod} has no address yet"), "wait until the pod is Running")
            }
            Self::NotIpv4(address) => {
                Failure::input(format!("the address of {pod} is not an IPv4 one: {address}"))
            }
            Self::HostNetwork => input(
                format!(
                    "{pod} uses its node's network, so its DNS queries cannot be told from the node's"
                ),
                "choose pods without hostNetwork",
            ),
            Self::NoContainer { name, containers } => input(
                format!("{pod} has no container `{name}`"),
                format!("the containers are: {}", containers.join(", ")),
            ),
            Self::ContainerNotRunning { name, running } => input(
                format!("container `{name}` of {pod} is not running"),
                if running.is_empty() {
                    "none of the pod's containers is running".to_owned()
                } else {
                    format!("the running containers are: {}", running.join(", "))
                },
            ),
            Self::NoReadinessProbe(container) => {
                let of = container.as_ref().map(|name| format!("container `{name}` of "));
                input(
                    format!("{}{pod} has no readiness probe", of.unwrap_or_default()),
                    "a container without a readiness probe is ready while it runs",
                )
            }
            Self::ProbeWithoutPort => input(
                format!(
                    "the readiness probe of {pod} runs a command in the container, so there is no \
                     port to block"
                ),
                "choose a pod whose probe is httpGet, tcpSocket or grpc",
            ),
            Self::ProbeElsewhere { container, host } => {
                let target = match host {
                    Some(host) => format!("host {host}, not the pod"),
                    None => "a port that the container does not name".to_owned(),
                };
                Failure::input(format!(
                    "the readiness probe of container `{container}` of {pod} calls {target}"
                ))
            }
            Self::NoProbeOfPort { port, ports } => {
                let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
                input(
                    format!("no readiness probe of {pod} calls port {port}"),
                    format!("the probes call: {}", ports.join(", ")),
                )
            }
            Self::NoImage { container, image } => Failure::input(format!(
                "container `{container}` of {pod} has no image to pull: `{image}`"
            )),
        }
    }
}
