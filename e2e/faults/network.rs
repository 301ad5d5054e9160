//! Networks that are partitioned, lossy, slow and limited.

use std::net::TcpListener;

use serde_json::{Value, json};

use harness::faults::{
    QUICK, active, assert_no_trace, await_ready, condition, events, heal, heal_all, inject,
    try_inject,
};
use harness::{
    Cluster, Environment, Suite, container, in_node, inspect, node_get, pod, try_in_node, until,
    until_holds,
};

const NAMESPACE: &str = "network-faults";
const NODES: [&str; 3] = ["control-plane", "worker", "worker2"];
/// Two pods on the first worker and one on the second.
const PODS: [(&str, &str); 3] = [("one", "worker"), ("near", "worker"), ("far", "worker2")];

pub struct Nodes(Cluster);

impl Environment for Nodes {
    fn save_logs(&self, folder: &str) {
        self.0.save_logs(folder);
    }
}

pub fn suite() -> Suite<Nodes> {
    Suite::new("faults_network", create)
        .before_each(|on| heal_all(&on.0.sandbox))
        .step("wrong_input_is_refused", wrong_input)
        .step("worker_without_its_control_plane_runs_on", from_control_plane)
        .step("two_workers_do_not_reach_each_other", between_workers)
        .step("packets_go_one_way_only", one_way)
        .step("isolated_node_returns_after_its_duration", from_everything)
        .step("halves_do_not_reach_each_other", halves)
        .step("packets_are_lost", loss)
        .step("packets_are_delayed_duplicated_and_corrupted", netem)
        .step("bandwidth_is_limited", bandwidth)
}

fn create() -> Nodes {
    let cluster = Cluster::create("faults-network", QUICK);
    let Cluster { sandbox, kubectl } = &cluster;
    kubectl.namespace(NAMESPACE);
    for (name, worker) in PODS {
        // Serves its name and a file of a megabyte.
        let mut web = container(
            "mkdir -p /tmp/www; hostname >/tmp/www/index.html; \
             dd if=/dev/zero of=/tmp/www/big bs=1024 count=1024; exec httpd -f -p 8080 -h /tmp/www",
        );
        web["readinessProbe"] = json!({ "httpGet": { "port": 8080 }, "periodSeconds": 1 });
        let mut web = pod(name, &[web]);
        web["spec"]["nodeName"] = json!(sandbox.node(worker));
        web["spec"]["tolerations"] = json!([{ "operator": "Exists" }]);
        kubectl.apply(NAMESPACE, &[web]);
    }
    for (name, _) in PODS {
        kubectl.wait_for(NAMESPACE, &format!("pod/{name}"), "condition=Ready");
    }
    Nodes(cluster)
}

impl Nodes {
    fn node(&self, node: &str) -> String {
        self.0.sandbox.node(node)
    }

    fn address(&self, pod: &str) -> String {
        self.0.kubectl.value(&format!("-n {NAMESPACE} get pod {pod}"), ".status.podIP")
    }

    fn node_address(&self, node: &str) -> String {
        let line = format!("get node {}", self.node(node));
        self.0.kubectl.value(&line, ".status.addresses[?(@.type=='InternalIP')].address")
    }

    /// The response of one pod to another.
    fn ask(&self, from: &str, to: &str) -> Result<String, String> {
        let url = format!("http://{}:8080", self.address(to));
        self.0.kubectl.pod_get(NAMESPACE, from, &url)
    }

    /// The response of a pod to a node.
    fn ask_from_node(&self, node: &str, to: &str) -> Result<String, String> {
        node_get(&self.node(node), &format!("http://{}:8080", self.address(to)))
    }

    fn no_trace(&self) {
        assert_no_trace(&self.0.sandbox, &NODES);
    }

    /// The number of UDP packets that arrive when one node sends 200 to another.
    fn arrived(&self, from: &str, to: &str) -> usize {
        let (sender, receiver) = (self.node(from), self.node(to));
        in_node(
            &receiver,
            "rm -f /tmp/received; systemd-run --quiet --collect --unit=e2e-receiver \
             socat -u UDP-RECV:9000 OPEN:/tmp/received,creat,append",
        );
        until_holds(
            "the receiver listens",
            || in_node(&receiver, "cat /proc/net/udp"),
            |sockets| sockets.contains(":2328 "),
        );
        let address = self.node_address(to);
        let send =
            format!("for i in {{1..200}}; do echo x >/dev/udp/{address}/9000; done; sleep 1");
        in_node(&sender, &format!("bash -c '{send}'"));
        let received =
            in_node(&receiver, "cat /tmp/received 2>/dev/null | wc -l; rm -f /tmp/received");
        in_node(&receiver, "systemctl stop e2e-receiver");
        received.trim().parse().unwrap()
    }
}

