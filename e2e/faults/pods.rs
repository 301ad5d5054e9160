//! Pods that are taken away, killed, and cut off from what they need.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{QUICK, active, assert_no_trace, events, heal, inject, try_inject};
use crate::harness::{
    BUSYBOX, Kubectl, Sandbox, Steps, container, deployment, docker, in_node, pod, service, until,
    until_holds, web_container,
};

const NAMESPACE: &str = "shop";
const NODES: [&str; 3] = ["control-plane", "worker", "worker2"];

struct Shared {
    sandbox: Sandbox,
    kubectl: Kubectl,
}

#[test]
fn pods() {
    let sandbox = Sandbox::new("faults-pods");
    let kubectl = sandbox.create(QUICK);
    kubectl.namespace(NAMESPACE);
    let mut app = web_container();
    app["imagePullPolicy"] = json!("IfNotPresent");
    kubectl.apply(NAMESPACE, &[deployment("web", 2, &[app]), service("web")]);
    for name in ["client", "other"] {
        let mut client = pod(name, &[container("sleep 3600")]);
        client["spec"]["nodeName"] = json!(sandbox.node("worker"));
        kubectl.apply(NAMESPACE, &[client]);
    }
    kubectl.rolled_out(NAMESPACE, "deployment/web");
    for name in ["client", "other"] {
        kubectl.wait_for(NAMESPACE, &format!("pod/{name}"), "condition=Ready");
    }
    let shared = Shared { sandbox, kubectl };
    let steps = Steps::default();
    steps.step("wrong input is told, and nothing is injected", || wrong_input(&shared));
    steps.step("a deleted pod is replaced", || deleted(&shared));
    steps.step("a disruption budget refuses an eviction", || evicted(&shared));
    steps.step("a killed container starts again", || killed(&shared));
    steps.step("a pod that is not ready leaves its Service", || not_ready(&shared));
    steps.step("a pod cannot look names up", || no_dns(&shared));
    steps.step("an image that is gone keeps new pods from starting", || no_image(&shared));
    steps.step("a pod of a dead node is deleted", || dead_node(&shared));
    steps.finish();
}

impl Shared {
    fn inject(&self, line: &str) -> String {
        inject(&self.sandbox, &format!("{line} --namespace {NAMESPACE}"))
    }

    fn heal(&self, id: &str) {
        heal(&self.sandbox, id);
    }

    fn no_trace(&self) {
        assert_no_trace(&self.sandbox, &NODES);
    }

    /// The web server's pods that are to stay.
    fn web(&self) -> Vec<Value> {
        let pods = self.kubectl.items(&format!("-n {NAMESPACE} get pods -l app=web"));
        pods.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect()
    }

    fn web_names(&self) -> BTreeSet<String> {
        self.web().iter().map(|pod| text(pod, "/metadata/name")).collect()
    }

    /// The addresses behind the Service.
    fn endpoints(&self) -> BTreeSet<String> {
        let line = format!("-n {NAMESPACE} get endpointslices -l kubernetes.io/service-name=web");
        let slices = self.kubectl.items(&line);
        let endpoints = slices.iter().flat_map(|slice| slice["endpoints"].as_array().unwrap());
        endpoints
            .filter(|endpoint| endpoint["conditions"]["ready"] == true)
            .map(|endpoint| text(endpoint, "/addresses/0"))
            .collect()
    }

    /// Checks that the pod's Events tell of a fault.
    fn told(&self, pod: &str, reason: &str, id: &str) {
        until(&format!("{reason} is told of {pod}"), || {
            let told = events(&self.kubectl, NAMESPACE, pod, reason);
            if told.iter().any(|message| message.contains(id)) { Ok(()) } else { Err(told) }
        });
    }
}

