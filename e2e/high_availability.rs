//! Three control planes behind a load balancer lose one of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{
    Kubectl, Sandbox, Steps, deployment, docker, try_in_node, until, until_holds, web_container,
};

const CONFIGURATION: &str = "
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{role: control-plane}, {role: control-plane}, {role: control-plane}, {role: worker}]
";
const CONTROL_PLANES: [&str; 3] = ["control-plane", "control-plane2", "control-plane3"];
const NAMESPACE: &str = "ha";

#[test]
fn high_availability() {
    let sandbox = Sandbox::new("ha");
    let kubectl = sandbox.create(CONFIGURATION);
    kubectl.namespace(NAMESPACE);
    let steps = Steps::default();
    steps.step("etcd has three healthy members", || {
        assert_eq!(healthy_members(&sandbox, CONTROL_PLANES[0]), 3);
    });
    steps.step("every node uses the load balancer", || through_load_balancer(&sandbox));
    steps.step("the third control plane is lost and returns", || {
        lost_and_back(&sandbox, &kubectl, CONTROL_PLANES[2], CONTROL_PLANES[1]);
    });
    steps.step("the first control plane is lost and returns", || {
        lost_and_back(&sandbox, &kubectl, CONTROL_PLANES[0], CONTROL_PLANES[1]);
    });
    steps.step("the load balancer restarts", || {
        docker(&format!("restart {}", sandbox.node("external-load-balancer")));
        until_holds(
            "the API answers",
            || kubectl.attempt("--request-timeout=5s get --raw /readyz").stdout,
            |answer| answer == "ok",
        );
    });
    steps.step("nothing is left after delete", || sandbox.delete_wholly());
    steps.finish();
}

fn through_load_balancer(sandbox: &Sandbox) {
    let listed = sandbox.kindrs(&format!("get nodes --name {} -o json", sandbox.name)).ok();
    let nodes: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let balancer = nodes.iter().find(|node| node["role"] == "external-load-balancer").unwrap();
    let endpoint = format!("server: https://{}:6443", balancer["address"].as_str().unwrap());
    for node in ["control-plane", "control-plane2", "control-plane3", "worker"] {
        let read = try_in_node(&sandbox.node(node), "cat /etc/kubernetes/kubelet.conf").ok();
        assert!(read.contains(&endpoint), "{node}: {read}");
    }
}

/// How many members `etcd` says that it has and that are in health, asked at one control plane.
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

/// Asks the API all the time while `body` runs; returns the most refusals in a row, with the last.
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

/// How many calls in a row may fail: those under way when a control plane goes.
const TOLERATED: usize = 2;

fn lost_and_back(sandbox: &Sandbox, kubectl: &Kubectl, lost: &str, other: &str) {
    let node = sandbox.node(lost);
    let app = format!("while-{lost}-is-lost");
    let (refusals, last) = while_asking(kubectl, || {
        docker(&format!("stop {node}"));
        kubectl.wait_for(NAMESPACE, &format!("node/{node}"), "condition=Ready=Unknown");
        // Writes work, and so do the controllers and the scheduler.
        until("a Deployment is made", || {
            let ran = kubectl.with_input(
                &format!("-n {NAMESPACE} apply -f -"),
                &deployment(&app, 2, &[web_container()]).to_string(),
            );
            if ran.code == Some(0) { Ok(()) } else { Err(ran.stderr) }
        });
        kubectl.rolled_out(NAMESPACE, &format!("deployment/{app}"));
        assert_eq!(healthy_members(sandbox, other), 2);
    });
    assert!(refusals <= TOLERATED, "{refusals} calls in a row failed: {last}");

    let (refusals, last) = while_asking(kubectl, || {
        docker(&format!("start {node}"));
        kubectl.wait_for(NAMESPACE, &format!("node/{node}"), "condition=Ready");
        until_holds("etcd is whole", || healthy_members(sandbox, lost), |count| *count == 3);
        for component in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] {
            kubectl.wait_for("kube-system", &format!("pod/{component}-{node}"), "condition=Ready");
        }
    });
    assert!(refusals <= TOLERATED, "{refusals} calls in a row failed: {last}");
}
