//! Draining and metrics of nodes.

use harness::{Cluster, deployment, until, until_holds, web_container};

pub fn drain(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "drain");
    kubectl.namespace(ns);
    let (drained, other) = (cluster.sandbox.node("worker2"), cluster.sandbox.node("worker"));
    kubectl.apply(ns, &[deployment("web", 4, &[web_container()])]);
    kubectl.rolled_out(ns, "deployment/web");
    let nodes = || {
        let line = format!("-n {ns} get pods -l app=web --field-selector=status.phase=Running");
        let text = kubectl.value(&line, ".items[*].spec.nodeName");
        text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    kubectl.run(&format!(
        "drain {drained} --ignore-daemonsets --delete-emptydir-data --force --pod-selector=app=web \
         --timeout=120s"
    ));
    kubectl.rolled_out(ns, "deployment/web");
    until_holds("all are on the other worker", nodes, |nodes| {
        nodes.len() == 4 && nodes.iter().all(|node| *node == other)
    });
    let line = format!("get node {drained}");
    assert_eq!(kubectl.value(&line, ".spec.unschedulable"), "true");
    kubectl.run(&format!("uncordon {drained}"));
    kubectl.run(&format!("-n {ns} scale deployment/web --replicas=12"));
    kubectl.rolled_out(ns, "deployment/web");
    assert!(nodes().contains(&drained), "{:?}", nodes());
}

pub fn metrics(cluster: &Cluster) {
    let kubectl = &cluster.kubectl;
    for node in ["control-plane", "worker", "worker2"].map(|node| cluster.sandbox.node(node)) {
        let proxy = format!("get --raw /api/v1/nodes/{node}/proxy");
        // kubelet needs some seconds for the first numbers of a new cluster.
        until(&format!("{node} reports the memory of its pods"), || {
            let summary = kubectl.run(&format!("{proxy}/stats/summary"));
            let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
            let used = |of: &serde_json::Value| of["memory"]["workingSetBytes"].as_u64() > Some(0);
            let pods = summary["pods"].as_array().unwrap();
            if used(&summary["node"]) && pods.iter().any(used) { Ok(()) } else { Err(summary) }
        });
        assert!(kubectl.run(&format!("{proxy}/metrics")).contains("kubelet_running_pods"));
    }
}
