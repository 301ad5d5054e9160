//! Clusters in the engine of the tests.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::config::ContainerRole;
use crate::kubeconfig::Access;
use crate::plan::labels;
use crate::runtime::fake::FakeEngine;
use crate::runtime::{
    ContainerSpec, Engine as _, ImageInfo, Label, Mount, MountSource, NetworkAttachment,
    NetworkSpec, PortBinding, Propagation, Protocol,
};

pub(crate) const IMAGE: &str = "kindrs/node:v1.37.2";

pub(crate) fn engine() -> FakeEngine {
    FakeEngine::default().with_image(IMAGE, ImageInfo::default())
}

/// Creates a network and running containers with their volumes, as `create` does.
/// `subnet` is the third number of the addresses.
pub(crate) async fn make(
    engine: &FakeEngine,
    cluster: &str,
    subnet: u8,
    containers: &[(ContainerRole, usize)],
) {
    make_network(engine, cluster, subnet).await;
    for (place, (role, number)) in (2u8..).zip(containers) {
        let suffix = if *number == 1 { String::new() } else { number.to_string() };
        let name = format!("{cluster}-{role}{suffix}");
        let mut container_labels = labels::cluster(cluster, "run");
        container_labels.insert(labels::ROLE.to_owned(), role.name().to_owned());
        make_volume(engine, cluster, &labels::volume(&name)).await;
        let publishes = *role == ContainerRole::LoadBalancer || place == 2;
        let port = PortBinding {
            container_port: 6443,
            protocol: Protocol::Tcp,
            host_address: Ipv4Addr::LOCALHOST.into(),
            host_port: 41_000 + u16::from(place),
        };
        let spec = ContainerSpec {
            name: name.clone(),
            image: IMAGE.to_owned(),
            labels: container_labels,
            mounts: vec![Mount {
                source: MountSource::Volume(labels::volume(&name)),
                target: "/var".to_owned(),
                read_only: false,
                propagation: Propagation::None,
            }],
            network: Some(NetworkAttachment {
                network: labels::network(cluster),
                address: Some(Ipv4Addr::new(172, 20, subnet, place)),
            }),
            ports: if publishes { vec![port] } else { Vec::new() },
            ..Default::default()
        };
        engine.create_container(&spec).await.unwrap();
        engine.start_container(&name).await.unwrap();
    }
    engine.state().calls.clear();
}

pub(crate) async fn make_network(engine: &FakeEngine, cluster: &str, subnet: u8) {
    let spec = NetworkSpec {
        name: labels::network(cluster),
        subnet: Ipv4Net::new_assert(Ipv4Addr::new(172, 20, subnet, 0), 24),
        labels: labels::cluster(cluster, "run"),
        options: Default::default(),
    };
    engine.create_network(&spec).await.unwrap();
}

pub(crate) async fn make_volume(engine: &FakeEngine, cluster: &str, name: &str) {
    let labels: Vec<Label> = labels::cluster(cluster, "run").into_iter().collect();
    engine.create_volume(name, &labels).await.unwrap();
}

pub(crate) const THREE: [(ContainerRole, usize); 3] =
    [(ContainerRole::CONTROL_PLANE, 1), (ContainerRole::WORKER, 1), (ContainerRole::WORKER, 2)];

/// The administrator's access to a cluster that does not exist.
pub(crate) fn sample_access(cluster: &str) -> Access {
    Access {
        cluster: cluster.into(),
        server: "https://127.0.0.1:1".into(),
        ca_pem: "ca".into(),
        client_cert_pem: "cert".into(),
        client_key_pem: "key".into(),
    }
}
