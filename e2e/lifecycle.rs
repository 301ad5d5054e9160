//! A cluster from its creation to its deletion, and what every command shows of it.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::{Value, json};

use harness::{
    Cluster, Sandbox, Suite, container, docker, inspect, node_get, pod, remove_images, small_image,
};

const THREE_NODES: &str = include_str!("../configs/three-nodes.yaml");
const LOADED: &str = "e2e-loaded:1";
const ARCHIVED: &str = "e2e-archived:1";
const NODES: [&str; 3] = ["control-plane", "worker", "worker2"];

pub fn suite() -> Suite<Cluster> {
    let create = || {
        let sandbox = Sandbox::new("lifecycle");
        sandbox.assert_gone();
        let kubectl = sandbox.create(THREE_NODES);
        Cluster { sandbox, kubectl }
    };
    Suite::new("lifecycle", create)
        .step("get_shows_the_cluster_and_its_nodes", get)
        .step("kubeconfig_is_private_and_current", kubeconfig)
        .step("export_kubeconfig_writes_a_file", export_kubeconfig)
        .step("api_server_listens_on_loopback_only", loopback_only)
        .step("second_create_changes_nothing", second_create)
        .step("system_pods_are_ready_at_once", system_pods)
        .step("no_pod_of_a_new_cluster_restarts", no_restarts)
        .step("cluster_has_what_kubeadm_creates", kubeadm_objects)
        .step("images_are_loaded", load_images)
        .step("logs_are_exported", export_logs)
        .step("delete_leaves_nothing", |cluster| cluster.sandbox.delete())
        .then("second_delete_does_nothing", |cluster| cluster.sandbox.delete())
        .then("commands_refuse_a_deleted_cluster", deleted)
}

fn get(Cluster { sandbox, .. }: &Cluster) {
    let name = &sandbox.name;
    assert!(sandbox.kindrs("get clusters").ok().lines().any(|line| line == name));
    let clusters: Vec<Value> =
        serde_json::from_str(&sandbox.kindrs("get clusters -o json").ok()).unwrap();
    let cluster = clusters.iter().find(|cluster| cluster["name"] == **name).unwrap();
    let expected = json!({
        "name": name, "nodes": 3, "controlPlanes": 1, "workers": 2, "running": 3,
    });
    assert_eq!(*cluster, expected);

    let names = NODES.map(|node| sandbox.node(node));
    let listed = sandbox.kindrs(&format!("get nodes --name {name}")).ok();
    assert_eq!(listed.lines().collect::<Vec<_>>(), names);
    let nodes: Vec<Value> =
        serde_json::from_str(&sandbox.kindrs(&format!("get nodes --name {name} -o json")).ok())
            .unwrap();
    for (node, name) in nodes.iter().zip(&names) {
        let container = inspect(name);
        let network = &container["NetworkSettings"]["Networks"][format!("kindrs-{}", sandbox.name)];
        assert_eq!(node["name"], **name);
        assert_eq!(node["state"], "running");
        assert_eq!(node["address"], network["IPAddress"]);
    }
}

fn kubeconfig(Cluster { sandbox, kubectl }: &Cluster) {
    let context = format!("kindrs-{}", sandbox.name);
    let mode = std::fs::metadata(sandbox.kubeconfig()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(kubectl.run("config current-context").trim(), context);
    assert_eq!(kubectl.run("auth can-i * * --all-namespaces").trim(), "yes");

    let name = &sandbox.name;
    let yaml = sandbox.kindrs(&format!("get kubeconfig --name {name}")).ok();
    let json = sandbox.kindrs(&format!("get kubeconfig --name {name} -o json")).ok();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["current-context"], *context);
    let server = json["clusters"][0]["cluster"]["server"].as_str().unwrap();
    assert!(server.starts_with("https://127.0.0.1:") && yaml.contains(server), "{yaml}");
    let internal = sandbox.kindrs(&format!("get kubeconfig --name {name} --internal")).ok();
    assert!(internal.contains(":6443") && !internal.contains("127.0.0.1"), "{internal}");
}

fn export_kubeconfig(Cluster { sandbox, kubectl }: &Cluster) {
    let file = sandbox.home().with_file_name("exported");
    let path = file.to_str().unwrap();
    sandbox.kindrs(&format!("export kubeconfig --name {} --kubeconfig {path}", sandbox.name)).ok();
    let nodes = kubectl.run(&format!("--kubeconfig {path} get nodes -o name"));
    assert_eq!(nodes.lines().count(), 3);
}

