use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use serde::Serialize;

/// A label's key and value. As a filter, an empty value means any value.
pub type Label = (String, String);

/// Version and properties of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// Version of the engine, as `20.10.24`.
    pub version: String,
    /// Version of the API that both sides speak, as `1.41`.
    pub api: String,
    /// Version of the host's control groups, 1 or 2.
    pub cgroup_version: u8,
    /// Where the engine keeps image layers, as `overlay2`.
    pub storage_driver: String,
    /// Architecture in Go's words: `amd64`, `arm64`.
    pub architecture: String,
    /// Folder with the engine's data, on its host.
    pub root: String,
}

/// An image in the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageInfo {
    /// `sha256:…`.
    pub id: String,
    /// Names, as `kindrs/node:v1.37.2`.
    pub references: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Entrypoint, then command.
    pub entrypoint: Vec<String>,
    /// Environment, `NAME=VALUE` each.
    pub environment: Vec<String>,
    /// Size in bytes.
    pub size: u64,
}

/// How an image is built.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageBuild {
    /// Name of the image to make.
    pub reference: String,
    /// Labels put on it.
    pub labels: BTreeMap<String, String>,
    /// Build arguments.
    pub arguments: BTreeMap<String, String>,
}

/// How a container becomes an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageCommit {
    /// Name of the image to make.
    pub reference: String,
    /// Dockerfile instructions applied to it, as `ENTRYPOINT ["/x"]`.
    pub changes: Vec<String>,
}

/// How a container is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerSpec {
    /// Name, unique in the engine.
    pub name: String,
    /// Image reference or id.
    pub image: String,
    /// Host name inside; empty for the engine's choice.
    pub hostname: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Replaces the image's entrypoint (and its command).
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// `NAME=VALUE` each.
    pub environment: Vec<String>,
    /// Capabilities added to none: everything else is dropped when this is not empty.
    pub capabilities: Vec<String>,
    /// Security options, as `seccomp=unconfined`.
    pub security_options: Vec<String>,
    /// Paths the engine would mask or make read-only stay as they are.
    pub unconfined_system_paths: bool,
    /// Rules of the devices control group, as `a *:* rwm`.
    pub device_cgroup_rules: Vec<String>,
    /// Devices of the host, same path inside.
    pub devices: Vec<String>,
    /// Whether the container gets a control group namespace of its own.
    pub private_cgroup_namespace: bool,
    /// tmpfs mounts, path to options.
    pub tmpfs: BTreeMap<String, String>,
    /// Mounts of the host's folders and of named volumes.
    pub mounts: Vec<Mount>,
    /// Ports bound on the host.
    pub ports: Vec<PortBinding>,
    /// The network it is on; `None`: no network but loopback.
    pub network: Option<NetworkAttachment>,
    /// Kernel parameters.
    pub sysctls: BTreeMap<String, String>,
    /// Whether the engine starts it again after it ended or after its own restart.
    pub restart: bool,
}

/// A mount into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Folder or file of the host, or a volume's name.
    pub source: MountSource,
    /// Path inside.
    pub target: String,
    /// Whether it can only be read.
    pub read_only: bool,
    /// Mount propagation.
    pub propagation: Propagation,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSource {
    /// A folder or file of the engine's host.
    Host(String),
    /// A named volume.
    Volume(String),
}

/// How mounts made on one side show on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// Not at all.
    #[default]
    None,
    /// From the host to the container.
    HostToContainer,
    /// Both ways.
    Bidirectional,
}

/// A port bound on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortBinding {
    /// Port inside.
    pub container_port: u16,
    /// Protocol.
    pub protocol: Protocol,
    /// Address on the host.
    pub host_address: IpAddr,
    /// Port on the host; 0 for a free one.
    pub host_port: u16,
}

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// Lower-case name, as the engine writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// The network a container is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkAttachment {
    /// Name of the network.
    pub network: String,
    /// Fixed address; `None` for the engine's choice.
    pub address: Option<Ipv4Addr>,
}

/// A container in the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerInfo {
    /// Id.
    pub id: String,
    /// Name, without a slash.
    pub name: String,
    /// Image reference it was made from.
    pub image: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    pub state: ContainerState,
    /// Exit code of an ended one (0 else, and in lists).
    pub exit_code: i64,
    /// Addresses by network.
    pub addresses: BTreeMap<String, Ipv4Addr>,
    /// Ports bound on the host.
    pub ports: Vec<PortBinding>,
}

/// The state of a container, in Docker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ContainerState {
    #[default]
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
}

impl ContainerState {
    const ALL: [Self; 7] = [
        Self::Created,
        Self::Running,
        Self::Paused,
        Self::Restarting,
        Self::Removing,
        Self::Exited,
        Self::Dead,
    ];

    /// The engine's word for the state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for ContainerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Output of a command run in a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecOutput {
    /// Exit code.
    pub code: i64,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl ExecOutput {
    /// Both outputs as text, stdout first, for messages.
    pub fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&self.stderr));
        text
    }
}

/// How a network is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSpec {
    /// Name.
    pub name: String,
    /// Its subnet; the first address is the gateway.
    pub subnet: Ipv4Net,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Driver options.
    pub options: BTreeMap<String, String>,
}

/// A network in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInfo {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// IPv4 subnets.
    pub subnets: Vec<Ipv4Net>,
}
