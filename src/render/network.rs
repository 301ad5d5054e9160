use std::fmt::Write as _;

use crate::plan::{ClusterPlan, NodePlan, PodNetwork};

/// The unit that runs the script at `script` to set up a node's network, before anything uses it.
pub fn network_unit(plan: &ClusterPlan, node: &NodePlan, script: &str) -> String {
    let mut command =
        format!("{script} {} {}", plan.kubernetes_service_address(), plan.control_plane_endpoint());
    if plan.pod_network == PodNetwork::Routes {
        let (own, pods, services) = (node.pod_subnet, plan.pod_subnet, plan.service_subnet);
        let _ = write!(command, " {own} {pods} {services}");
        for other in plan.nodes.iter().filter(|other| other.name != node.name) {
            let _ = write!(command, " {} {}", other.pod_subnet, other.address);
        }
    }
    format!(
        "\
[Unit]
Description=Network of this node's pods
Before=containerd.service kubelet.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command}

[Install]
WantedBy=multi-user.target
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Version;
    use crate::plan::sample::sample_plan;

    #[test]
    fn network_unit_of_a_node() {
        let mut plan = sample_plan(1, 2, &Version::new(1, 37, 2));
        insta::assert_snapshot!(network_unit(&plan, &plan.nodes[1], "/kindrs/network"));
        plan.pod_network = PodNetwork::Manifest;
        let unit = network_unit(&plan, &plan.nodes[1], "/kindrs/network");
        assert!(unit.contains("ExecStart=/kindrs/network 10.96.0.1 172.28.0.2:6443\n"), "{unit}");
    }
}