fn loopback_only(Cluster { sandbox, .. }: &Cluster) {
    let mut bound = Vec::new();
    for node in NODES {
        let container = inspect(&sandbox.node(node));
        let ports = container["NetworkSettings"]["Ports"].as_object().unwrap().clone();
        bound.extend(ports.values().filter_map(Value::as_array).flatten().cloned());
    }
    assert_eq!(bound.len(), 1, "{bound:?}");
    assert_eq!(bound[0]["HostIp"], "127.0.0.1");
    let port = bound[0]["HostPort"].as_str().unwrap();
    let network = inspect(&format!("kindrs-{}", sandbox.name));
    let gateway = network["IPAM"]["Config"][0]["Gateway"].as_str().unwrap().to_owned();
    let reach = |address: &str| {
        let address = format!("{address}:{port}").parse().unwrap();
        TcpStream::connect_timeout(&address, Duration::from_secs(3)).is_ok()
    };
    assert!(reach("127.0.0.1"));
    assert!(!reach(&gateway), "the API answers at {gateway}");
}

fn second_create(Cluster { sandbox, .. }: &Cluster) {
    let before = (sandbox.footprint(), std::fs::read(sandbox.kubeconfig()).unwrap());
    let error = sandbox.try_create(THREE_NODES, "").fails(2);
    assert!(error.contains(&format!("cluster `{}` already exists", sandbox.name)), "{error}");
    assert!(error.contains("hint: ") && error.contains("kindrs delete cluster"), "{error}");
    let after = (sandbox.footprint(), std::fs::read(sandbox.kubeconfig()).unwrap());
    assert_eq!(before, after);
}

/// Does not wait, because `create` returns when they are ready.
fn system_pods(Cluster { kubectl, .. }: &Cluster) {
    let pods = kubectl.items("-n kube-system get pods");
    assert!(pods.len() >= 9, "{} pods", pods.len());
    for pod in pods {
        let conditions = pod["status"]["conditions"].as_array().unwrap();
        let ready = conditions.iter().find(|c| c["type"] == "Ready").unwrap();
        assert_eq!(ready["status"], "True", "{pod:#}");
    }
}

/// The local-path-provisioner exits if it starts before it can reach the API server. The components
/// that elect a leader are not checked: on a busy machine, they exit when they lose their lease.
fn no_restarts(Cluster { kubectl, .. }: &Cluster) {
    kubectl.rolled_out("local-path-storage", "deployment/local-path-provisioner");
    let others = "component!=kube-controller-manager,component!=kube-scheduler";
    let pods = kubectl.items(&format!("get pods --all-namespaces -l {others}"));
    assert!(pods.iter().any(|pod| pod["metadata"]["namespace"] == "local-path-storage"));
    for pod in pods {
        for container in pod["status"]["containerStatuses"].as_array().unwrap() {
            assert_eq!(container["restartCount"], 0, "{pod:#}");
        }
    }
}

fn kubeadm_objects(Cluster { sandbox, kubectl }: &Cluster) {
    let config =
        kubectl.value("-n kube-system get configmap kubeadm-config", ".data.ClusterConfiguration");
    assert!(config.contains("kind: ClusterConfiguration"), "{config}");
    assert!(config.contains(&format!("clusterName: {}", sandbox.name)), "{config}");
    let kubelet = kubectl.value("-n kube-system get configmap kubelet-config", ".data.kubelet");
    assert!(kubelet.contains("kind: KubeletConfiguration"), "{kubelet}");
    let info = kubectl.value("-n kube-public get configmap cluster-info", ".data.kubeconfig");
    assert!(info.contains("certificate-authority-data"), "{info}");
    // A node that joins the cluster reads it without credentials.
    let url = "https://127.0.0.1:6443/api/v1/namespaces/kube-public/configmaps/cluster-info";
    let read = node_get(&sandbox.node("control-plane"), &format!("--insecure {url}"));
    assert!(read.is_ok_and(|text| text.contains("certificate-authority-data")));

    let control_plane = kubectl.json(&format!("get node {}", sandbox.node("control-plane")));
    let role = "node-role.kubernetes.io/control-plane";
    assert_eq!(control_plane["metadata"]["labels"][role], "");
    let taint = json!([{ "key": role, "effect": "NoSchedule" }]);
    assert_eq!(control_plane["spec"]["taints"], taint);
    let worker = kubectl.json(&format!("get node {}", sandbox.node("worker")));
    assert!(worker["metadata"]["labels"][role].is_null() && worker["spec"]["taints"].is_null());
    assert!(worker["spec"]["podCIDR"].is_string());

    for component in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        let name = format!("{component}-{}", sandbox.node("control-plane"));
        let pod = kubectl.json(&format!("-n kube-system get pod {name}"));
        let metadata = &pod["metadata"];
        assert!(metadata["annotations"]["kubernetes.io/config.mirror"].is_string(), "{name}");
        assert_eq!(metadata["labels"]["tier"], "control-plane", "{name}");
    }
    let default = kubectl.value("get storageclass standard", ".metadata.annotations");
    assert!(default.contains("is-default-class\":\"true\""), "{default}");
}

