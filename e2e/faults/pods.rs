//! Pods that are deleted, killed, and cut off from what they need.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use harness::faults::{
    NODES, QUICK, active, assert_no_trace, assert_refused, await_event, await_ready, heal,
    heal_all, inject, try_inject,
};
use harness::{
    BUSYBOX, Cluster, Suite, deployment, disruption_budget, docker, idle_pod, in_node, service,
    until, until_holds, web_container,
};

const NAMESPACE: &str = "shop";

pub fn suite() -> Suite<Cluster> {
    Suite::new("faults_pods", create)
        .before_each(|shop| heal_all(&shop.sandbox))
        .after_each(|shop| assert_no_trace(&shop.sandbox, &NODES))
        .step("wrong_input_is_refused", wrong_input)
        .step("deleted_pod_is_replaced", deleted)
        .step("disruption_budget_refuses_an_eviction", evicted)
        .step("killed_container_restarts", killed)
        .step("pod_that_is_not_ready_leaves_its_service", not_ready)
        .step("pod_cannot_resolve_names", no_dns)
        .step("pod_without_an_image_does_not_start", no_image)
        .step("pod_of_a_stopped_node_is_deleted", stopped_node)
}

fn create() -> Cluster {
    let cluster = Cluster::with_namespace("faults-pods", QUICK, NAMESPACE);
    let worker = cluster.sandbox.node("worker");
    let mut app = web_container();
    app["imagePullPolicy"] = json!("IfNotPresent");
    let clients = ["client", "other"].map(|name| idle_pod(name, &worker));
    let web = [deployment("web", 2, &[app]), service("web")];
    cluster.kubectl.start(&[web, clients].concat());
    cluster
}

fn inject_in_shop(shop: &Cluster, line: &str) -> String {
    inject(&shop.sandbox, &format!("{line} --namespace {NAMESPACE}"))
}

/// The pods of the web server that are not being deleted.
fn web(shop: &Cluster) -> Vec<Value> {
    let pods = shop.kubectl.items("get pods -l app=web");
    pods.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect()
}

fn web_names(shop: &Cluster) -> BTreeSet<String> {
    web(shop).iter().map(|pod| text(pod, "/metadata/name")).collect()
}

/// The addresses behind the Service.
fn endpoints(shop: &Cluster) -> BTreeSet<String> {
    let line = "get endpointslices -l kubernetes.io/service-name=web";
    let slices = shop.kubectl.items(line);
    let endpoints = slices.iter().flat_map(|slice| slice["endpoints"].as_array().unwrap());
    endpoints
        .filter(|endpoint| endpoint["conditions"]["ready"] == true)
        .map(|endpoint| text(endpoint, "/addresses/0"))
        .collect()
}

