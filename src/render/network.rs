use std::fmt::Write as _;

use crate::plan::{ClusterPlan, NodePlan};

/// A script that gives a node its pod network: a route to every other node's pods, masquerade for
/// what leaves the cluster, and a refusal for Services that kube-proxy does not know yet. Run at
/// every start of the node, and harmless to run again.
pub fn network_script(plan: &ClusterPlan, node: &NodePlan) -> String {
    let mut script = String::from("#!/bin/sh\nset -eu\nsysctl -q -w net.ipv4.ip_forward=1\n");
    for other in plan.nodes.iter().filter(|other| other.name != node.name) {
        let _ = writeln!(script, "ip route replace {} via {}", other.pod_subnet, other.address);
    }
    let _ = write!(
        script,
        "\
rule() {{
    table=$1 chain=$2
    shift 2
    iptables -w -t \"$table\" -C \"$chain\" \"$@\" 2>/dev/null || iptables -w -t \"$table\" -A \"$chain\" \"$@\"
}}
rule nat POSTROUTING -s {own} ! -d {pods} -m comment --comment 'kindrs: pods leave the cluster' -j MASQUERADE
# Without this, a packet to a Service that kube-proxy does not know yet makes a connection
# tracking entry that every retry uses, and the caller hangs for half a minute.
rule filter FORWARD -d {services} -m comment --comment 'kindrs: no such Service yet' -j REJECT
rule filter OUTPUT -d {services} -m comment --comment 'kindrs: no such Service yet' -j REJECT
",
        own = node.pod_subnet,
        pods = plan.pod_subnet,
        services = plan.service_subnet,
    );
    script
}

/// The unit that runs [`network_script`] before anything that needs the network.
pub fn network_unit(script: &str) -> String {
    format!(
        "\
[Unit]
Description=Pod network of this node
Before=containerd.service kubelet.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={script}

[Install]
WantedBy=multi-user.target
"
    )
}