/// Loads images that no node has, with the busybox of the node image.
fn load_images(Cluster { sandbox, kubectl }: &Cluster) {
    kubectl.namespace("load");
    kubectl.apply("load", &[pod("source", &[container("sleep 3600")])]);
    kubectl.wait_for("load", "pod/source", "condition=Ready");
    let mut command = kubectl.command(&["-n", "load", "exec", "source", "--"]);
    let program = command.args(["cat", "/bin/busybox"]).output().unwrap().stdout;

    small_image(sandbox, LOADED, &[("busybox", &program)], r#"["/busybox", "sh", "-c"]"#);
    small_image(sandbox, ARCHIVED, &[("busybox", &program)], r#"["/busybox", "sh", "-c"]"#);
    sandbox.kindrs(&format!("load docker-image {LOADED} --name {}", sandbox.name)).ok();
    let archive = sandbox.home().with_file_name("images.tar");
    let archive = archive.to_str().unwrap();
    docker(&format!("save --output {archive} {ARCHIVED}"));
    sandbox.kindrs(&format!("load image-archive {archive} --name {}", sandbox.name)).ok();
    remove_images(&[LOADED, ARCHIVED]);

    for (name, image) in [("loaded", LOADED), ("archived", ARCHIVED)] {
        for node in NODES {
            let container = json!({
                "name": "main",
                "image": image,
                "imagePullPolicy": "Never",
                "args": [format!("echo I am {name}")],
            });
            let pod_name = format!("{name}-{node}");
            let mut pod = pod(&pod_name, &[container]);
            pod["spec"]["nodeName"] = json!(sandbox.node(node));
            pod["spec"]["restartPolicy"] = json!("Never");
            kubectl.apply("load", &[pod]);
        }
    }
    for name in ["loaded", "archived"] {
        for node in NODES {
            let pod = format!("{name}-{node}");
            kubectl.wait_for("load", &format!("pod/{pod}"), "jsonpath={.status.phase}=Succeeded");
            let log = kubectl.run(&format!("-n load logs {pod}"));
            assert_eq!(log.trim(), format!("I am {name}"));
        }
    }
    let error = sandbox
        .kindrs(&format!("load docker-image e2e-no-such-image:1 --name {}", sandbox.name))
        .fails(2);
    assert!(error.contains("e2e-no-such-image:1"), "{error}");
}

fn export_logs(Cluster { sandbox, .. }: &Cluster) {
    let folder = sandbox.home().with_file_name("logs");
    let path = folder.to_str().unwrap();
    let printed = sandbox.kindrs(&format!("export logs --name {} {path}", sandbox.name)).ok();
    assert_eq!(printed.trim(), path);
    let has = |file: &str, text: &str| {
        let content = std::fs::read_to_string(folder.join(file))
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(content.contains(text), "{file} does not have {text}");
    };
    has("docker-info.txt", "engine version");
    has("kindrs-version.txt", "kindrs");
    has("cluster/nodes.txt", &sandbox.node("worker2"));
    has("cluster/pods.txt", "coredns");
    has("cluster/events.txt", "Scheduled");
    has("cluster/node-descriptions.txt", "Allocatable");
    for node in NODES.map(|node| sandbox.node(node)) {
        has(&format!("{node}/inspect.json"), "dev.kindrs.cluster");
        has(&format!("{node}/kubelet.log"), "kubelet");
        has(&format!("{node}/containerd.log"), "containerd");
        has(&format!("{node}/images.log"), "registry.k8s.io/pause");
        has(&format!("{node}/kubernetes-version.txt"), "v1.");
        assert!(folder.join(&node).join("serial.log").exists());
        let pods = std::fs::read_dir(folder.join(&node).join("pods")).unwrap();
        let names: Vec<_> = pods.map(|pod| pod.unwrap().file_name()).collect();
        assert!(
            names.iter().any(|name| name.to_string_lossy().starts_with("kube-system_kube-proxy")),
            "{names:?}"
        );
    }
}

fn deleted(Cluster { sandbox, .. }: &Cluster) {
    let name = &sandbox.name;
    for line in
        ["get nodes", "get kubeconfig", "export kubeconfig", "export logs", "load docker-image x"]
    {
        let error = sandbox.kindrs(&format!("{line} --name {name}")).fails(2);
        assert!(error.contains(&format!("cluster `{name}` does not exist")), "{line}: {error}");
    }
    let clusters = sandbox.kindrs("get clusters -o json").ok();
    assert!(!clusters.contains(&format!("\"{name}\"")), "{clusters}");
}
