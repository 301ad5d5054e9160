//! Services, DNS and connections between pods, nodes and the host.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::json;

use harness::{
    Cluster, Kubectl, Ran, container, deployment, inspect, node_get, pod, service, try_in_node,
    until, until_holds, web_container,
};

/// Creates a client on each worker: `client-worker` and `client-worker2`.
fn clients(cluster: &Cluster, ns: &str) -> [&'static str; 2] {
    for worker in ["worker", "worker2"] {
        let mut client = pod(&format!("client-{worker}"), &[container("sleep 3600")]);
        client["spec"]["nodeName"] = json!(cluster.sandbox.node(worker));
        cluster.kubectl.apply(ns, &[client]);
    }
    let names = ["client-worker", "client-worker2"];
    for name in names {
        cluster.kubectl.wait_for(ns, &format!("pod/{name}"), "condition=Ready");
    }
    names
}

/// Waits until every server in `wanted` has answered. `ask` runs a script with many requests in a pod or a
/// node.
fn until_all_answer(what: &str, wanted: &BTreeSet<String>, get: &str, ask: impl Fn(&str) -> Ran) {
    let script = format!("for i in $(seq {}); do {get}; done", 8 * wanted.len());
    let mut answered: BTreeSet<String> = BTreeSet::new();
    until(what, || {
        let ran = ask(&script);
        answered.extend(ran.stdout.lines().map(str::to_owned));
        if wanted.is_subset(&answered) { Ok(()) } else { Err((ran.stdout, ran.stderr)) }
    });
}

/// A command that requests `url` in a pod.
fn wget(url: &str) -> String {
    format!("wget -q -T 5 -O - {url}")
}

pub fn services(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "services");
    kubectl.namespace(ns);
    let mut web = deployment("web", 4, &[web_container()]);
    web["spec"]["template"]["spec"]["topologySpreadConstraints"] = json!([{
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "nodeTaintsPolicy": "Honor",
        "labelSelector": { "matchLabels": { "app": "web" } },
    }]);
    let mut by_node = service("web");
    by_node["metadata"]["name"] = json!("by-node");
    by_node["spec"]["type"] = json!("NodePort");
    kubectl.apply(ns, &[web, service("web"), by_node]);
    kubectl.rolled_out(ns, "deployment/web");
    let pods: BTreeSet<String> = kubectl.pods(ns, "app=web").into_iter().collect();
    let nodes = kubectl.value(&format!("-n {ns} get pods -l app=web"), ".items[*].spec.nodeName");
    assert_eq!(nodes.split(' ').collect::<BTreeSet<_>>().len(), 2, "{nodes}");

    let address = kubectl.value(&format!("-n {ns} get service web"), ".spec.clusterIP");
    for client in clients(cluster, ns) {
        for host in ["web", "web.services", "web.services.svc.cluster.local", &address] {
            let what = format!("every pod answers {client} at {host}");
            until_all_answer(&what, &pods, &wget(host), |script| {
                kubectl.try_exec(ns, client, script)
            });
        }
        // Pods on different nodes reach each other without a Service, too.
        for pod in kubectl.items(&format!("-n {ns} get pods -l app=web")) {
            let at = format!("http://{}:8080", pod["status"]["podIP"].as_str().unwrap());
            let name = pod["metadata"]["name"].as_str().unwrap();
            assert_eq!(kubectl.pod_get(ns, client, &at).as_deref(), Ok(name));
        }
    }

    let port = kubectl.value(&format!("-n {ns} get service by-node"), ".spec.ports[0].nodePort");
    let names = ["control-plane", "worker", "worker2"].map(|node| cluster.sandbox.node(node));
    for from in &names {
        for to in &names {
            let get = format!("curl -s -m 5 {}:{port}", node_address(kubectl, to));
            let what = format!("every pod answers {from} at {to}");
            until_all_answer(&what, &pods, &get, |script| try_in_node(from, script));
        }
    }
    refused_without_endpoints(kubectl, ns);
}