fn text(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn wrong_input(shared: &Shared) {
    for (line, code, said) in [
        ("pod-delete", 2, "no target is specified"),
        ("pod-delete --pod shop/no-such", 2, "pod `no-such` does not exist"),
        ("pod-delete --selector app=no-such", 2, "no pod in namespace `default` matches"),
        ("pod-delete --pod shop/client --for 5s", 2, "cannot have a duration"),
        ("container-kill --pod shop/client --signal STOP", 2, "for ever"),
        ("container-kill --pod shop/client --signal KIL", 2, "did you mean KILL"),
        ("container-kill --pod shop/client --container app", 2, "has no container `app`"),
        ("readiness-failure --pod shop/client", 2, "has no readiness probe"),
        ("dns-failure --selector k8s-app=kube-proxy --namespace kube-system", 2, "node's network"),
    ] {
        let text = try_inject(&shared.sandbox, line).fails(code);
        assert!(text.contains(said), "{line}: {text}");
    }
    shared.no_trace();
}

fn deleted(shared: &Shared) {
    for line in ["pod-delete", "pod-delete --force"] {
        let before = shared.web_names();
        let pod = before.first().unwrap();
        let id = shared.inject(&format!("{line} --pod {pod}"));
        shared.told(pod, "FaultInjected", &id);
        until_holds(
            "another is there",
            || shared.web_names(),
            |now| now.len() == 2 && !now.contains(pod),
        );
        shared.kubectl.rolled_out(NAMESPACE, "deployment/web");
        shared.no_trace();
    }
}

fn evicted(shared: &Shared) {
    let budget = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "name": "web" },
        "spec": { "minAvailable": 2, "selector": { "matchLabels": { "app": "web" } } },
    });
    shared.kubectl.apply(NAMESPACE, &[budget]);
    until_holds(
        "the budget knows its pods",
        || shared.kubectl.value(&format!("-n {NAMESPACE} get pdb web"), ".status.currentHealthy"),
        |healthy| healthy == "2",
    );
    let before = shared.web_names();
    let line = format!("pod-evict --pod {NAMESPACE}/{}", before.first().unwrap());
    let refusal = try_inject(&shared.sandbox, &line).fails(3);
    assert!(refusal.contains("disruption budget"), "{refusal}");
    assert_eq!(shared.web_names(), before);
    shared.kubectl.run(&format!("-n {NAMESPACE} delete pdb web"));
    inject(&shared.sandbox, &line);
    until_holds("another is there", || shared.web_names(), |now| now.len() == 2 && *now != before);
    shared.kubectl.rolled_out(NAMESPACE, "deployment/web");
    shared.no_trace();
}

fn killed(shared: &Shared) {
    let restarts = || {
        let pod = shared.kubectl.json(&format!("-n {NAMESPACE} get pod client"));
        let status = &pod["status"]["containerStatuses"][0];
        let code = status["lastState"]["terminated"]["exitCode"].as_i64();
        (status["restartCount"].as_i64().unwrap(), code, status["ready"] == true)
    };
    let id = shared.inject("container-kill --pod client --signal sigkill --container main");
    until_holds("it was restarted", restarts, |seen| *seen == (1, Some(137), true));
    shared.told("client", "FaultInjected", &id);
    shared.no_trace();
}

fn not_ready(shared: &Shared) {
    let pods = shared.web();
    let (pod, address) = (text(&pods[0], "/metadata/name"), text(&pods[0], "/status/podIP"));
    until_holds("both answer", || shared.endpoints(), |endpoints| endpoints.len() == 2);
    let id = shared.inject(&format!("readiness-failure --pod {pod}"));
    until_holds(
        "one has left",
        || shared.endpoints(),
        |endpoints| endpoints.len() == 1 && !endpoints.contains(&address),
    );
    let answer = shared.kubectl.pod_get(NAMESPACE, "other", &format!("http://{address}:8080"));
    assert_eq!(answer.as_deref(), Ok(pod.as_str()), "it serves no more");
    let list = active(&shared.sandbox);
    assert_eq!(text(&list[0], "/target"), format!("pod/{NAMESPACE}/{pod}"));
    let again = try_inject(&shared.sandbox, &format!("readiness-failure --pod {NAMESPACE}/{pod}"));
    assert!(again.fails(2).contains(&id));
    shared.heal(&id);
    until_holds("both answer", || shared.endpoints(), |endpoints| endpoints.len() == 2);
    shared.told(&pod, "FaultHealed", &id);
    let told = shared.kubectl.run(&format!("-n {NAMESPACE} describe pod {pod}"));
    assert!(told.contains("fails the readiness probe of container main"), "{told}");
    shared.no_trace();
}

