//! A pod network that the user installs.

use harness::{Cluster, Suite, in_node};

const WITHOUT_CNI: &str = "
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking:
  disableDefaultCNI: true
nodes: [{role: control-plane}, {role: worker}]
";

/// The smallest pod network: pods reach only those on the same node.
const USERS_CNI: &str = r#"cat >/etc/cni/net.d/10-mine.conflist <<END
{"cniVersion": "1.0.0", "name": "mine", "plugins": [{"type": "ptp", "ipMasq": true, "ipam":
 {"type": "host-local", "ranges": [[{"subnet": "10.244.77.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
END"#;

pub fn suite() -> Suite<Cluster> {
    Suite::new("own_network", || Cluster::create("own-network", WITHOUT_CNI))
        .step("nodes_wait_for_a_network", without_network)
        .step("nodes_are_ready_once_there_is_one", with_network)
}

fn nodes(cluster: &Cluster) -> [String; 2] {
    ["control-plane", "worker"].map(|node| cluster.sandbox.node(node))
}

fn without_network(cluster: &Cluster) {
    let (kubectl, nodes) = (&cluster.kubectl, nodes(cluster));
    assert_eq!(kubectl.items("get nodes").len(), nodes.len());
    for node in &nodes {
        let line = format!("get node {node}");
        let reason = kubectl.value(&line, ".status.conditions[?(@.type=='Ready')]");
        assert!(reason.contains("\"status\":\"False\""), "{reason}");
        assert!(reason.to_lowercase().contains("cni"), "{reason}");
    }
    let dns =
        kubectl.value("-n kube-system get pods -l k8s-app=kube-dns", ".items[*].status.phase");
    assert_eq!(dns, "Pending Pending");
}

fn with_network(cluster: &Cluster) {
    for node in &nodes(cluster) {
        in_node(node, USERS_CNI);
    }
    cluster.kubectl.wait_for("default", "node --all", "condition=Ready");
    cluster.kubectl.rolled_out("kube-system", "deployment/coredns");
}
