//! Clusters with a node image of kind.

use serde_json::{Value, json};

use harness::{Cluster, Sandbox, Suite, container, docker, inspect, pod, run};

/// The pod network of a substitute for kind's image can be limited to each node, and DNS has to reach the
/// API server. Workers are tainted, so that system pods run on the control plane.
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

pub fn suite() -> Suite<Cluster> {
    let image = std::env::var("KINDRS_E2E_STOCK_IMAGE").ok();
    let ignored = image.is_none();
    Suite::new("stock_image", move || {
        create(image.as_deref().expect("KINDRS_E2E_STOCK_IMAGE has to name a kindest/node image"))
    })
    .ignored_if(ignored)
    .step("pod_network_of_the_image_runs_on_every_node", pod_network)
    .step("pod_with_a_volume_runs_on_every_worker", volumes_on_workers)
    .step("delete_leaves_nothing", delete)
}

fn create(image: &str) -> Cluster {
    let sandbox = Sandbox::new("stock");
    let file = sandbox.home().with_file_name("stock.yaml");
    std::fs::write(&file, TAINTED_WORKERS).unwrap();
    let (name, path) = (&sandbox.name, file.to_str().unwrap());
    let line = ["create", "cluster", "--name", name, "--config", path, "--image", image];
    let created = run(sandbox.command(&line), "");
    eprintln!("{}", created.stderr);
    created.ok();
    let kubectl = sandbox.kubectl();
    Cluster { sandbox, kubectl }
}

fn pod_network(Cluster { kubectl, .. }: &Cluster) {
    kubectl.rolled_out("kube-system", "daemonset/kindnet");
    let pods = kubectl.items("-n kube-system get pods -l app=kindnet");
    assert_eq!(pods.len(), NODES.len());
}

fn volumes_on_workers(Cluster { sandbox, kubectl }: &Cluster) {
    let workers = format!("{} {}", sandbox.node("worker"), sandbox.node("worker2"));
    kubectl.run(&format!("taint nodes {workers} e2e.kindrs.dev/not-yet:NoSchedule-"));
    kubectl.namespace("stock");
    // The image of kube-proxy has a shell; kindrs' busybox is not in kind's node image.
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
}

fn delete(Cluster { sandbox, .. }: &Cluster) {
    let volumes: Vec<String> = NODES
        .iter()
        .flat_map(|node| inspect(&sandbox.node(node))["Mounts"].as_array().unwrap().clone())
        .filter_map(|mount: Value| mount["Name"].as_str().map(str::to_owned))
        .collect();
    assert!(volumes.len() >= NODES.len(), "{volumes:?}");
    sandbox.delete();
    let left = docker("volume ls --quiet");
    let left: Vec<&str> =
        left.lines().filter(|name| volumes.iter().any(|volume| volume == name)).collect();
    assert_eq!(left, Vec::<&str>::new());
}
