//! Networks that are parted, lossy, slow and narrow.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::{QUICK, active, assert_no_trace, await_ready, events, heal, inject, try_inject};
use crate::harness::{
    Kubectl, Sandbox, Steps, container, in_node, inspect, node_get, pod, try_in_node, until,
    until_holds,
};

const NAMESPACE: &str = "network-faults";
const NODES: [&str; 3] = ["control-plane", "worker", "worker2"];
/// Two pods on the first worker and one on the second.
const PODS: [(&str, &str); 3] = [("one", "worker"), ("near", "worker"), ("far", "worker2")];

struct Shared {
    sandbox: Sandbox,
    kubectl: Kubectl,
}

#[test]
fn network() {
    let sandbox = Sandbox::new("faults-network");
    let kubectl = sandbox.create(QUICK);
    kubectl.namespace(NAMESPACE);
    for (name, worker) in PODS {
        // Beside its name it serves a megabyte.
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
    let shared = Shared { sandbox, kubectl };
    let steps = Steps::default();
    steps.step("wrong input is told, and nothing is injected", || wrong_input(&shared));
    steps.step("a worker without its control plane is lost and runs on", || {
        from_control_plane(&shared);
    });
    steps.step("two workers do not reach each other", || between_workers(&shared));
    steps.step("packets go one way only", || one_way(&shared));
    steps.step("a node is alone until its time is over", || from_everything(&shared));
    steps.step("nodes are parted by halves", || halves(&shared));
    steps.step("packets are lost", || loss(&shared));
    steps.step("packets are late, doubled and damaged, or that is refused", || netem(&shared));
    steps.step("a link is narrow", || bandwidth(&shared));
    steps.finish();
}

impl Shared {
    fn node(&self, node: &str) -> String {
        self.sandbox.node(node)
    }

    fn address(&self, pod: &str) -> String {
        self.kubectl.value(&format!("-n {NAMESPACE} get pod {pod}"), ".status.podIP")
    }

    fn node_address(&self, node: &str) -> String {
        let line = format!("get node {}", self.node(node));
        self.kubectl.value(&line, ".status.addresses[?(@.type=='InternalIP')].address")
    }

    /// What one pod answers another.
    fn ask(&self, from: &str, to: &str) -> Result<String, String> {
        let url = format!("http://{}:8080", self.address(to));
        self.kubectl.pod_get(NAMESPACE, from, &url)
    }

    /// What a pod answers a node.
    fn ask_from_node(&self, node: &str, to: &str) -> Result<String, String> {
        node_get(&self.node(node), &format!("http://{}:8080", self.address(to)))
    }

    fn no_trace(&self) {
        assert_no_trace(&self.sandbox, &NODES);
    }

    /// How many of 200 UDP packets that one node sends another arrive.
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

fn wrong_input(shared: &Shared) {
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
        let text = try_inject(&shared.sandbox, line).fails(code);
        assert!(text.contains(said), "{line}: {text}");
    }
    shared.no_trace();
}

fn from_control_plane(shared: &Shared) {
    let node = shared.node("worker2");
    let id = inject(&shared.sandbox, "network-partition --node worker2 --peer-role control-plane");
    await_ready(&shared.kubectl, &node, false);
    assert_eq!(shared.ask("one", "far").as_deref(), Ok("far"));
    assert!(shared.ask_from_node("control-plane", "far").is_err());
    heal(&shared.sandbox, &id);
    await_ready(&shared.kubectl, &node, true);
    assert_eq!(shared.ask_from_node("control-plane", "far").as_deref(), Ok("far"));
    for reason in ["FaultInjected", "FaultHealed"] {
        let told = events(&shared.kubectl, "default", &node, reason);
        assert!(told.iter().any(|message| message.contains(&id)), "{told:?}");
    }
    shared.no_trace();
}

fn between_workers(shared: &Shared) {
    // A connection that is there before does not survive.
    let far = shared.address("far");
    let stream = format!("exec 3<>/dev/tcp/{far}/8080; sleep 3; ");
    let request = "printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3; timeout 5 grep -q far <&3";
    let node = shared.node("worker");
    let script = format!("bash -c '{stream}{request}'");
    let open = std::thread::spawn(move || try_in_node(&node, &script));
    until_holds(
        "the connection is there",
        || in_node(&shared.node("worker"), &format!("ss -Htn state established dst {far}")),
        |connections| !connections.is_empty(),
    );
    let id = inject(&shared.sandbox, "network-partition --node worker --peer worker2");
    assert!(shared.ask("one", "far").is_err());
    assert!(shared.ask("far", "one").is_err());
    assert!(shared.ask_from_node("worker", "far").is_err());
    assert_ne!(open.join().unwrap().code, Some(0), "the open connection goes on");
    assert_eq!(shared.ask("one", "near").as_deref(), Ok("near"));
    for pod in ["one", "near", "far"] {
        assert_eq!(shared.ask_from_node("control-plane", pod).as_deref(), Ok(pod));
    }
    for node in ["worker", "worker2"] {
        let ready = super::condition(&shared.kubectl, &shared.node(node), "Ready");
        assert_eq!(ready, "True", "{node}");
    }
    heal(&shared.sandbox, &id);
    assert_eq!(shared.ask("one", "far").as_deref(), Ok("far"));
    assert_eq!(shared.ask("far", "one").as_deref(), Ok("one"));
    shared.no_trace();
}

fn one_way(shared: &Shared) {
    let line = "network-partition --node worker --peer worker2 --direction";
    let id = inject(&shared.sandbox, &format!("{line} in"));
    assert_eq!(shared.arrived("worker2", "worker"), 0);
    assert_eq!(shared.arrived("worker", "worker2"), 200);
    heal(&shared.sandbox, &id);
    let id = inject(&shared.sandbox, &format!("{line} out"));
    assert_eq!(shared.arrived("worker2", "worker"), 200);
    assert_eq!(shared.arrived("worker", "worker2"), 0);
    heal(&shared.sandbox, &id);
    assert_eq!(shared.arrived("worker", "worker2"), 200);
    shared.no_trace();
}

fn from_everything(shared: &Shared) {
    let node = shared.node("worker2");
    let network = inspect(&format!("kindrs-{}", shared.sandbox.name));
    let gateway = network["IPAM"]["Config"][0]["Gateway"].as_str().unwrap();
    let listener = TcpListener::bind((gateway, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let far = shared.address("far");
    let one = shared.address("one");
    let id = inject(&shared.sandbox, "network-partition --node worker2 --for 5s");
    // Whoever made it is gone, and nobody else heals it.
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
    until("the node itself tells of the end", || {
        let told = events(&shared.kubectl, "default", &node, "FaultHealed");
        if told.iter().any(|message| message.contains(&id)) { Ok(()) } else { Err(told) }
    });
    assert_eq!(shared.ask("one", "far").as_deref(), Ok("far"));
    shared.no_trace();
}

fn halves(shared: &Shared) {
    let id = inject(&shared.sandbox, "network-partition --shape halves");
    let node = shared.node("worker2");
    let list = active(&shared.sandbox);
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["node"], Value::from(node.as_str()));
    for from in ["control-plane", "worker"] {
        assert!(shared.ask_from_node(from, "far").is_err(), "{from}");
    }
    assert_eq!(shared.ask_from_node("control-plane", "one").as_deref(), Ok("one"));
    heal(&shared.sandbox, &id);
    await_ready(&shared.kubectl, &node, true);
    for from in ["control-plane", "worker"] {
        assert_eq!(shared.ask_from_node(from, "far").as_deref(), Ok("far"));
    }
    shared.no_trace();
}

fn loss(shared: &Shared) {
    let id = inject(&shared.sandbox, "network-loss --probability 50% --node worker --peer worker2");
    let arrived = shared.arrived("worker", "worker2");
    // Ten times the standard deviation from either end.
    assert!((30..170).contains(&arrived), "{arrived} of 200 arrived");
    assert_eq!(shared.arrived("control-plane", "worker"), 200);
    heal(&shared.sandbox, &id);
    assert_eq!(shared.arrived("worker", "worker2"), 200);
    shared.no_trace();
}

const NETEM: [&str; 3] = [
    "network-delay --delay 200ms --node worker",
    "network-duplicate --probability 50% --node worker",
    "network-corrupt --probability 50% --node worker",
];

fn netem(shared: &Shared) {
    let probe = "unshare -n tc qdisc add dev lo root netem delay 1ms";
    if try_in_node(&shared.node("worker"), probe).code != Some(0) {
        let queues = || in_node(&shared.node("worker"), "tc qdisc show");
        let before = queues();
        for line in NETEM {
            let refusal = try_inject(&shared.sandbox, line).fails(3);
            assert!(refusal.contains("no netem"), "{refusal}");
            assert!(refusal.contains("network-loss"), "{refusal}");
        }
        assert_eq!(queues(), before);
        shared.no_trace();
        return;
    }
    for line in NETEM {
        let id = inject(&shared.sandbox, line);
        if line.contains("delay") {
            let ask = "curl -s -o /dev/null -w '%{time_connect}'";
            let script = format!("{ask} http://{}:8080", shared.address("far"));
            let seconds: f64 = in_node(&shared.node("worker"), &script).parse().unwrap();
            assert!(seconds >= 0.2, "connected after {seconds} s");
        } else {
            let arrived = shared.arrived("worker", "worker2");
            let doubled = line.contains("duplicate");
            assert!(
                if doubled { arrived > 230 } else { arrived < 170 },
                "{line}: {arrived} of 200"
            );
        }
        heal(&shared.sandbox, &id);
        assert_eq!(shared.arrived("worker", "worker2"), 200);
        shared.no_trace();
    }
}

fn bandwidth(shared: &Shared) {
    // In bytes a second: half of what is between the limit and a free link.
    const NARROW: f64 = 1_000_000.0;
    let speed = |from: &str, to: &str| -> f64 {
        let url = format!("http://{}:8080/big", shared.address(to));
        let get = format!("curl -s -o /dev/null -w '%{{speed_download}}' {url}");
        in_node(&shared.node(from), &get).parse().unwrap()
    };
    assert!(speed("worker", "far") > NARROW && speed("control-plane", "one") > NARROW);
    let line = "network-bandwidth --rate 2mbit --node worker --direction";
    let id = inject(&shared.sandbox, &format!("{line} out"));
    assert!(speed("control-plane", "one") < NARROW);
    assert!(speed("worker", "far") > NARROW, "what comes is limited");
    let clash = try_inject(&shared.sandbox, &format!("{line} in")).fails(2);
    assert!(clash.contains(&id), "{clash}");
    heal(&shared.sandbox, &id);
    let id = inject(&shared.sandbox, &format!("{line} in"));
    assert!(speed("worker", "far") < NARROW);
    assert!(speed("control-plane", "one") > NARROW, "what leaves is limited");
    heal(&shared.sandbox, &id);
    assert!(speed("worker", "far") > NARROW && speed("control-plane", "one") > NARROW);
    shared.no_trace();
}
