//! Access to an existing cluster.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Context as _;

use crate::cluster::inventory::{self, NodeSummary};
use crate::cluster::tarball;
use crate::config::ContainerRole;
use crate::failure::Failure;
use crate::kubeconfig::{self, Access};
use crate::kubernetes::{Identity, connect_impatiently};
use crate::plan::API_PORT;
use crate::plan::labels;
use crate::runtime::{Engine, EngineError, Protocol};

/// The administrator's kubeconfig in a control plane.
pub const ADMIN_CONF: &str = "/etc/kubernetes/admin.conf";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientPlace {
    /// On the host: the client uses the API server's host port.
    Host,
    /// In a container on the cluster's network: the client uses the node's address.
    ClusterNetwork,
}

/// The administrator's access to a cluster.
/// Fails with [`Failure::Input`] when the cluster does not exist; [`Failure::Environment`] when the
/// cluster is incomplete or its API server has no port on the host.
pub async fn access(
    engine: &dyn Engine,
    cluster: &str,
    place: ClientPlace,
) -> Result<Access, Failure> {
    let nodes = inventory::require(engine, cluster).await?;
    let server = match place {
        ClientPlace::Host => host_endpoint(engine, cluster).await?,
        ClientPlace::ClusterNetwork => network_endpoint(cluster, &nodes)?,
    };
    let admin_conf = admin_conf(engine, cluster, &nodes).await?;
    kubeconfig::from_admin_conf(&admin_conf, cluster, &format!("https://{server}")).map_err(
        |error| Failure::environment(format!("{ADMIN_CONF} of cluster `{cluster}`: {error}")),
    )
}

/// A client of a cluster's API server, on the host, that retries nothing.
///
/// # Errors
/// As [`access`].
pub async fn client(engine: &dyn Engine, cluster: &str) -> anyhow::Result<kube::Client> {
    let access = access(engine, cluster, ClientPlace::Host).await?;
    let identity = Identity { certificate: access.client_cert_pem, key: access.client_key_pem };
    connect_impatiently(&access.server, &access.ca_pem, &identity)
        .await
        .context("cannot connect to the API server")
}

/// The address and port on the host that lead to the API server.
async fn host_endpoint(engine: &dyn Engine, cluster: &str) -> Result<SocketAddr, Failure> {
    let containers = engine.containers(&labels::in_cluster(cluster)).await?;
    let bound = containers.iter().find_map(|container| {
        let api = |port: &&crate::runtime::PortBinding| {
            port.container_port == API_PORT && port.protocol == Protocol::Tcp && port.host_port != 0
        };
        let role = container.labels.get(labels::ROLE)?;
        let serves = ContainerRole::from_name(role)? != ContainerRole::WORKER;
        container.ports.iter().find(api).filter(|_| serves)
    });
    let bound = bound.ok_or_else(|| {
        Failure::environment(format!(
            "the API server of cluster `{cluster}` has no port on the host"
        ))
        .with_hint(
            "its containers can be stopped: check `docker ps -a`, and start them with \
                 `docker start`",
        )
    })?;
    let address = match bound.host_address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        address => address,
    };
    Ok(SocketAddr::new(address, bound.host_port))
}

/// The address and port on the cluster's network that lead to the API server.
fn network_endpoint(cluster: &str, nodes: &[NodeSummary]) -> Result<SocketAddr, Failure> {
    let of = |role| nodes.iter().find(|node| node.role == role).and_then(|node| node.address);
    of(ContainerRole::LoadBalancer)
        .or_else(|| of(ContainerRole::CONTROL_PLANE))
        .map(|address| SocketAddr::new(address.into(), API_PORT))
        .ok_or_else(|| {
            Failure::environment(format!("no control plane of cluster `{cluster}` has an address"))
                .with_hint("its containers can be stopped: check `docker ps -a`")
        })
}

async fn admin_conf(
    engine: &dyn Engine,
    cluster: &str,
    nodes: &[NodeSummary],
) -> Result<String, Failure> {
    let mut last = None;
    for node in nodes.iter().filter(|node| node.role == ContainerRole::CONTROL_PLANE) {
        match engine.download(&node.name, ADMIN_CONF).await {
            Ok(tar) => {
                let content = tarball::single_file(&tar).ok().flatten().unwrap_or_default();
                return Ok(String::from_utf8_lossy(&content).into_owned());
            }
            Err(EngineError::NotFound { .. }) => {}
            Err(error) => last = Some(error),
        }
    }
    Err(match last {
        Some(error) => error.into(),
        None => Failure::environment(format!(
            "no control plane of cluster `{cluster}` has {ADMIN_CONF}: the cluster was not fully created"
        ))
        .with_hint(format!("run `kindrs delete cluster --name {cluster}`, then create the cluster again")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::fixture::{THREE, engine, make, sample_access};
    use crate::runtime::fake::{FakeEngine, tar_of};

    fn put_admin_conf(engine: &FakeEngine, node: &str) {
        let tar = tar_of(&[("admin.conf", &kubeconfig::render(&sample_access("dev")))]);
        engine.state().downloads.insert((node.to_owned(), ADMIN_CONF.to_owned()), tar);
    }

    #[tokio::test]
    async fn from_the_host_and_from_the_network() {
        let engine = engine();
        make(&engine, "dev", 1, &THREE).await;
        put_admin_conf(&engine, "dev-control-plane");
        let host = access(&engine, "dev", ClientPlace::Host).await.unwrap();
        assert_eq!(
            host,
            Access { server: "https://127.0.0.1:41002".into(), ..sample_access("dev") }
        );
        let inside = access(&engine, "dev", ClientPlace::ClusterNetwork).await.unwrap();
        assert_eq!(inside.server, "https://172.20.1.2:6443");
    }

    #[tokio::test]
    async fn several_control_planes_are_reached_through_their_load_balancer() {
        let engine = engine();
        let roles = [
            (ContainerRole::LoadBalancer, 1),
            (ContainerRole::CONTROL_PLANE, 1),
            (ContainerRole::CONTROL_PLANE, 2),
        ];
        make(&engine, "dev", 1, &roles).await;
        put_admin_conf(&engine, "dev-control-plane2");
        let host = access(&engine, "dev", ClientPlace::Host).await.unwrap();
        assert_eq!(host.server, "https://127.0.0.1:41002");
        let inside = access(&engine, "dev", ClientPlace::ClusterNetwork).await.unwrap();
        assert_eq!(inside.server, "https://172.20.1.2:6443");
    }

    #[tokio::test]
    async fn an_incomplete_cluster_has_no_access() {
        let engine = engine();
        make(&engine, "dev", 1, &THREE).await;
        let failure = access(&engine, "dev", ClientPlace::Host).await.unwrap_err();
        assert!(failure.to_string().contains("not fully created"), "{failure}");
        engine.state().containers.remove("dev-control-plane");
        let failure = access(&engine, "dev", ClientPlace::Host).await.unwrap_err();
        assert!(failure.to_string().contains("no port on the host"), "{failure}");
        let failure = access(&engine, "dev", ClientPlace::ClusterNetwork).await.unwrap_err();
        assert!(failure.to_string().contains("no control plane"), "{failure}");
        let failure = access(&engine, "other", ClientPlace::Host).await.unwrap_err();
        assert!(matches!(failure, Failure::Input { .. }));
    }
}
