use serde_json::json;

use crate::plan::NodePlan;

/// The CNI configuration of one node: a veth pair for each pod, addresses from the node's subnet,
/// and host ports. The node's network script sets up the routes between nodes, so no daemon runs.
///
/// Source: <https://github.com/containernetworking/cni/blob/main/SPEC.md>
pub fn cni_configuration(node: &NodePlan) -> String {
    let document = json!({
        "cniVersion": "1.0.0",
        "name": "kindrs",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": false,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/cni-ipam-state",
                    "routes": [{ "dst": "0.0.0.0/0" }],
                    "ranges": [[{ "subnet": node.pod_subnet.to_string() }]],
                },
            },
            { "type": "portmap", "capabilities": { "portMappings": true } },
        ],
    });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Version;
    use crate::plan::sample::sample_plan;

    #[test]
    fn cni_configuration_of_a_cluster() {
        let plan = sample_plan(1, 1, &Version::new(1, 37, 2));
        insta::assert_snapshot!(cni_configuration(&plan.nodes[1]));
    }
}
