/// Why a pod cannot have a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodRefusal {
    NotScheduled,
    /// The pod is on a node that kindrs did not create.
    ForeignNode(String),
    NotRunning {
        phase: String,
    },
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
    NoReadinessProbe {
        container: Option<String>,
    },
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
    pub(super) fn message(&self, pod: &str) -> String {
        match self {
            Self::NotScheduled => format!("{pod} is not on a node yet"),
            Self::ForeignNode(node) => {
                format!("{pod} is on {node}, which kindrs did not create")
            }
            Self::NotRunning { phase } => format!("{pod} is {phase}, not Running"),
            Self::NoAddress => format!("{pod} has no address yet"),
            Self::NotIpv4(address) => format!("the address of {pod} is not an IPv4 one: {address}"),
            Self::HostNetwork => format!(
                "{pod} uses its node's network, so its DNS queries cannot be told from the node's"
            ),
            Self::NoContainer { name, .. } => format!("{pod} has no container `{name}`"),
            Self::ContainerNotRunning { name, .. } => {
                format!("container `{name}` of {pod} is not running")
            }
            Self::NoReadinessProbe { container: Some(name) } => {
                format!("container `{name}` of {pod} has no readiness probe")
            }
            Self::NoReadinessProbe { container: None } => format!("{pod} has no readiness probe"),
            Self::ProbeWithoutPort => format!(
                "the readiness probe of {pod} runs a command in the container, so there is no port \
                 to block"
            ),
            Self::ProbeElsewhere { container, host } => {
                let target = match host {
                    Some(host) => format!("host {host}, not the pod"),
                    None => "a port that the container does not name".to_owned(),
                };
                format!("the readiness probe of container `{container}` of {pod} calls {target}")
            }
            Self::NoProbeOfPort { port, .. } => {
                format!("no readiness probe of {pod} calls port {port}")
            }
            Self::NoImage { container, image } => {
                format!("container `{container}` of {pod} has no image to pull: `{image}`")
            }
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::NotScheduled | Self::NoAddress => {
                Some("wait until the pod is Running".to_owned())
            }
            Self::HostNetwork => Some("choose pods without hostNetwork".to_owned()),
            Self::NoContainer { containers, .. } => {
                Some(format!("the containers are: {}", containers.join(", ")))
            }
            Self::ContainerNotRunning { running, .. } if running.is_empty() => {
                Some("none of the pod's containers is running".to_owned())
            }
            Self::ContainerNotRunning { running, .. } => {
                Some(format!("the running containers are: {}", running.join(", ")))
            }
            Self::NoReadinessProbe { .. } => {
                Some("a container without a readiness probe is ready while it runs".to_owned())
            }
            Self::ProbeWithoutPort => {
                Some("choose a pod whose probe is httpGet, tcpSocket or grpc".to_owned())
            }
            Self::NoProbeOfPort { ports, .. } => {
                let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
                Some(format!("the probes call: {}", ports.join(", ")))
            }
            Self::ForeignNode(_)
            | Self::NotRunning { .. }
            | Self::NotIpv4(_)
            | Self::ProbeElsewhere { .. }
            | Self::NoImage { .. } => None,
        }
    }
}
