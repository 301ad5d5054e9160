use serde_json::json;

use crate::plan::NodePlan;

/// The CNI configuration of one node: a veth pair for each pod, addresses from the node's own
/// subnet, host ports. No daemon: routes between nodes are [`super::network_script`]'s.
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
