use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use ipnet::Ipv4Net;

use crate::config::{self, Role};
use crate::failure::Failure;
use crate::image::{self, ImageRequest, NodeImage};
use crate::plan::{ClusterPlan, NodeImagePlan, PlanInput, cluster_subnets, plan};
use crate::progress::Progress;
use crate::runtime::{Engine, Protocol};

use super::CreateOptions;
use crate::plan::labels;

/// Everything that is decided before kindrs creates anything, except the subnet: another cluster
/// can take that in the meantime.
pub(super) struct Preparation {
    run: String,
    bootstrap_token: String,
    images: Vec<NodeImagePlan>,
    load_balancer_image: Option<String>,
    api_port: u16,
    cgroup_v1: bool,
    candidates: Vec<Ipv4Net>,
}

/// Checks everything that can be checked, and finds or builds the images.
/// Fails with [`Failure::Input`] for an invalid name or a cluster that exists,
/// [`Failure::Environment`] for ports in use.
pub(super) async fn prepare(
    engine: &dyn Engine,
    options: &CreateOptions,
    progress: &Progress,
) -> anyhow::Result<Preparation> {
    config::validate_cluster_name(&options.name)?;
    let engine_info = engine.info().await?;
    require_unused(engine, &options.name).await?;
    let api_address = options.config.networking.api_server_address;
    check_ports(options)?;
    let api_port = match options.config.networking.api_server_port {
        Some(port) => port,
        None => free_port(api_address)?,
    };
    let candidates = free_subnets(engine, options).await?;

    let images = resolve_images(engine, options, progress).await?;
    let control_planes =
        options.config.nodes.iter().filter(|node| node.role == Role::ControlPlane).count();
    let load_balancer_image =
        if control_planes > 1 { Some(image::load_balancer(engine, progress).await?) } else { None };
    Ok(Preparation {
        run: run_id(),
        bootstrap_token: bootstrap_token()?,
        images,
        load_balancer_image,
        api_port,
        cgroup_v1: engine_info.cgroup_version == 1,
        candidates,
    })
}

impl Preparation {
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// Plans with the best free subnet; the next call uses the next one.
    /// Fails with [`Failure::Environment`] when no subnet is left.
    pub(super) fn next_plan(&mut self, options: &CreateOptions) -> Result<ClusterPlan, Failure> {
        if self.candidates.is_empty() {
            return Err(Failure::environment("no free subnet left in 172.28.0.0/14").with_hint(
                "delete clusters or networks that you do not need; `docker network ls` lists them",
            ));
        }
        let subnet = self.candidates.remove(0);
        plan(&PlanInput {
            name: &options.name,
            run: &self.run,
            bootstrap_token: &self.bootstrap_token,
            config: &options.config,
            images: &self.images,
            subnet,
            api_port: self.api_port,
            cgroup_v1: self.cgroup_v1,
            load_balancer_image: self.load_balancer_image.as_deref(),
        })
    }
}

async fn require_unused(engine: &dyn Engine, name: &str) -> anyhow::Result<()> {
    let filter = labels::in_cluster(name);
    let found = !engine.containers(&filter).await?.is_empty()
        || !engine.networks(&filter).await?.is_empty()
        || !engine.volumes(&filter).await?.is_empty();
    if found {
        return Err(Failure::input(format!("cluster `{name}` already exists"))
            .with_hint(format!(
                "use another --name, or run `kindrs delete cluster --name {name}` first"
            ))
            .into());
    }
    Ok(())
}

/// Checks that no program on this host listens on a port of the configuration.
fn check_ports(options: &CreateOptions) -> Result<(), Failure> {
    let networking = &options.config.networking;
    let api =
        networking.api_server_port.map(|port| (networking.api_server_address, port, Protocol::Tcp));
    let mapped = options.config.nodes.iter().flat_map(|node| &node.extra_port_mappings);
    let taken: Vec<String> = mapped
        .filter(|mapping| mapping.host_port != 0)
        .map(|mapping| (mapping.host_address, mapping.host_port, mapping.protocol))
        .chain(api)
        .filter(|(address, port, protocol)| is_taken(*address, *port, *protocol))
        .map(|(address, port, protocol)| format!("{address}:{port}/{}", protocol.name()))
        .collect();
    if taken.is_empty() {
        return Ok(());
    }
    Err(Failure::environment(format!("ports in use on this host: {}", taken.join(", ")))
        .with_hint("choose other ports in the configuration, or stop the programs that use them"))
}