fn wrong_input(on: &Nodes) {
    for (line, code, said) in [
        ("network-partition --node worker --peer worker3", 2, "has no node `worker3`"),
        ("network-partition --node worker --peer worker", 2, "no peer but itself"),
        ("network-partition --shape ring", 2, "at least 4 nodes"),
        ("network-partition --shape isolate", 2, "every node"),
        ("network-partition --node control-plane", 2, "only control plane"),
        ("network-partition --node control-plane --peer-role worker", 2, "only control plane"),
        ("network-loss --node worker --probability 101%", 2, "at most 100%"),
        ("network-delay --node worker --delay 5", 2, "no unit"),
        ("network-bandwidth --node worker --rate 1mb", 2, "512kbit"),
    ] {
        let text = try_inject(&on.0.sandbox, line).fails(code);
        assert!(text.contains(said), "{line}: {text}");
    }
    on.no_trace();
}

fn from_control_plane(on: &Nodes) {
    let node = on.node("worker2");
    let id = inject(&on.0.sandbox, "network-partition --node worker2 --peer-role control-plane");
    await_ready(&on.0.kubectl, &node, false);
    assert_eq!(on.ask("one", "far").as_deref(), Ok("far"));
    assert!(on.ask_from_node("control-plane", "far").is_err());
    heal(&on.0.sandbox, &id);
    await_ready(&on.0.kubectl, &node, true);
    assert_eq!(on.ask_from_node("control-plane", "far").as_deref(), Ok("far"));
    for reason in ["FaultInjected", "FaultHealed"] {
        let told = events(&on.0.kubectl, "default", &node, reason);
        assert!(told.iter().any(|message| message.contains(&id)), "{told:?}");
    }
    on.no_trace();
}

fn between_workers(on: &Nodes) {
    // An open connection does not survive.
    let far = on.address("far");
    let stream = format!("exec 3<>/dev/tcp/{far}/8080; sleep 3; ");
    let request = "printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3; timeout 5 grep -q far <&3";
    let node = on.node("worker");
    let script = format!("bash -c '{stream}{request}'");
    let open = std::thread::spawn(move || try_in_node(&node, &script));
    until_holds(
        "the connection is open",
        || in_node(&on.node("worker"), &format!("ss -Htn state established dst {far}")),
        |connections| !connections.is_empty(),
    );
    let id = inject(&on.0.sandbox, "network-partition --node worker --peer worker2");
    assert!(on.ask("one", "far").is_err());
    assert!(on.ask("far", "one").is_err());
    assert!(on.ask_from_node("worker", "far").is_err());
    assert_ne!(open.join().unwrap().code, Some(0), "the open connection survived");
    assert_eq!(on.ask("one", "near").as_deref(), Ok("near"));
    for pod in ["one", "near", "far"] {
        assert_eq!(on.ask_from_node("control-plane", pod).as_deref(), Ok(pod));
    }
    for node in ["worker", "worker2"] {
        let ready = condition(&on.0.kubectl, &on.node(node), "Ready");
        assert_eq!(ready, "True", "{node}");
    }
    heal(&on.0.sandbox, &id);
    assert_eq!(on.ask("one", "far").as_deref(), Ok("far"));
    assert_eq!(on.ask("far", "one").as_deref(), Ok("one"));
    on.no_trace();
}

fn one_way(on: &Nodes) {
    let line = "network-partition --node worker --peer worker2 --direction";
    let id = inject(&on.0.sandbox, &format!("{line} in"));
    assert_eq!(on.arrived("worker2", "worker"), 0);
    assert_eq!(on.arrived("worker", "worker2"), 200);
    heal(&on.0.sandbox, &id);
    let id = inject(&on.0.sandbox, &format!("{line} out"));
    assert_eq!(on.arrived("worker2", "worker"), 200);
    assert_eq!(on.arrived("worker", "worker2"), 0);
    heal(&on.0.sandbox, &id);
    assert_eq!(on.arrived("worker", "worker2"), 200);
    on.no_trace();
}

