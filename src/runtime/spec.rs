use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use serde::Serialize;

/// A label's key and value. As a filter, an empty value means any value.
pub type Label = (String, String);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// Such as `20.10.24`.
    pub version: String,
    /// The API version that kindrs and the engine use, such as `1.41`.
    pub api: String,
    /// The version of the host's control groups, 1 or 2.
    pub cgroup_version: u8,
    /// Such as `overlay2`.
    pub storage_driver: String,
    /// Go's name for the architecture: `amd64`, `arm64`.
    pub architecture: String,
    /// The engine's data folder on its host.
    pub root: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageInfo {
    /// `sha256:…`.
    pub id: String,
    /// Names, such as `kindrs/node:v1.37.2`.
    pub references: Vec<String>,
    pub labels: BTreeMap<String, String>,
    /// Entrypoint, then command.
    pub entrypoint: Vec<String>,
    /// Environment, `NAME=VALUE` each.
    pub environment: Vec<String>,
    pub size: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageBuild {
    pub reference: String,
    pub labels: BTreeMap<String, String>,
    pub arguments: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageCommit {
    pub reference: String,
    /// Dockerfile instructions that change the image, such as `ENTRYPOINT ["/x"]`.
    pub changes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerSpec {
    /// Unique in the engine.
    pub name: String,
    pub image: String,
    /// Empty for the engine's choice.
    pub hostname: String,
    pub labels: BTreeMap<String, String>,
    /// Replaces the image's entrypoint (and its command).
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// `NAME=VALUE` each.
    pub environment: Vec<String>,
    /// The container's only capabilities; if empty, the engine's defaults.
    pub capabilities: Vec<String>,
    /// Such as `seccomp=unconfined`.
    pub security_options: Vec<String>,
    /// Whether the paths that the engine masks or makes read-only stay accessible.
    pub unconfined_system_paths: bool,
    /// Rules of the devices control group, such as `a *:* rwm`.
    pub device_cgroup_rules: Vec<String>,
    /// Devices of the host, available at the same path.
    pub devices: Vec<String>,
    /// Whether the container has its own control group namespace.
    pub private_cgroup_namespace: bool,
    /// tmpfs mounts: path to options.
    pub tmpfs: BTreeMap<String, String>,
    pub mounts: Vec<Mount>,
    pub ports: Vec<PortBinding>,
    /// `None` for no network but loopback.
    pub network: Option<NetworkAttachment>,
    pub sysctls: BTreeMap<String, String>,
    /// Whether the engine restarts the container when it exits and when the engine itself restarts.
    pub restart: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub source: MountSource,
    pub target: String,
    pub read_only: bool,
    pub propagation: Propagation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSource {
    Host(String),
    Volume(String),
}

/// Whether mounts on one side appear on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    #[default]
    None,
    HostToContainer,
    Bidirectional,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortBinding {
    pub container_port: u16,
    pub protocol: Protocol,
    pub host_address: IpAddr,
    /// 0 for a free port.
    pub host_port: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    /// The engine's name for the protocol, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkAttachment {
    pub network: String,
    /// `None` for the engine's choice.
    pub address: Option<Ipv4Addr>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerInfo {
    pub id: String,
    /// Without the leading slash.
    pub name: String,
    /// The image reference that the container was created from.
    pub image: String,
    pub labels: BTreeMap<String, String>,
    pub state: ContainerState,
    /// The exit code of an exited container; otherwise, and in lists, 0.
    pub exit_code: i64,
    pub addresses: BTreeMap<String, Ipv4Addr>,
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

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecOutput {
    pub code: i64,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl ExecOutput {
    /// stdout, then stderr, as text.
    pub fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&self.stderr));
        text
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSpec {
    pub name: String,
    /// The first address is the gateway's.
    pub subnet: Ipv4Net,
    pub labels: BTreeMap<String, String>,
    pub options: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInfo {
    pub id: String,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub subnets: Vec<Ipv4Net>,
}
