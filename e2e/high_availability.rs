//! Three control planes behind a load balancer, of which one stops.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use harness::{
    Cluster, Kubectl, Sandbox, Suite, deployment, docker, try_in_node, until, until_holds,
    web_container,
};

const CONFIGURATION: &str = "
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{role: control-plane}, {role: control-plane}, {role: control-plane}, {role: worker}]
";
const CONTROL_PLANES: [&str; 3] = ["control-plane", "control-plane2", "control-plane3"];
const NAMESPACE: &str = "ha";

pub fn suite() -> Suite<Cluster> {
    let create = || {
        let cluster = Cluster::create("ha", CONFIGURATION);
        cluster.kubectl.namespace(NAMESPACE);
        cluster
    };
    let [first, second, third] = CONTROL_PLANES;
    Suite::new("high_availability", create)
        .step("etcd_has_three_healthy_members", |cluster| {
            assert_eq!(healthy_members(&cluster.sandbox, first), 3);
        })
        .step("every_node_uses_the_load_balancer", through_load_balancer)
        .step("third_control_plane_stops_and_returns", |cluster| {
            stops_and_returns(cluster, third, second);
        })
        .step("first_control_plane_stops_and_returns", |cluster| {
            stops_and_returns(cluster, first, second);
        })
        .step("load_balancer_restarts", |cluster| {
            docker(&format!("restart {}", cluster.sandbox.node("external-load-balancer")));
            until_holds(
                "the API server answers",
                || cluster.kubectl.attempt("--request-timeout=5s get --raw /readyz").stdout,
                |answer| answer == "ok",
            );
        })
        .step("delete_leaves_nothing", |cluster| cluster.sandbox.delete())
}

fn through_load_balancer(Cluster { sandbox, .. }: &Cluster) {
    let listed = sandbox.kindrs(&format!("get nodes --name {} -o json", sandbox.name)).ok();
    let nodes: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let balancer = nodes.iter().find(|node| node["role"] == "external-load-balancer").unwrap();
    let endpoint = format!("server: https://{}:6443", balancer["address"].as_str().unwrap());
    for node in ["control-plane", "control-plane2", "control-plane3", "worker"] {
        let read = try_in_node(&sandbox.node(node), "cat /etc/kubernetes/kubelet.conf").ok();
        assert!(read.contains(&endpoint), "{node}: {read}");
    }
}

/// The number of healthy members that etcd on one control plane reports.
fn healthy_members(sandbox: &Sandbox, at: &str) -> usize {
    let ask = "curl --silent --fail --max-time 5 --cacert /etc/kubernetes/pki/etcd/ca.crt \
               --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key";
    let script =
        format!("{ask} --request POST --data '{{}}' https://127.0.0.1:2379/v3/cluster/member/list");
    let list = try_in_node(&sandbox.node(at), &script);
    let Ok(list) = serde_json::from_str::<Value>(&list.stdout) else { return 0 };
    let members = list["members"].as_array().cloned().unwrap_or_default();
    let healthy = members.iter().filter(|member| {
        let Some(url) = member["clientURLs"][0].as_str() else { return false };
        let health = try_in_node(&sandbox.node(at), &format!("{ask} {url}/health")).stdout;
        health.contains("\"health\":\"true\"")
    });
    healthy.count()
}

/// Sends requests while `body` runs; returns the most failures in a row, and the last error.
fn while_asking(kubectl: &Kubectl, body: impl FnOnce()) -> (usize, String) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let (mut most, mut row, mut last) = (0, 0, String::new());
            while !over.load(Ordering::Relaxed) {
                let ran = kubectl.attempt("--request-timeout=5s get namespace default -o name");
                if ran.code == Some(0) {
                    row = 0;
                } else {
                    row += 1;
                    last = ran.stderr;
                }
                most = most.max(row);
                thread::sleep(Duration::from_millis(200));
            }
            (most, last)
        });
        body();
        over.store(true, Ordering::Relaxed);
        asking.join().unwrap()
    })
}

/// How many requests in a row can fail: those in flight when a control plane stops.
const TOLERATED: usize = 2;

fn stops_and_returns(Cluster { sandbox, kubectl }: &Cluster, lost: &str, other: &str) {
    let node = sandbox.node(lost);
    let app = format!("while-{lost}-is-lost");
    let (refusals, last) = while_asking(kubectl, || {
        docker(&format!("stop {node}"));
        kubectl.wait_for(NAMESPACE, &format!("node/{node}"), "condition=Ready=Unknown");
        // Writes, controllers and the scheduler work.
        until("a Deployment is created", || {
            let ran = kubectl.with_input(
                &format!("-n {NAMESPACE} apply -f -"),
                &deployment(&app, 2, &[web_container()]).to_string(),
            );
            if ran.code == Some(0) { Ok(()) } else { Err(ran.stderr) }
        });
        kubectl.rolled_out(NAMESPACE, &format!("deployment/{app}"));
        assert_eq!(healthy_members(sandbox, other), 2);
    });
    assert!(refusals <= TOLERATED, "{refusals} requests in a row failed: {last}");

    let (refusals, last) = while_asking(kubectl, || {
        docker(&format!("start {node}"));
        kubectl.wait_for(NAMESPACE, &format!("node/{node}"), "condition=Ready");
        until_holds(
            "all members of etcd are healthy",
            || healthy_members(sandbox, lost),
            |count| *count == 3,
        );
        for component in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] {
            kubectl.wait_for("kube-system", &format!("pod/{component}-{node}"), "condition=Ready");
        }
    });
    assert!(refusals <= TOLERATED, "{refusals} requests in a row failed: {last}");
}