fn from_everything(on: &Nodes) {
    let node = on.node("worker2");
    let network = inspect(&format!("kindrs-{}", on.0.sandbox.name));
    let gateway = network["IPAM"]["Config"][0]["Gateway"].as_str().unwrap();
    let listener = TcpListener::bind((gateway, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let far = on.address("far");
    let one = on.address("one");
    let id = inject(&on.0.sandbox, "network-partition --node worker2 --for 5s");
    // The process that injected it has exited, and no other process heals it.
    let processes = std::process::Command::new("ps").args(["-eo", "args"]).output().unwrap();
    let processes = String::from_utf8_lossy(&processes.stdout).into_owned();
    assert!(!processes.contains(&format!("--at-end {id}")), "{processes}");
    let alone = in_node(
        &node,
        &format!(
            "curl -s -m 1 -o /dev/null http://{one}:8080 || echo others; \
             curl -s -m 1 -o /dev/null http://{far}:8080 && echo own; \
             timeout 1 bash -c 'exec 3<>/dev/tcp/{gateway}/{port}' && echo host"
        ),
    );
    assert_eq!(alone, "others\nown\nhost\n");
    until_holds(
        "the journal is empty",
        || in_node(&node, "ls -A /kindrs/faults"),
        String::is_empty,
    );
    until("the node records the end", || {
        let told = events(&on.0.kubectl, "default", &node, "FaultHealed");
        if told.iter().any(|message| message.contains(&id)) { Ok(()) } else { Err(told) }
    });
    assert_eq!(on.ask("one", "far").as_deref(), Ok("far"));
    on.no_trace();
}

fn halves(on: &Nodes) {
    let id = inject(&on.0.sandbox, "network-partition --shape halves");
    let node = on.node("worker2");
    let list = active(&on.0.sandbox);
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["node"], Value::from(node.as_str()));
    for from in ["control-plane", "worker"] {
        assert!(on.ask_from_node(from, "far").is_err(), "{from}");
    }
    assert_eq!(on.ask_from_node("control-plane", "one").as_deref(), Ok("one"));
    heal(&on.0.sandbox, &id);
    await_ready(&on.0.kubectl, &node, true);
    for from in ["control-plane", "worker"] {
        assert_eq!(on.ask_from_node(from, "far").as_deref(), Ok("far"));
    }
    on.no_trace();
}

fn loss(on: &Nodes) {
    let id = inject(&on.0.sandbox, "network-loss --probability 50% --node worker --peer worker2");
    let arrived = on.arrived("worker", "worker2");
    // Each limit is ten standard deviations away.
    assert!((30..170).contains(&arrived), "{arrived} of 200 arrived");
    assert_eq!(on.arrived("control-plane", "worker"), 200);
    heal(&on.0.sandbox, &id);
    assert_eq!(on.arrived("worker", "worker2"), 200);
    on.no_trace();
}

const NETEM: [&str; 3] = [
    "network-delay --delay 200ms --node worker",
    "network-duplicate --probability 50% --node worker",
    "network-corrupt --probability 50% --node worker",
];

fn netem(on: &Nodes) {
    let probe = "unshare -n tc qdisc add dev lo root netem delay 1ms";
    if try_in_node(&on.node("worker"), probe).code != Some(0) {
        let queues = || in_node(&on.node("worker"), "tc qdisc show");
        let before = queues();
        for line in NETEM {
            let refusal = try_inject(&on.0.sandbox, line).fails(3);
            assert!(refusal.contains("no netem"), "{refusal}");
            assert!(refusal.contains("network-loss"), "{refusal}");
        }
        assert_eq!(queues(), before);
        on.no_trace();
        return;
    }
    for line in NETEM {
        let id = inject(&on.0.sandbox, line);
        if line.contains("delay") {
            let ask = "curl -s -o /dev/null -w '%{time_connect}'";
            let script = format!("{ask} http://{}:8080", on.address("far"));
            let seconds: f64 = in_node(&on.node("worker"), &script).parse().unwrap();
            assert!(seconds >= 0.2, "connected after {seconds} s");
        } else {
            let arrived = on.arrived("worker", "worker2");
            let doubled = line.contains("duplicate");
            assert!(
                if doubled { arrived > 230 } else { arrived < 170 },
                "{line}: {arrived} of 200"
            );
        }
        heal(&on.0.sandbox, &id);
        assert_eq!(on.arrived("worker", "worker2"), 200);
        on.no_trace();
    }
}

fn bandwidth(on: &Nodes) {
    // Bytes per second, between the limit and the speed of a free link.
    const NARROW: f64 = 1_000_000.0;
    let speed = |from: &str, to: &str| -> f64 {
        let url = format!("http://{}:8080/big", on.address(to));
        let get = format!("curl -s -o /dev/null -w '%{{speed_download}}' {url}");
        in_node(&on.node(from), &get).parse().unwrap()
    };
    assert!(speed("worker", "far") > NARROW && speed("control-plane", "one") > NARROW);
    let line = "network-bandwidth --rate 2mbit --node worker --direction";
    let id = inject(&on.0.sandbox, &format!("{line} out"));
    assert!(speed("control-plane", "one") < NARROW);
    assert!(speed("worker", "far") > NARROW, "incoming traffic is limited");
    let clash = try_inject(&on.0.sandbox, &format!("{line} in")).fails(2);
    assert!(clash.contains(&id), "{clash}");
    heal(&on.0.sandbox, &id);
    let id = inject(&on.0.sandbox, &format!("{line} in"));
    assert!(speed("worker", "far") < NARROW);
    assert!(speed("control-plane", "one") > NARROW, "outgoing traffic is limited");
    heal(&on.0.sandbox, &id);
    assert!(speed("worker", "far") > NARROW && speed("control-plane", "one") > NARROW);
    on.no_trace();
}
