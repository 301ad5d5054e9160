//! Plans for tests.

use std::collections::BTreeMap;

use crate::config::{Cluster, Node, Role};
use crate::kubernetes::Version;

use super::{ClusterPlan, NodeImagePlan, PlanInput, plan};

/// A plan of a cluster named `dev` with these nodes, of this version.
pub(crate) fn sample_plan(control_planes: usize, workers: usize, version: &Version) -> ClusterPlan {
    plan_of(&sample_config(control_planes, workers), version)
}

pub(crate) fn sample_config(control_planes: usize, workers: usize) -> Cluster {
    let nodes = (0..control_planes)
        .map(|_| Node::new(Role::ControlPlane))
        .chain((0..workers).map(|_| Node::new(Role::Worker)))
        .collect();
    Cluster { nodes, ..Cluster::default() }
}

/// A configuration that sets everything that reaches kubeadm.
pub(crate) fn full_config() -> Cluster {
    let mut config = sample_config(1, 1);
    config.feature_gates = BTreeMap::from([("AllAlpha".into(), false), ("Some".into(), true)]);
    config.runtime_config = BTreeMap::from([("api/alpha".into(), "true".into())]);
    config.kubeadm_config_patches = vec![
        "kind: ClusterConfiguration\napiServer: {extraArgs: {v: '4'}}".into(),
        "kind: KubeletConfiguration\nmaxPods: 50".into(),
        "kind: JoinConfiguration\nnodeRegistration: {kubeletExtraArgs: {v: '5'}}".into(),
    ];
    config.nodes[0].kubeadm_config_patches = vec![
        "kind: InitConfiguration\nnodeRegistration: {kubeletExtraArgs: {node-labels: a=b}}".into(),
    ];
    config
}

pub(crate) fn plan_of(config: &Cluster, version: &Version) -> ClusterPlan {
    plan(&sample_input(config, &sample_images(config, version))).unwrap()
}

pub(crate) fn sample_images(config: &Cluster, version: &Version) -> Vec<NodeImagePlan> {
    let image = NodeImagePlan {
        reference: format!("kindrs/node:{version}"),
        version: version.clone(),
        entrypoint: vec!["/usr/local/bin/entrypoint".into(), "/sbin/init".into()],
        has_cni_manifest: false,
    };
    vec![image; config.nodes.len()]
}

pub(crate) fn sample_input<'a>(config: &'a Cluster, images: &'a [NodeImagePlan]) -> PlanInput<'a> {
    PlanInput {
        name: "dev",
        run: "run1",
        bootstrap_token: "abcdef.0123456789abcdef",
        config,
        images,
        subnet: "172.28.0.0/24".parse().unwrap(),
        api_port: 40123,
        cgroup_v1: true,
        load_balancer_image: Some("kindrs/load-balancer:1"),
    }
}
