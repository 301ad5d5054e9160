use std::collections::BTreeMap;

use crate::config::{ContainerRole, Role};
use crate::plan::labels;
use crate::runtime::{ContainerSpec, Mount, MountSource, NetworkAttachment, Propagation};

use super::capabilities::NODE_CAPABILITIES;
use super::{ClusterPlan, LoadBalancerPlan, NodePlan};

/// Where the wrapper is in a node's container.
pub const WRAPPER_PATH: &str = "/kindrs/wrapper";

/// The container of a node, with the parts of `--privileged` that a node needs: a daemon that lacks
/// one capability itself refuses `--privileged` altogether.
pub fn node_container(plan: &ClusterPlan, node: &NodePlan) -> ContainerSpec {
    let mut mounts = vec![
        Mount {
            // containerd's overlay mounts need a file system that is not an overlay itself.
            source: MountSource::Volume(node.volume.clone()),
            target: "/var".into(),
            read_only: false,
            propagation: Propagation::None,
        },
        Mount {
            // kube-proxy and CNI plugins look for kernel modules.
            source: MountSource::Host("/lib/modules".into()),
            target: "/lib/modules".into(),
            read_only: true,
            propagation: Propagation::None,
        },
    ];
    mounts.extend(node.mounts.iter().cloned());
    let mut environment = vec!["container=docker".to_owned()];
    if node.role == Role::ControlPlane {
        // For `docker exec NODE kubectl`.
        environment.push("KUBECONFIG=/etc/kubernetes/admin.conf".into());
    }
    let entrypoint =
        std::iter::once(WRAPPER_PATH.to_owned()).chain(node.entrypoint.iter().cloned());
    ContainerSpec {
        name: node.name.clone(),
        image: node.image.clone(),
        hostname: node.name.clone(),
        labels: container_labels(plan, node.role.into()),
        entrypoint: Some(entrypoint.collect()),
        environment,
        capabilities: NODE_CAPABILITIES.iter().map(|(name, _)| (*name).to_owned()).collect(),
        security_options: vec![
            // containerd sets the pods' own profiles, which the node must be allowed to do.
            "seccomp=unconfined".into(),
            "apparmor=unconfined".into(),
        ],
        // kubelet, kube-proxy and CNI plugins write to /proc/sys, in the node's own namespace.
        unconfined_system_paths: true,
        // Pods can use any device of the host; containerd confines each pod to its own devices.
        device_cgroup_rules: vec!["a *:* rwm".into()],
        // kubelet reads kernel events from it.
        devices: vec!["/dev/kmsg".into()],
        private_cgroup_namespace: true,
        tmpfs: BTreeMap::from([
            // Emptied at each start, as on a real machine.
            ("/tmp".into(), "rw,exec".into()),
            ("/run".into(), "rw,exec".into()),
        ]),
        mounts,
        ports: node.ports.clone(),
        network: Some(NetworkAttachment {
            network: plan.network.clone(),
            address: Some(node.address),
        }),
        restart: true,
        ..ContainerSpec::default()
    }
}

/// The container of the load balancer.
pub fn load_balancer_container(
    plan: &ClusterPlan,
    load_balancer: &LoadBalancerPlan,
) -> ContainerSpec {
    ContainerSpec {
        name: load_balancer.name.clone(),
        image: load_balancer.image.clone(),
        hostname: load_balancer.name.clone(),
        labels: container_labels(plan, ContainerRole::LoadBalancer),
        entrypoint: Some(
            ["haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"].map(str::to_owned).to_vec(),
        ),
        ports: vec![load_balancer.port.clone()],
        network: Some(NetworkAttachment {
            network: plan.network.clone(),
            address: Some(load_balancer.address),
        }),
        restart: true,
        ..ContainerSpec::default()
    }
}

/// The container that renders files with an image's own kubeadm.
pub fn render_container(plan: &ClusterPlan, image: &str, index: usize) -> ContainerSpec {
    ContainerSpec {
        name: format!("{}-render-{}-{index}", plan.name, plan.run),
        image: image.to_owned(),
        labels: container_labels(plan, ContainerRole::Render),
        entrypoint: Some(vec!["/bin/sh".into(), "/kindrs/render/render.sh".into()]),
        // Without a configuration file, kubeadm detects this machine's address.
        network: (!plan.version.prints_addons_of_a_configuration())
            .then(|| NetworkAttachment { network: "bridge".into(), address: None }),
        ..ContainerSpec::default()
    }
}

fn container_labels(plan: &ClusterPlan, role: ContainerRole) -> BTreeMap<String, String> {
    let mut labels = labels::cluster(&plan.name, &plan.run);
    labels.insert(labels::ROLE.into(), role.name().into());
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Version;
    use crate::plan::sample::sample_plan;

    #[test]
    fn a_node_container() {
        let plan = sample_plan(1, 1, &Version::new(1, 37, 2));
        insta::assert_debug_snapshot!(node_container(&plan, &plan.nodes[0]));
    }

    #[test]
    fn a_load_balancer_container() {
        let plan = sample_plan(3, 0, &Version::new(1, 37, 2));
        let balancer = plan.load_balancer.as_ref().unwrap();
        insta::assert_debug_snapshot!(load_balancer_container(&plan, balancer));
    }
}