/// A Service without pods refuses connections at once, so that clients do not hang.
fn refused_without_endpoints(kubectl: &Kubectl, ns: &str) {
    let mut empty = service("nothing");
    empty["metadata"]["name"] = json!("empty");
    kubectl.apply(ns, &[empty]);
    let refused = kubectl.pod_get(ns, "client-worker", "http://empty");
    assert!(refused.as_ref().is_err_and(|e| e.contains("refused")), "{refused:?}");
}

fn node_address(kubectl: &Kubectl, node: &str) -> String {
    kubectl.value(&format!("get node {node}"), ".status.addresses[?(@.type=='InternalIP')].address")
}

pub fn session_affinity(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "affinity");
    kubectl.namespace(ns);
    let mut sticky = service("web");
    sticky["metadata"]["name"] = json!("sticky");
    sticky["spec"]["sessionAffinity"] = json!("ClientIP");
    kubectl.apply(ns, &[deployment("web", 3, &[web_container()]), service("web"), sticky]);
    kubectl.rolled_out(ns, "deployment/web");
    let pods: BTreeSet<String> = kubectl.pods(ns, "app=web").into_iter().collect();
    for client in clients(cluster, ns) {
        until_all_answer("the free Service leads to all", &pods, &wget("web"), |script| {
            kubectl.try_exec(ns, client, script)
        });
        let ask = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do wget -q -T 5 -O - http://sticky; done";
        let answers = until("the sticky Service answers", || {
            let ran = kubectl.try_exec(ns, client, ask);
            if ran.code == Some(0) { Ok(ran.stdout) } else { Err(ran.stderr) }
        });
        let lines: Vec<&str> = answers.lines().collect();
        assert_eq!(lines.len(), 12);
        assert!(lines.iter().all(|line| *line == lines[0]), "{client}: {answers}");
    }
}

pub fn dns(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "dns");
    kubectl.namespace(ns);
    let mut headless = service("web");
    headless["metadata"]["name"] = json!("headless");
    headless["spec"]["clusterIP"] = json!("None");
    headless["spec"]["ports"] = json!([{ "name": "http", "port": 8080, "targetPort": 8080 }]);
    let alias = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "alias" },
        "spec": { "type": "ExternalName", "externalName": "web.dns.svc.cluster.local" },
    });
    let mut named = pod("named", &[web_container()]);
    named["metadata"]["labels"]["app"] = json!("web");
    named["spec"]["hostname"] = json!("first");
    named["spec"]["subdomain"] = json!("headless");
    kubectl.apply(
        ns,
        &[deployment("web", 2, &[web_container()]), named, service("web"), headless, alias],
    );
    kubectl.rolled_out(ns, "deployment/web");
    kubectl.wait_for(ns, "pod/named", "condition=Ready");
    let client = clients(cluster, ns)[0];
    let look_up = |kind: &str, name: &str| {
        kubectl.try_exec(ns, client, &format!("nslookup -type={kind} {name}")).stdout
    };
    let holds = |kind: &str, name: &str, wanted: &[String]| {
        until_holds(
            &format!("{kind} of {name} is {wanted:?}"),
            || look_up(kind, name),
            |text| wanted.iter().all(|wanted| text.contains(wanted)),
        );
    };

    let address = kubectl.value(&format!("-n {ns} get service web"), ".spec.clusterIP");
    holds("a", "web.dns.svc.cluster.local", std::slice::from_ref(&address));
    let pods = kubectl.value(&format!("-n {ns} get pods -l app=web"), ".items[*].status.podIP");
    let pods: Vec<String> = pods.split(' ').map(str::to_owned).collect();
    assert_eq!(pods.len(), 3);
    holds("a", "headless.dns.svc.cluster.local", &pods);
    let first = kubectl.value(&format!("-n {ns} get pod named"), ".status.podIP");
    holds("a", "first.headless.dns.svc.cluster.local", std::slice::from_ref(&first));
    let record = "8080 first.headless.dns.svc.cluster.local".to_owned();
    holds("srv", "_http._tcp.headless.dns.svc.cluster.local", &[record]);
    holds("cname", "alias.dns.svc.cluster.local", &["web.dns.svc.cluster.local".to_owned()]);
    let reverse: Vec<&str> = address.rsplit('.').collect();
    let reverse = format!("{}.in-addr.arpa", reverse.join("."));
    holds("ptr", &reverse, &["web.dns.svc.cluster.local".to_owned()]);
    let by_address = format!("{}.dns.pod.cluster.local", first.replace('.', "-"));
    holds("a", &by_address, &[first]);
    holds("a", "no-such-name.dns.svc.cluster.local", &["NXDOMAIN".to_owned()]);
    let answer = kubectl.pod_get(ns, client, "http://alias.dns.svc.cluster.local");
    assert!(answer.is_ok(), "{answer:?}");
}