fn no_dns(shared: &Shared) {
    let look_up = |pod: &str| {
        let ran = shared.kubectl.try_exec(
            NAMESPACE,
            pod,
            "timeout 3 nslookup -type=a web.shop.svc.cluster.local",
        );
        if ran.code == Some(0) { Ok(()) } else { Err(ran.stdout + &ran.stderr) }
    };
    for pod in ["client", "other"] {
        until("names are found", || look_up(pod));
    }
    for mode in ["drop", "refuse"] {
        let id = shared.inject(&format!("dns-failure --pod client --mode {mode}"));
        let failure = look_up("client").unwrap_err();
        assert_eq!(failure.contains("refused"), mode == "refuse", "{failure}");
        assert_eq!(look_up("other"), Ok(()));
        let address =
            shared.kubectl.value(&format!("-n {NAMESPACE} get service web"), ".spec.clusterIP");
        let answer = shared.kubectl.pod_get(NAMESPACE, "client", &format!("http://{address}"));
        assert!(answer.is_ok(), "{answer:?}");
        shared.heal(&id);
        until("names are found again", || look_up("client"));
        shared.no_trace();
    }
}

fn no_image(shared: &Shared) {
    // What is there of the registry's settings, and where nothing is, comes back as it was.
    let settings = "/etc/containerd/certs.d/docker.io/hosts.toml";
    let with_settings = shared.sandbox.node("worker2");
    in_node(&with_settings, &format!("mkdir -p $(dirname {settings}); echo '# ours' >{settings}"));
    let state = || {
        NODES.map(|node| {
            let script = "ctr -n k8s.io images ls 2>/dev/null; \
                find /etc/containerd/certs.d -type f -exec cat {} + 2>/dev/null; true";
            in_node(&shared.sandbox.node(node), script)
        })
    };
    let before = state();
    assert!(before.iter().all(|node| node.contains(BUSYBOX)), "{before:?}");
    let names = shared.web_names();
    let pod = names.first().unwrap();
    let id = shared.inject(&format!("image-pull-failure --pod {pod}"));
    assert_eq!(active(&shared.sandbox).len(), 3);
    assert_eq!(shared.endpoints().len(), 2, "what runs is to stay");
    let clash = try_inject(&shared.sandbox, &format!("image-pull-failure --pod {NAMESPACE}/{pod}"));
    assert!(clash.fails(2).contains(&id));
    shared.kubectl.run(&format!("-n {NAMESPACE} delete pod {pod}"));
    let waiting = || {
        let pods = shared.web();
        let reasons: BTreeSet<String> = pods
            .iter()
            .map(|pod| text(pod, "/status/containerStatuses/0/state/waiting/reason"))
            .collect();
        reasons
    };
    until_holds("the new pod has no image", waiting, |reasons| {
        reasons.iter().any(|reason| reason == "ErrImagePull" || reason == "ImagePullBackOff")
    });
    assert_eq!(shared.endpoints().len(), 1);
    shared.heal(&id);
    shared.kubectl.rolled_out(NAMESPACE, "deployment/web");
    assert_eq!(state(), before);
    shared.no_trace();
    in_node(&with_settings, &format!("rm -r $(dirname {settings})"));
}

fn dead_node(shared: &Shared) {
    let node = shared.sandbox.node("worker");
    docker(&format!("stop --time 1 {node}"));
    let refusal = try_inject(&shared.sandbox, &format!("container-kill --pod {NAMESPACE}/client"));
    assert!(refusal.fails(2).contains("not running"));
    shared.inject("pod-delete --force --pod client");
    let gone = shared.kubectl.attempt(&format!("-n {NAMESPACE} get pod client"));
    assert!(gone.fails(1).contains("NotFound"));
    docker(&format!("start {node}"));
    super::await_ready(&shared.kubectl, &node, true);
    shared.no_trace();
}
