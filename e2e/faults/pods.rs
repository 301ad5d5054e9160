//! Pods that are deleted, killed, and cut off from what they need.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use harness::faults::{
    QUICK, active, assert_no_trace, await_ready, events, heal, heal_all, inject, try_inject,
};
use harness::{
    BUSYBOX, Cluster, Environment, Suite, container, deployment, docker, in_node, pod, service,
    until, until_holds, web_container,
};

const NAMESPACE: &str = "shop";
const NODES: [&str; 3] = ["control-plane", "worker", "worker2"];

pub struct Shop(Cluster);

impl Environment for Shop {
    fn save_logs(&self, folder: &str) {
        self.0.save_logs(folder);
    }
}

pub fn suite() -> Suite<Shop> {
    Suite::new("faults_pods", create)
        .before_each(|shop| heal_all(&shop.0.sandbox))
        .step("wrong_input_is_refused", wrong_input)
        .step("deleted_pod_is_replaced", deleted)
        .step("disruption_budget_refuses_an_eviction", evicted)
        .step("killed_container_restarts", killed)
        .step("pod_that_is_not_ready_leaves_its_service", not_ready)
        .step("pod_cannot_resolve_names", no_dns)
        .step("pod_without_an_image_does_not_start", no_image)
        .step("pod_of_a_stopped_node_is_deleted", stopped_node)
}

fn create() -> Shop {
    let cluster = Cluster::create("faults-pods", QUICK);
    let Cluster { sandbox, kubectl } = &cluster;
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
    Shop(cluster)
}

impl Shop {
    fn inject(&self, line: &str) -> String {
        inject(&self.0.sandbox, &format!("{line} --namespace {NAMESPACE}"))
    }

    fn heal(&self, id: &str) {
        heal(&self.0.sandbox, id);
    }

    fn no_trace(&self) {
        assert_no_trace(&self.0.sandbox, &NODES);
    }

    /// The pods of the web server that are not being deleted.
    fn web(&self) -> Vec<Value> {
        let pods = self.0.kubectl.items(&format!("-n {NAMESPACE} get pods -l app=web"));
        pods.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect()
    }

    fn web_names(&self) -> BTreeSet<String> {
        self.web().iter().map(|pod| text(pod, "/metadata/name")).collect()
    }

    /// The addresses behind the Service.
    fn endpoints(&self) -> BTreeSet<String> {
        let line = format!("-n {NAMESPACE} get endpointslices -l kubernetes.io/service-name=web");
        let slices = self.0.kubectl.items(&line);
        let endpoints = slices.iter().flat_map(|slice| slice["endpoints"].as_array().unwrap());
        endpoints
            .filter(|endpoint| endpoint["conditions"]["ready"] == true)
            .map(|endpoint| text(endpoint, "/addresses/0"))
            .collect()
    }

    /// Waits for an Event about a pod that names a fault.
    fn told(&self, pod: &str, reason: &str, id: &str) {
        until(&format!("there is an Event {reason} about {pod}"), || {
            let told = events(&self.0.kubectl, NAMESPACE, pod, reason);
            if told.iter().any(|message| message.contains(id)) { Ok(()) } else { Err(told) }
        });
    }
}

fn text(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn wrong_input(shop: &Shop) {
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
        let text = try_inject(&shop.0.sandbox, line).fails(code);
        assert!(text.contains(said), "{line}: {text}");
    }
    shop.no_trace();
}

fn deleted(shop: &Shop) {
    for line in ["pod-delete", "pod-delete --force"] {
        let before = shop.web_names();
        let pod = before.first().unwrap();
        let id = shop.inject(&format!("{line} --pod {pod}"));
        shop.told(pod, "FaultInjected", &id);
        until_holds(
            "the pod was replaced",
            || shop.web_names(),
            |now| now.len() == 2 && !now.contains(pod),
        );
        shop.0.kubectl.rolled_out(NAMESPACE, "deployment/web");
        shop.no_trace();
    }
}

fn evicted(shop: &Shop) {
    let budget = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "name": "web" },
        "spec": { "minAvailable": 2, "selector": { "matchLabels": { "app": "web" } } },
    });
    shop.0.kubectl.apply(NAMESPACE, &[budget]);
    until_holds(
        "the budget counts its pods",
        || shop.0.kubectl.value(&format!("-n {NAMESPACE} get pdb web"), ".status.currentHealthy"),
        |healthy| healthy == "2",
    );
    let before = shop.web_names();
    let line = format!("pod-evict --pod {NAMESPACE}/{}", before.first().unwrap());
    let refusal = try_inject(&shop.0.sandbox, &line).fails(3);
    assert!(refusal.contains("disruption budget"), "{refusal}");
    assert_eq!(shop.web_names(), before);
    shop.0.kubectl.run(&format!("-n {NAMESPACE} delete pdb web"));
    inject(&shop.0.sandbox, &line);
    until_holds(
        "the pod was replaced",
        || shop.web_names(),
        |now| now.len() == 2 && *now != before,
    );
    shop.0.kubectl.rolled_out(NAMESPACE, "deployment/web");
    shop.no_trace();
}

fn killed(shop: &Shop) {
    let restarts = || {
        let pod = shop.0.kubectl.json(&format!("-n {NAMESPACE} get pod client"));
        let status = &pod["status"]["containerStatuses"][0];
        let code = status["lastState"]["terminated"]["exitCode"].as_i64();
        (status["restartCount"].as_i64().unwrap(), code, status["ready"] == true)
    };
    let id = shop.inject("container-kill --pod client --signal sigkill --container main");
    until_holds("the container was restarted", restarts, |seen| *seen == (1, Some(137), true));
    shop.told("client", "FaultInjected", &id);
    shop.no_trace();
}