pub fn host_port(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "host-port");
    kubectl.namespace(ns);
    let (worker, other) = (cluster.sandbox.node("worker"), cluster.sandbox.node("worker2"));
    let mut web = web_container();
    web["ports"] = json!([{ "containerPort": 8080, "hostPort": 8088 }]);
    let mut server = pod("server", &[web]);
    server["spec"]["nodeName"] = json!(worker);
    kubectl.apply(ns, &[server]);
    kubectl.wait_for(ns, "pod/server", "condition=Ready");
    let address = node_address(kubectl, &worker);
    for from in [&other, &cluster.sandbox.node("control-plane")] {
        assert_eq!(node_get(from, &format!("http://{address}:8088")).as_deref(), Ok("server"));
    }
    let elsewhere = node_address(kubectl, &other);
    assert!(node_get(&worker, &format!("http://{elsewhere}:8088")).is_err());
    kubectl.run(&format!("-n {ns} delete pod server"));
    until_holds(
        "the port is free again",
        || node_get(&other, &format!("http://{address}:8088")).is_err(),
        |refused| *refused,
    );
}

/// Pods reach addresses outside the cluster with the address of their node, and nodes reach pods.
pub fn beyond_pods(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "beyond");
    kubectl.namespace(ns);
    let network = inspect(&format!("kindrs-{}", cluster.sandbox.name));
    let gateway = network["IPAM"]["Config"][0]["Gateway"].as_str().unwrap();
    let listener = TcpListener::bind((gateway, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let host = std::thread::spawn(move || {
        let mut callers = Vec::new();
        for stream in listener.incoming().take(2) {
            let mut stream = stream.unwrap();
            callers.push(stream.peer_addr().unwrap().ip().to_string());
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nhost").unwrap();
        }
        callers
    });
    for client in clients(cluster, ns) {
        assert_eq!(kubectl.pod_get(ns, client, &url).as_deref(), Ok("host"));
    }
    let workers =
        ["worker", "worker2"].map(|node| node_address(kubectl, &cluster.sandbox.node(node)));
    assert_eq!(host.join().unwrap(), workers);

    kubectl.apply(ns, &[pod("web", &[web_container()])]);
    kubectl.wait_for(ns, "pod/web", "condition=Ready");
    let address = kubectl.value(&format!("-n {ns} get pod web"), ".status.podIP");
    for node in ["control-plane", "worker", "worker2"] {
        let answer = node_get(&cluster.sandbox.node(node), &format!("http://{address}:8080"));
        assert_eq!(answer.as_deref(), Ok("web"), "from {node}");
    }
}

pub fn host_network(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "host-network");
    kubectl.namespace(ns);
    let mut on_host = pod("on-host", &[container("sleep 3600")]);
    on_host["spec"]["hostNetwork"] = json!(true);
    on_host["spec"]["dnsPolicy"] = json!("ClusterFirstWithHostNet");
    kubectl.apply(ns, &[deployment("web", 2, &[web_container()]), service("web"), on_host]);
    kubectl.rolled_out(ns, "deployment/web");
    kubectl.wait_for(ns, "pod/on-host", "condition=Ready");
    let pods: BTreeSet<String> = kubectl.pods(ns, "app=web").into_iter().collect();
    until_all_answer("every pod answers", &pods, &wget("web"), |script| {
        kubectl.try_exec(ns, "on-host", script)
    });
    let pod = kubectl.json(&format!("-n {ns} get pod on-host"));
    assert_eq!(pod["status"]["podIP"], pod["status"]["hostIP"]);
}