fn is_taken(address: IpAddr, port: u16, protocol: Protocol) -> bool {
    let at = SocketAddr::new(address, port);
    let error = match protocol {
        Protocol::Tcp => TcpListener::bind(at).err(),
        Protocol::Udp => UdpSocket::bind(at).err(),
        Protocol::Sctp => None,
    };
    // An address of another host can be the engine's, which reports a port in use itself.
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

fn free_port(address: IpAddr) -> Result<u16, Failure> {
    TcpListener::bind(SocketAddr::new(address, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| {
            Failure::environment(format!("cannot find a free port on {address}: {error}"))
                .with_hint("set networking.apiServerPort in the configuration")
        })
}

/// Subnets that nothing else uses, with spares for those that other clusters take in the meantime.
async fn free_subnets(
    engine: &dyn Engine,
    options: &CreateOptions,
) -> anyhow::Result<Vec<Ipv4Net>> {
    let networks = engine.networks(&[]).await?;
    let mut taken: Vec<Ipv4Net> = networks.into_iter().flat_map(|n| n.subnets).collect();
    taken.extend(host_routes());
    taken.push(options.config.networking.pod_subnet);
    taken.push(options.config.networking.service_subnet);
    Ok(cluster_subnets(&taken).take(32).collect())
}

/// The host's IPv4 routes, if `/proc/net/route` exists (proc_pid_net(5)).
fn host_routes() -> Vec<Ipv4Net> {
    let table = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    table.lines().skip(1).filter_map(route).collect()
}

fn route(line: &str) -> Option<Ipv4Net> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let address = |field: &str| u32::from_str_radix(field, 16).ok().map(|n| n.swap_bytes().into());
    Ipv4Net::with_netmask(address(fields.get(1)?)?, address(fields.get(7)?)?).ok()
}

async fn resolve_images(
    engine: &dyn Engine,
    options: &CreateOptions,
    progress: &Progress,
) -> anyhow::Result<Vec<NodeImagePlan>> {
    let mut resolved: BTreeMap<Option<&String>, NodeImage> = BTreeMap::new();
    let mut images = Vec::new();
    for node in &options.config.nodes {
        let own = node.image.as_ref().filter(|_| options.image.is_none());
        let image = match resolved.entry(own) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let request = ImageRequest {
                    image: own.or(options.image.as_ref()).cloned(),
                    kubernetes: options.kubernetes.clone(),
                };
                place.insert(image::resolve(engine, &request, progress).await?)
            }
        };
        images.push(NodeImagePlan {
            reference: image.reference.clone(),
            version: image.kubernetes.clone(),
            entrypoint: image.entrypoint.clone(),
            has_cni_manifest: image.has_cni_manifest,
        });
    }
    Ok(images)
}

/// A unique id of this run: the time and the process.
fn run_id() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("{:x}-{:x}", now.unwrap_or_default().as_millis(), std::process::id())
}

/// A random token, with which anybody can add nodes to the cluster for a day.
///
/// Source: <https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/>
fn bootstrap_token() -> Result<String, Failure> {
    let mut bytes = [0; 11];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::environment(format!("cannot generate random numbers: {error}"))
    })?;
    let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let (id, secret) = hexadecimal.split_at(6);
    Ok(format!("{id}.{secret}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ() {
        let (one, other) = (bootstrap_token().unwrap(), bootstrap_token().unwrap());
        assert_ne!(one, other);
        let (id, secret) = one.split_once('.').unwrap();
        assert_eq!((id.len(), secret.len()), (6, 16));
        assert!(one.chars().all(|c| c == '.' || c.is_ascii_digit() || c.is_ascii_lowercase()));
    }

    #[test]
    fn reads_a_route_in_host_byte_order() {
        let line = "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0";
        assert_eq!(route(line), Some("172.17.0.0/16".parse().unwrap()));
        assert_eq!(route("garbage"), None);
    }

    #[test]
    fn a_port_with_a_listener_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        assert!(is_taken(at.ip(), at.port(), Protocol::Tcp));
        drop(listener);
        assert!(!is_taken(at.ip(), at.port(), Protocol::Tcp));
    }
}
