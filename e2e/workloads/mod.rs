//! What people run on clusters, on one of three nodes.

mod controllers;
mod kubelet;
mod network;
mod nodes;
mod pods;
mod security;
mod storage;

use crate::harness::{Kubectl, Sandbox, Steps};

const THREE_NODES: &str = include_str!("../../configs/three-nodes.yaml");

/// The cluster that all steps share; each has a namespace of its own.
pub struct Shared {
    pub sandbox: Sandbox,
    pub kubectl: Kubectl,
}

#[test]
fn workloads() {
    let sandbox = Sandbox::new("workloads");
    let kubectl = sandbox.create(THREE_NODES);
    let shared = Shared { sandbox, kubectl };
    let steps = Steps::default();
    steps.together(
        &shared,
        &[
            // The longest waits first.
            ("a CronJob runs at its time", controllers::cron_job),
            ("a pod sees its ConfigMap change", kubelet::config_map_update),
            ("a StatefulSet keeps its data", storage::stateful_set),
            ("Services lead to every replica from every node", network::services),
            ("a ReplicaSet of five heals", controllers::replica_set),
            ("a DaemonSet runs on every node", controllers::daemon_set),
            ("Jobs succeed and fail", controllers::jobs),
            ("a Deployment is rolled forward and back", controllers::rollout),
            ("DNS answers for Services of every kind", network::dns),
            ("a Service keeps a client at one pod", network::session_affinity),
            ("a port of a node leads to its pod", network::host_port),
            ("pods reach nodes and the host", network::beyond_pods),
            ("a pod on its node's network uses Services", network::host_network),
            ("exec runs in a pod", pods::exec),
            ("attach talks to a pod", pods::attach),
            ("logs of a pod are read", pods::logs),
            ("a port of a pod is forwarded", pods::port_forward),
            ("files are copied to a pod and back", pods::copy),
            ("an ephemeral container joins a pod", pods::ephemeral_container),
            ("a service account's token is good", security::token),
            ("the API grants what roles allow", security::roles),
            ("a disruption budget holds off evictions", controllers::disruption_budget),
            ("a pod knows itself", kubelet::downward_api),
            ("volumes of every kind hold their files", storage::volumes),
            ("a claim's volume goes with it", storage::reclaimed),
            ("a pod ends in order", kubelet::termination),
            ("a container that takes too much memory is ended", kubelet::out_of_memory),
            ("a container gets the CPU it may have", kubelet::cpu_limit),
            ("a container that does not answer is restarted", kubelet::liveness),
            ("init containers and sidecars run in order", kubelet::init_containers),
        ],
    );
    steps.step("a node is drained and used again", || nodes::drain(&shared));
    steps.step("metrics of nodes and pods are there", || nodes::metrics(&shared));
    steps.finish();
}
