//! kind's own node image, driven by the same code.

use serde_json::{Value, json};

use crate::harness::{Sandbox, Steps, container, docker, inspect, pod, run};

/// The pod network of a stand-in for kind's image may end at each node, and DNS has to reach the API
/// server: until the cluster is up, workers take none of its pods.
const TAINTED_WORKERS: &str = "\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
- role: control-plane
- role: worker
- role: worker
kubeadmConfigPatches:
- |
  kind: JoinConfiguration
  nodeRegistration:
    taints:
    - key: e2e.kindrs.dev/not-yet
      effect: NoSchedule
";
const NODES: [&str; 3] = ["control-plane", "worker", "worker2"];

#[test]
#[ignore = "needs a kindest/node image, named by KINDRS_E2E_STOCK_IMAGE"]
fn stock_image() {
    let image = std::env::var("KINDRS_E2E_STOCK_IMAGE")
        .expect("KINDRS_E2E_STOCK_IMAGE names a kindest/node image that Docker has");
    let sandbox = Sandbox::new("stock");
    let file = sandbox.home().with_file_name("stock.yaml");
    std::fs::write(&file, TAINTED_WORKERS).unwrap();
    let (name, file) = (&sandbox.name, file.to_str().unwrap());
    let line = ["create", "cluster", "--name", name, "--config", file, "--image", &image];
    let created = run(sandbox.command(&line), "");
    eprintln!("{}", created.stderr);
    created.ok();
    let kubectl = sandbox.kubectl();
    let steps = Steps::default();
    steps.step("the image's own pod network runs on every node", || {
        kubectl.rolled_out("kube-system", "daemonset/kindnet");
        let pods = kubectl.items("-n kube-system get pods -l app=kindnet");
        assert_eq!(pods.len(), NODES.len());
    });
    steps.step("a pod with a volume runs on every worker", || {
        let workers = format!("{} {}", sandbox.node("worker"), sandbox.node("worker2"));
        kubectl.run(&format!("taint nodes {workers} e2e.kindrs.dev/not-yet:NoSchedule-"));
        kubectl.namespace("stock");
        // Such an image has no busybox of ours, but kube-proxy's has a shell.
        let image = kubectl.value(
            "-n kube-system get daemonset kube-proxy",
            ".spec.template.spec.containers[0].image",
        );
        for node in ["worker", "worker2"] {
            let mut main = container("echo kept >/data/file; sleep 3600");
            main["image"] = json!(image);
            main["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
            let mut pod = pod(node, &[main]);
            pod["spec"]["affinity"] = json!({ "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [{
                    "matchFields": [{
                        "key": "metadata.name",
                        "operator": "In",
                        "values": [sandbox.node(node)],
                    }],
                }] },
            } });
            pod["spec"]["volumes"] =
                json!([{ "name": "data", "persistentVolumeClaim": { "claimName": node } }]);
            let claim = json!({
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": { "name": node },
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": { "requests": { "storage": "1Mi" } },
                },
            });
            kubectl.apply("stock", &[claim, pod]);
        }
        for node in ["worker", "worker2"] {
            kubectl.wait_for("stock", &format!("pod/{node}"), "condition=Ready");
            assert_eq!(kubectl.exec("stock", node, "cat /data/file"), "kept\n");
        }
    });
    steps.step("nothing is left after delete", || {
        let volumes: Vec<String> = NODES
            .iter()
            .flat_map(|node| inspect(&sandbox.node(node))["Mounts"].as_array().unwrap().clone())
            .filter_map(|mount: Value| mount["Name"].as_str().map(str::to_owned))
            .collect();
        assert!(volumes.len() >= NODES.len(), "{volumes:?}");
        sandbox.delete_wholly();
        let left = docker("volume ls --quiet");
        let left: Vec<&str> =
            left.lines().filter(|name| volumes.iter().any(|volume| volume == name)).collect();
        assert_eq!(left, Vec::<&str>::new());
    });
    steps.finish();
}
