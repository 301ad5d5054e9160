//! Every field of a configuration takes effect.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use harness::{
    Cluster, Environment, Kubectl, Sandbox, Suite, container, deployment, in_node, inspect, pod,
    service, try_in_node, until, until_holds, web_container,
};

/// A feature gate that every component has, and the API that it enables.
const GATE: &str = "StorageVersionAPI";
const GATED_API: &str = "internal.apiserver.k8s.io/v1alpha1";

fn configuration(api_port: u16, node_port: u16, host_port: u16, folder: &Path) -> String {
    format!(
        r#"
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
featureGates:
  {GATE}: true
runtimeConfig:
  {GATED_API}: "true"
networking:
  podSubnet: 10.50.0.0/16
  serviceSubnet: 10.60.0.0/16
  apiServerPort: {api_port}
kubeadmConfigPatches:
- |
  kind: ClusterConfiguration
  apiServer:
    certSANs: [cluster.example.test]
    extraArgs:
      event-ttl: 2h0m0s
- |
  kind: KubeletConfiguration
  maxPods: 42
containerdConfigPatches:
- |
  [plugins."io.containerd.cri.v1.runtime"]
    max_container_log_line_size = 12345
nodes:
- role: control-plane
  kubeadmConfigPatches:
  - |
    kind: InitConfiguration
    nodeRegistration:
      kubeletExtraArgs:
        node-labels: ingress-ready=true
  extraPortMappings:
  - containerPort: 30080
    hostPort: {node_port}
    listenAddress: 127.0.0.1
- role: worker
  labels:
    colour: blue
  kubeadmConfigPatches:
  - |
    kind: JoinConfiguration
    nodeRegistration:
      kubeletExtraArgs:
        node-labels: tier=back
  extraMounts:
  - hostPath: ./shared
    containerPath: /shared
    readOnly: true
  - hostPath: {folder}/writable
    containerPath: /writable
  extraPortMappings:
  - containerPort: 9090
    hostPort: {host_port}
    protocol: TCP
"#,
        folder = folder.display(),
    )
}