fn text(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn wrong_input(shop: &Cluster) {
    let refusals = [
        ("pod-delete", 2, "no target is specified"),
        ("pod-delete --pod shop/no-such", 2, "pod `no-such` does not exist"),
        ("pod-delete --selector app=no-such", 2, "no pod in namespace `default` matches"),
        ("pod-delete --pod shop/client --for 5s", 2, "cannot have a duration"),
        ("container-kill --pod shop/client --signal STOP", 2, "for ever"),
        ("container-kill --pod shop/client --signal KIL", 2, "did you mean KILL"),
        ("container-kill --pod shop/client --container app", 2, "has no container `app`"),
        ("readiness-failure --pod shop/client", 2, "has no readiness probe"),
        ("dns-failure --selector k8s-app=kube-proxy --namespace kube-system", 2, "node's network"),
    ];
    assert_refused(&shop.sandbox, &refusals);
}

fn deleted(shop: &Cluster) {
    for line in ["pod-delete", "pod-delete --force"] {
        let before = web_names(shop);
        let pod = before.first().unwrap();
        let id = inject_in_shop(shop, &format!("{line} --pod {pod}"));
        await_event(&shop.kubectl, pod, "FaultInjected", &id);
        until_holds(
            "the pod was replaced",
            || web_names(shop),
            |now| now.len() == 2 && !now.contains(pod),
        );
        shop.kubectl.rolled_out("deployment/web");
        assert_no_trace(&shop.sandbox, &NODES);
    }
}

fn evicted(shop: &Cluster) {
    shop.kubectl.apply(&[disruption_budget("web")]);
    until_holds(
        "the budget counts its pods",
        || shop.kubectl.value("get pdb web", ".status.currentHealthy"),
        |healthy| healthy == "2",
    );
    let before = web_names(shop);
    let line = format!("pod-evict --pod {NAMESPACE}/{}", before.first().unwrap());
    let refusal = try_inject(&shop.sandbox, &line).fails(3);
    assert!(refusal.contains("disruption budget"), "{refusal}");
    assert_eq!(web_names(shop), before);
    shop.kubectl.run("delete pdb web");
    inject(&shop.sandbox, &line);
    until_holds("the pod was replaced", || web_names(shop), |now| now.len() == 2 && *now != before);
    shop.kubectl.rolled_out("deployment/web");
}

fn killed(shop: &Cluster) {
    let restarts = || {
        let pod = shop.kubectl.json("get pod client");
        let status = &pod["status"]["containerStatuses"][0];
        let code = status["lastState"]["terminated"]["exitCode"].as_i64();
        (status["restartCount"].as_i64().unwrap(), code, status["ready"] == true)
    };
    let id = inject_in_shop(shop, "container-kill --pod client --signal sigkill --container main");
    until_holds("the container was restarted", restarts, |seen| *seen == (1, Some(137), true));
    await_event(&shop.kubectl, "client", "FaultInjected", &id);
}

fn not_ready(shop: &Cluster) {
    let pods = web(shop);
    let (pod, address) = (text(&pods[0], "/metadata/name"), text(&pods[0], "/status/podIP"));
    until_holds("both pods are endpoints", || endpoints(shop), |endpoints| endpoints.len() == 2);
    let id = inject_in_shop(shop, &format!("readiness-failure --pod {pod}"));
    until_holds(
        "one endpoint is left",
        || endpoints(shop),
        |endpoints| endpoints.len() == 1 && !endpoints.contains(&address),
    );
    let answer = shop.kubectl.pod_get("other", &format!("http://{address}:8080"));
    assert_eq!(answer.as_deref(), Ok(pod.as_str()), "the pod does not serve");
    let list = active(&shop.sandbox);
    assert_eq!(text(&list[0], "/target"), format!("pod/{NAMESPACE}/{pod}"));
    let again = try_inject(&shop.sandbox, &format!("readiness-failure --pod {NAMESPACE}/{pod}"));
    assert!(again.fails(2).contains(&id));
    heal(&shop.sandbox, &id);
    until_holds("both pods are endpoints", || endpoints(shop), |endpoints| endpoints.len() == 2);
    await_event(&shop.kubectl, &pod, "FaultHealed", &id);
    let told = shop.kubectl.run(&format!("describe pod {pod}"));
    assert!(told.contains("fails the readiness probe of container main"), "{told}");
}

fn no_dns(shop: &Cluster) {
    let look_up = |pod: &str| {
        let ran =
            shop.kubectl.try_exec(pod, "timeout 3 nslookup -type=a web.shop.svc.cluster.local");
        if ran.code == Some(0) { Ok(()) } else { Err(ran.stdout + &ran.stderr) }
    };
    for pod in ["client", "other"] {
        until("names are resolved", || look_up(pod));
    }
    for mode in ["drop", "refuse"] {
        let id = inject_in_shop(shop, &format!("dns-failure --pod client --mode {mode}"));
        let failure = look_up("client").unwrap_err();
        assert_eq!(failure.contains("refused"), mode == "refuse", "{failure}");
        assert_eq!(look_up("other"), Ok(()));
        let address = shop.kubectl.value("get service web", ".spec.clusterIP");
        let answer = shop.kubectl.pod_get("client", &format!("http://{address}"));
        assert!(answer.is_ok(), "{answer:?}");
        heal(&shop.sandbox, &id);
        until("names are resolved again", || look_up("client"));
        assert_no_trace(&shop.sandbox, &NODES);
    }
}

fn no_image(shop: &Cluster) {
    // Healing restores the settings of the registry, on a node with some and on nodes without.
    let settings = "/etc/containerd/certs.d/docker.io/hosts.toml";
    let with_settings = shop.sandbox.node("worker2");
    in_node(&with_settings, &format!("mkdir -p $(dirname {settings}); echo '# ours' >{settings}"));
    let state = || {
        NODES.map(|node| {
            let script = "ctr -n k8s.io images ls 2>/dev/null; \
                find /etc/containerd/certs.d -type f -exec cat {} + 2>/dev/null; true";
            in_node(&shop.sandbox.node(node), script)
        })
    };
    let before = state();
    assert!(before.iter().all(|node| node.contains(BUSYBOX)), "{before:?}");
    let names = web_names(shop);
    let pod = names.first().unwrap();
    let id = inject_in_shop(shop, &format!("image-pull-failure --pod {pod}"));
    assert_eq!(active(&shop.sandbox).len(), 3);
    assert_eq!(endpoints(shop).len(), 2, "a running pod was stopped");
    let clash = try_inject(&shop.sandbox, &format!("image-pull-failure --pod {NAMESPACE}/{pod}"));
    assert!(clash.fails(2).contains(&id));
    shop.kubectl.run(&format!("delete pod {pod}"));
    let waiting = || {
        let pods = web(shop);
        let reasons: BTreeSet<String> = pods
            .iter()
            .map(|pod| text(pod, "/status/containerStatuses/0/state/waiting/reason"))
            .collect();
        reasons
    };
    until_holds("the new pod fails to pull its image", waiting, |reasons| {
        reasons.iter().any(|reason| reason == "ErrImagePull" || reason == "ImagePullBackOff")
    });
    assert_eq!(endpoints(shop).len(), 1);
    heal(&shop.sandbox, &id);
    shop.kubectl.rolled_out("deployment/web");
    assert_eq!(state(), before);
    assert_no_trace(&shop.sandbox, &NODES);
    in_node(&with_settings, &format!("rm -r $(dirname {settings})"));
}

fn stopped_node(shop: &Cluster) {
    let node = shop.sandbox.node("worker");
    docker(&format!("stop --time 1 {node}"));
    let refusal = try_inject(&shop.sandbox, &format!("container-kill --pod {NAMESPACE}/client"));
    assert!(refusal.fails(2).contains("not running"));
    inject_in_shop(shop, "pod-delete --force --pod client");
    let gone = shop.kubectl.attempt("get pod client");
    assert!(gone.fails(1).contains("NotFound"));
    docker(&format!("start {node}"));
    await_ready(&shop.kubectl, &node, true);
}
