//! Workloads that people run, on a cluster of three nodes. Each step has its own namespace.

mod controllers;
mod kubelet;
mod network;
mod nodes;
mod pods;
mod security;
mod storage;

use harness::{Cluster, Suite};

const THREE_NODES: &str = include_str!("../../configs/three-nodes.yaml");

pub fn suite() -> Suite<Cluster> {
    Suite::new("workloads", || Cluster::create("workloads", THREE_NODES))
        .together(&[
            // Those that wait longest come first.
            ("cron_job_runs_at_its_time", controllers::cron_job),
            ("pod_sees_its_config_map_change", kubelet::config_map_update),
            ("stateful_set_keeps_its_data", storage::stateful_set),
            ("services_reach_every_replica_from_every_node", network::services),
            ("replica_set_replaces_a_pod", controllers::replica_set),
            ("daemon_set_runs_on_every_node", controllers::daemon_set),
            ("jobs_complete_and_fail", controllers::jobs),
            ("deployment_rolls_forward_and_back", controllers::rollout),
            ("dns_resolves_every_kind_of_service", network::dns),
            ("session_affinity_keeps_a_client_at_one_pod", network::session_affinity),
            ("host_port_reaches_its_pod", network::host_port),
            ("pods_reach_nodes_and_the_host", network::beyond_pods),
            ("host_network_pod_uses_services", network::host_network),
            ("exec_runs_in_a_pod", pods::exec),
            ("attach_talks_to_a_pod", pods::attach),
            ("logs_of_a_pod_are_read", pods::logs),
            ("port_of_a_pod_is_forwarded", pods::port_forward),
            ("files_are_copied_to_a_pod_and_back", pods::copy),
            ("ephemeral_container_joins_a_pod", pods::ephemeral_container),
            ("service_account_token_is_valid", security::token),
            ("roles_grant_and_deny", security::roles),
            ("disruption_budget_refuses_evictions", controllers::disruption_budget),
            ("downward_api_describes_the_pod", kubelet::downward_api),
            ("volumes_of_every_kind_have_their_files", storage::volumes),
            ("volume_is_deleted_with_its_claim", storage::reclaimed),
            ("pod_terminates_in_order", kubelet::termination),
            ("container_over_its_memory_limit_is_killed", kubelet::out_of_memory),
            ("container_has_its_cpu_limit", kubelet::cpu_limit),
            ("failed_liveness_probe_restarts_the_container", kubelet::liveness),
            ("init_containers_and_sidecars_run_in_order", kubelet::init_containers),
        ])
        .step("node_is_drained_and_used_again", nodes::drain)
        .step("kubelet_has_metrics_of_nodes_and_pods", nodes::metrics)
}