/// Ports that were free a moment ago.
fn free_ports() -> [u16; 3] {
    let listeners = [0; 3].map(|_| TcpListener::bind(("0.0.0.0", 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// The cluster, and what its configuration names on this machine.
pub struct Configured {
    cluster: Cluster,
    folder: PathBuf,
    api_port: u16,
    node_port: u16,
    host_port: u16,
}

impl Environment for Configured {
    fn save_logs(&self, folder: &str) {
        self.cluster.save_logs(folder);
    }
}

fn create() -> Configured {
    let sandbox = Sandbox::new("configured");
    let folder = sandbox.home().parent().unwrap().to_owned();
    for name in ["shared", "writable"] {
        std::fs::create_dir(folder.join(name)).unwrap();
        std::fs::write(folder.join(name).join("file"), name).unwrap();
    }
    let [api_port, node_port, host_port] = free_ports();
    let kubectl = sandbox.create(&configuration(api_port, node_port, host_port, &folder));
    kubectl.namespace("configured");
    Configured { cluster: Cluster { sandbox, kubectl }, folder, api_port, node_port, host_port }
}

pub fn suite() -> Suite<Configured> {
    Suite::new("configuration", create)
        .step("feature_gates_reach_every_component", feature_gates)
        .step("runtime_config_serves_an_api", |on| {
            let versions = on.cluster.kubectl.run("api-versions");
            assert!(versions.lines().any(|line| line == GATED_API));
        })
        .step("kubeadm_patches_apply", kubeadm)
        .step("containerd_patches_apply", |on| {
            let worker = on.cluster.sandbox.node("worker");
            let dump = in_node(&worker, "containerd config dump 2>/dev/null");
            assert!(dump.contains("max_container_log_line_size = 12345"), "{dump}");
        })
        .step("subnets_and_api_server_port_are_used", networking)
        .step("folders_of_the_host_are_mounted", mounts)
        .step("ports_of_the_host_are_forwarded", ports)
}

fn feature_gates(on: &Configured) {
    let Cluster { sandbox, kubectl } = &on.cluster;
    let control_plane = sandbox.node("control-plane");
    for component in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        let pod = format!("-n kube-system get pod {component}-{control_plane}");
        let command = kubectl.value(&pod, ".spec.containers[0].command");
        assert!(command.contains(&format!("--feature-gates={GATE}=true")), "{command}");
    }
    let metrics = kubectl.run("get --raw /metrics");
    let enabled = metrics
        .lines()
        .find(|line| line.starts_with("kubernetes_feature_enabled{") && line.contains(GATE));
    assert!(enabled.is_some_and(|line| line.ends_with(" 1")), "{enabled:?}");
    for node in ["control-plane", "worker"] {
        let kubelet = kubelet_configuration(kubectl, &sandbox.node(node));
        assert_eq!(kubelet["featureGates"][GATE], true, "{node}");
    }
    let proxy = kubectl.value("-n kube-system get configmap kube-proxy", ".data");
    assert!(proxy.contains(GATE), "{proxy}");
}

fn kubelet_configuration(kubectl: &Kubectl, node: &str) -> Value {
    let text = kubectl.run(&format!("get --raw /api/v1/nodes/{node}/proxy/configz"));
    serde_json::from_str::<Value>(&text).unwrap()["kubeletconfig"].take()
}

fn kubeadm(on: &Configured) {
    let Cluster { sandbox, kubectl } = &on.cluster;
    let api = format!("-n kube-system get pod kube-apiserver-{}", sandbox.node("control-plane"));
    let command = kubectl.value(&api, ".spec.containers[0].command");
    assert!(command.contains("--event-ttl=2h0m0s"), "{command}");
    kubectl.run("--tls-server-name cluster.example.test get nodes");
    let other = kubectl.attempt("--tls-server-name other.example.test get nodes").fails(1);
    assert!(other.contains("certificate is valid for"), "{other}");
    let uploaded =
        kubectl.value("-n kube-system get configmap kubeadm-config", ".data.ClusterConfiguration");
    assert!(uploaded.contains("cluster.example.test"), "{uploaded}");
    for node in ["control-plane", "worker"] {
        let line = format!("get node {}", sandbox.node(node));
        assert_eq!(kubectl.value(&line, ".status.allocatable.pods"), "42");
    }
    for (label, node) in [
        ("ingress-ready=true", "control-plane"),
        ("tier=back", "worker"),
        ("colour=blue", "worker"),
    ] {
        let found = kubectl.run(&format!("get nodes -l {label} -o name"));
        assert_eq!(found.trim(), format!("node/{}", sandbox.node(node)), "{label}");
    }
}

fn networking(Configured { cluster: Cluster { sandbox, kubectl }, api_port, .. }: &Configured) {
    let server = kubectl.value("config view --minify", ".clusters[0].cluster.server");
    assert_eq!(server, format!("https://127.0.0.1:{api_port}"));
    let dns = kubectl.value("-n kube-system get service kube-dns", ".spec.clusterIP");
    assert_eq!(dns, "10.60.0.10");
    let pods =
        kubectl.value("-n kube-system get pods -l k8s-app=kube-dns", ".items[*].status.podIP");
    assert!(pods.split(' ').all(|address| address.starts_with("10.50.")), "{pods}");
    let cidrs = kubectl.value("get nodes", ".items[*].spec.podCIDR");
    let cidrs: BTreeSet<&str> = cidrs.split(' ').collect();
    assert!(cidrs.len() == 2 && cidrs.iter().all(|cidr| cidr.starts_with("10.50.")), "{cidrs:?}");
    kubectl.apply("configured", &[pod("client", &[container("sleep 3600")])]);
    kubectl.wait_for("configured", "pod/client", "condition=Ready");
    let answer =
        kubectl.exec("configured", "client", "nslookup kubernetes.default.svc.cluster.local");
    assert!(answer.contains("10.60.0.1"), "{answer}");
    assert_eq!(inspect(&sandbox.node("worker"))["HostConfig"]["Privileged"], false);
}

fn mounts(Configured { cluster: Cluster { sandbox, kubectl }, folder, .. }: &Configured) {
    let node = sandbox.node("worker");
    assert_eq!(in_node(&node, "cat /shared/file /writable/file"), "sharedwritable");
    let refused = try_in_node(&node, "echo x >/shared/new");
    assert!(refused.code != Some(0), "{refused}");
    let mut main = container("cat /shared/file >/writable/from-pod; sleep 3600");
    main["volumeMounts"] = json!([
        { "name": "shared", "mountPath": "/shared" },
        { "name": "writable", "mountPath": "/writable" },
    ]);
    let mut user = pod("mounts", &[main]);
    user["spec"]["nodeName"] = json!(node);
    user["spec"]["volumes"] = json!([
        { "name": "shared", "hostPath": { "path": "/shared" } },
        { "name": "writable", "hostPath": { "path": "/writable" } },
    ]);
    kubectl.apply("configured", &[user]);
    kubectl.wait_for("configured", "pod/mounts", "condition=Ready");
    until_holds(
        "the pod's file is on the host",
        || std::fs::read_to_string(folder.join("writable/from-pod")).unwrap_or_default(),
        |text| text == "shared",
    );
}

/// The response to an HTTP request at a port of this machine.
fn get(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn ports(on: &Configured) {
    let Cluster { sandbox, kubectl } = &on.cluster;
    let mut by_node = service("web");
    by_node["spec"]["type"] = json!("NodePort");
    by_node["spec"]["ports"][0]["nodePort"] = json!(30080);
    let mut web = web_container();
    web["ports"] = json!([{ "containerPort": 8080, "hostPort": 9090 }]);
    let mut hosted = pod("hosted", &[web]);
    hosted["spec"]["nodeName"] = json!(sandbox.node("worker"));
    kubectl.apply("configured", &[deployment("web", 1, &[web_container()]), by_node, hosted]);
    kubectl.rolled_out("configured", "deployment/web");
    kubectl.wait_for("configured", "pod/hosted", "condition=Ready");
    for (port, server) in [(on.node_port, "web-"), (on.host_port, "hosted")] {
        until(&format!("{server} answers at port {port} of the host"), || match get(port) {
            Ok(answer) if answer.contains(server) => Ok(()),
            other => Err(other),
        });
    }
}