fn not_ready(shop: &Shop) {
    let pods = shop.web();
    let (pod, address) = (text(&pods[0], "/metadata/name"), text(&pods[0], "/status/podIP"));
    until_holds("both pods are endpoints", || shop.endpoints(), |endpoints| endpoints.len() == 2);
    let id = shop.inject(&format!("readiness-failure --pod {pod}"));
    until_holds(
        "one endpoint is left",
        || shop.endpoints(),
        |endpoints| endpoints.len() == 1 && !endpoints.contains(&address),
    );
    let answer = shop.0.kubectl.pod_get(NAMESPACE, "other", &format!("http://{address}:8080"));
    assert_eq!(answer.as_deref(), Ok(pod.as_str()), "the pod does not serve");
    let list = active(&shop.0.sandbox);
    assert_eq!(text(&list[0], "/target"), format!("pod/{NAMESPACE}/{pod}"));
    let again = try_inject(&shop.0.sandbox, &format!("readiness-failure --pod {NAMESPACE}/{pod}"));
    assert!(again.fails(2).contains(&id));
    shop.heal(&id);
    until_holds("both pods are endpoints", || shop.endpoints(), |endpoints| endpoints.len() == 2);
    shop.told(&pod, "FaultHealed", &id);
    let told = shop.0.kubectl.run(&format!("-n {NAMESPACE} describe pod {pod}"));
    assert!(told.contains("fails the readiness probe of container main"), "{told}");
    shop.no_trace();
}

fn no_dns(shop: &Shop) {
    let look_up = |pod: &str| {
        let ran = shop.0.kubectl.try_exec(
            NAMESPACE,
            pod,
            "timeout 3 nslookup -type=a web.shop.svc.cluster.local",
        );
        if ran.code == Some(0) { Ok(()) } else { Err(ran.stdout + &ran.stderr) }
    };
    for pod in ["client", "other"] {
        until("names are resolved", || look_up(pod));
    }
    for mode in ["drop", "refuse"] {
        let id = shop.inject(&format!("dns-failure --pod client --mode {mode}"));
        let failure = look_up("client").unwrap_err();
        assert_eq!(failure.contains("refused"), mode == "refuse", "{failure}");
        assert_eq!(look_up("other"), Ok(()));
        let address =
            shop.0.kubectl.value(&format!("-n {NAMESPACE} get service web"), ".spec.clusterIP");
        let answer = shop.0.kubectl.pod_get(NAMESPACE, "client", &format!("http://{address}"));
        assert!(answer.is_ok(), "{answer:?}");
        shop.heal(&id);
        until("names are resolved again", || look_up("client"));
        shop.no_trace();
    }
}

fn no_image(shop: &Shop) {
    // Healing restores the settings of the registry, on a node with some and on nodes without.
    let settings = "/etc/containerd/certs.d/docker.io/hosts.toml";
    let with_settings = shop.0.sandbox.node("worker2");
    in_node(&with_settings, &format!("mkdir -p $(dirname {settings}); echo '# ours' >{settings}"));
    let state = || {
        NODES.map(|node| {
            let script = "ctr -n k8s.io images ls 2>/dev/null; \
                find /etc/containerd/certs.d -type f -exec cat {} + 2>/dev/null; true";
            in_node(&shop.0.sandbox.node(node), script)
        })
    };
    let before = state();
    assert!(before.iter().all(|node| node.contains(BUSYBOX)), "{before:?}");
    let names = shop.web_names();
    let pod = names.first().unwrap();
    let id = shop.inject(&format!("image-pull-failure --pod {pod}"));
    assert_eq!(active(&shop.0.sandbox).len(), 3);
    assert_eq!(shop.endpoints().len(), 2, "a running pod was stopped");
    let clash = try_inject(&shop.0.sandbox, &format!("image-pull-failure --pod {NAMESPACE}/{pod}"));
    assert!(clash.fails(2).contains(&id));
    shop.0.kubectl.run(&format!("-n {NAMESPACE} delete pod {pod}"));
    let waiting = || {
        let pods = shop.web();
        let reasons: BTreeSet<String> = pods
            .iter()
            .map(|pod| text(pod, "/status/containerStatuses/0/state/waiting/reason"))
            .collect();
        reasons
    };
    until_holds("the new pod fails to pull its image", waiting, |reasons| {
        reasons.iter().any(|reason| reason == "ErrImagePull" || reason == "ImagePullBackOff")
    });
    assert_eq!(shop.endpoints().len(), 1);
    shop.heal(&id);
    shop.0.kubectl.rolled_out(NAMESPACE, "deployment/web");
    assert_eq!(state(), before);
    shop.no_trace();
    in_node(&with_settings, &format!("rm -r $(dirname {settings})"));
}

fn stopped_node(shop: &Shop) {
    let node = shop.0.sandbox.node("worker");
    docker(&format!("stop --time 1 {node}"));
    let refusal = try_inject(&shop.0.sandbox, &format!("container-kill --pod {NAMESPACE}/client"));
    assert!(refusal.fails(2).contains("not running"));
    shop.inject("pod-delete --force --pod client");
    let gone = shop.0.kubectl.attempt(&format!("-n {NAMESPACE} get pod client"));
    assert!(gone.fails(1).contains("NotFound"));
    docker(&format!("start {node}"));
    await_ready(&shop.0.kubectl, &node, true);
    shop.no_trace();
}
