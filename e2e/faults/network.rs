//! Networks that are partitioned, lossy, slow and limited.

use std::net::TcpListener;

use serde_json::{Value, json};

use harness::faults::{
    NODES, QUICK, active, assert_no_trace, assert_node_event, assert_refused, await_event,
    await_ready, condition, heal, heal_all, inject, try_inject,
};
use harness::{
    Cluster, Suite, container, gateway, in_node, node_get, pod, try_in_node, until_holds, with_spec,
};

/// Two pods on the first worker and one on the second.
const PODS: [(&str, &str); 3] = [("one", "worker"), ("near", "worker"), ("far", "worker2")];

pub fn suite() -> Suite<Cluster> {
    Suite::new("faults_network", create)
        .before_each(|on| heal_all(&on.sandbox))
        .after_each(|on| assert_no_trace(&on.sandbox, &NODES))
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

fn create() -> Cluster {
    let cluster = Cluster::with_namespace("faults-network", QUICK, "network-faults");
    let pods = PODS.map(|(name, worker)| {
        // Serves its name and a file of a megabyte.
        let mut web = container(
            "mkdir -p /tmp/www; hostname >/tmp/www/index.html; \
             dd if=/dev/zero of=/tmp/www/big bs=1024 count=1024; exec httpd -f -p 8080 -h /tmp/www",
        );
        web["readinessProbe"] = json!({ "httpGet": { "port": 8080 }, "periodSeconds": 1 });
        let node = cluster.sandbox.node(worker);
        let spec = json!({ "nodeName": node, "tolerations": [{ "operator": "Exists" }] });
        with_spec(pod(name, &[web]), &spec)
    });
    cluster.kubectl.start(&pods);
    cluster
}

fn address(on: &Cluster, pod: &str) -> String {
    on.kubectl.value(&format!("get pod {pod}"), ".status.podIP")
}

/// The response of one pod to another.
fn ask(on: &Cluster, from: &str, to: &str) -> Result<String, String> {
    let url = format!("http://{}:8080", address(on, to));
    on.kubectl.pod_get(from, &url)
}

/// The response of a pod to a node.
fn ask_from_node(on: &Cluster, node: &str, to: &str) -> Result<String, String> {
    node_get(&on.sandbox.node(node), &format!("http://{}:8080", address(on, to)))
}

/// The number of UDP packets that arrive when one node sends 200 to another.
fn arrived(on: &Cluster, from: &str, to: &str) -> usize {
    let (sender, receiver) = (on.sandbox.node(from), on.sandbox.node(to));
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
    let address = on.kubectl.node_address(&receiver);
    let send = format!("for i in {{1..200}}; do echo x >/dev/udp/{address}/9000; done; sleep 1");
    in_node(&sender, &format!("bash -c '{send}'"));
    let received = in_node(&receiver, "cat /tmp/received 2>/dev/null | wc -l; rm -f /tmp/received");
    in_node(&receiver, "systemctl stop e2e-receiver");
    received.trim().parse().unwrap()
}

fn wrong_input(on: &Cluster) {
    let refusals = [
        ("network-partition --node worker --peer worker3", 2, "has no node `worker3`"),
        ("network-partition --node worker --peer worker", 2, "no peer but itself"),
        ("network-partition --shape ring", 2, "at least 4 nodes"),
        ("network-partition --shape isolate", 2, "every node"),
        ("network-partition --node control-plane", 2, "only control plane"),
        ("network-partition --node control-plane --peer-role worker", 2, "only control plane"),
        ("network-loss --node worker --probability 101%", 2, "at most 100%"),
        ("network-delay --node worker --delay 5", 2, "missing unit"),
        ("network-bandwidth --node worker --rate 1mb", 2, "512kbit"),
    ];
    assert_refused(&on.sandbox, &refusals);
}

fn from_control_plane(on: &Cluster) {
    let node = on.sandbox.node("worker2");
    let id = inject(&on.sandbox, "network-partition --node worker2 --peer-role control-plane");
    await_ready(&on.kubectl, &node, false);
    assert_eq!(ask(on, "one", "far").as_deref(), Ok("far"));
    assert!(ask_from_node(on, "control-plane", "far").is_err());
    heal(&on.sandbox, &id);
    await_ready(&on.kubectl, &node, true);
    assert_eq!(ask_from_node(on, "control-plane", "far").as_deref(), Ok("far"));
    for reason in ["FaultInjected", "FaultHealed"] {
        assert_node_event(&on.kubectl, &node, reason, &id);
    }
}

fn between_workers(on: &Cluster) {
    // An open connection does not survive.
    let far = address(on, "far");
    let stream = format!("exec 3<>/dev/tcp/{far}/8080; sleep 3; ");
    let request = "printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3; timeout 5 grep -q far <&3";
    let node = on.sandbox.node("worker");
    let script = format!("bash -c '{stream}{request}'");
    let open = std::thread::spawn(move || try_in_node(&node, &script));
    until_holds(
        "the connection is open",
        || in_node(&on.sandbox.node("worker"), &format!("ss -Htn state established dst {far}")),
        |connections| !connections.is_empty(),
    );
    let id = inject(&on.sandbox, "network-partition --node worker --peer worker2");
    assert!(ask(on, "one", "far").is_err());
    assert!(ask(on, "far", "one").is_err());
    assert!(ask_from_node(on, "worker", "far").is_err());
    assert_ne!(open.join().unwrap().code, Some(0), "the open connection survived");
    assert_eq!(ask(on, "one", "near").as_deref(), Ok("near"));
    for pod in ["one", "near", "far"] {
        assert_eq!(ask_from_node(on, "control-plane", pod).as_deref(), Ok(pod));
    }
    for node in ["worker", "worker2"] {
        let ready = condition(&on.kubectl, &on.sandbox.node(node), "Ready");
        assert_eq!(ready, "True", "{node}");
    }
    heal(&on.sandbox, &id);
    assert_eq!(ask(on, "one", "far").as_deref(), Ok("far"));
    assert_eq!(ask(on, "far", "one").as_deref(), Ok("one"));
}

fn one_way(on: &Cluster) {
    let line = "network-partition --node worker --peer worker2 --direction";
    let id = inject(&on.sandbox, &format!("{line} in"));
    assert_eq!(arrived(on, "worker2", "worker"), 0);
    assert_eq!(arrived(on, "worker", "worker2"), 200);
    heal(&on.sandbox, &id);
    let id = inject(&on.sandbox, &format!("{line} out"));
    assert_eq!(arrived(on, "worker2", "worker"), 200);
    assert_eq!(arrived(on, "worker", "worker2"), 0);
    heal(&on.sandbox, &id);
    assert_eq!(arrived(on, "worker", "worker2"), 200);
}

fn from_everything(on: &Cluster) {
    let node = on.sandbox.node("worker2");
    let gateway = gateway(&on.sandbox.name);
    let listener = TcpListener::bind((gateway.as_str(), 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let far = address(on, "far");
    let one = address(on, "one");
    let id = inject(&on.sandbox, "network-partition --node worker2 --for 5s");
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
    await_event(&on.kubectl.within("default"), &node, "FaultHealed", &id);
    assert_eq!(ask(on, "one", "far").as_deref(), Ok("far"));
}

fn halves(on: &Cluster) {
    let id = inject(&on.sandbox, "network-partition --shape halves");
    let node = on.sandbox.node("worker2");
    let list = active(&on.sandbox);
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["node"], Value::from(node.as_str()));
    for from in ["control-plane", "worker"] {
        assert!(ask_from_node(on, from, "far").is_err(), "{from}");
    }
    assert_eq!(ask_from_node(on, "control-plane", "one").as_deref(), Ok("one"));
    heal(&on.sandbox, &id);
    await_ready(&on.kubectl, &node, true);
    for from in ["control-plane", "worker"] {
        assert_eq!(ask_from_node(on, from, "far").as_deref(), Ok("far"));
    }
}

fn loss(on: &Cluster) {
    let id = inject(&on.sandbox, "network-loss --probability 50% --node worker --peer worker2");
    let count = arrived(on, "worker", "worker2");
    // Each limit is ten standard deviations away.
    assert!((30..170).contains(&count), "{count} of 200 arrived");
    assert_eq!(arrived(on, "control-plane", "worker"), 200);
    heal(&on.sandbox, &id);
    assert_eq!(arrived(on, "worker", "worker2"), 200);
}

const NETEM: [&str; 3] = [
    "network-delay --delay 200ms --node worker",
    "network-duplicate --probability 50% --node worker",
    "network-corrupt --probability 50% --node worker",
];

fn netem(on: &Cluster) {
    let probe = "unshare -n tc qdisc add dev lo root netem delay 1ms";
    if try_in_node(&on.sandbox.node("worker"), probe).code != Some(0) {
        let queues = || in_node(&on.sandbox.node("worker"), "tc qdisc show");
        let before = queues();
        for line in NETEM {
            let refusal = try_inject(&on.sandbox, line).fails(3);
            assert!(refusal.contains("no netem"), "{refusal}");
            assert!(refusal.contains("network-loss"), "{refusal}");
        }
        assert_eq!(queues(), before);
        return;
    }
    for line in NETEM {
        let id = inject(&on.sandbox, line);
        if line.contains("delay") {
            let ask = "curl -s -o /dev/null -w '%{time_connect}'";
            let script = format!("{ask} http://{}:8080", address(on, "far"));
            let seconds: f64 = in_node(&on.sandbox.node("worker"), &script).parse().unwrap();
            assert!(seconds >= 0.2, "connected after {seconds} s");
        } else {
            let arrived = arrived(on, "worker", "worker2");
            let doubled = line.contains("duplicate");
            assert!(
                if doubled { arrived > 230 } else { arrived < 170 },
                "{line}: {arrived} of 200"
            );
        }
        heal(&on.sandbox, &id);
        assert_eq!(arrived(on, "worker", "worker2"), 200);
        assert_no_trace(&on.sandbox, &NODES);
    }
}

fn bandwidth(on: &Cluster) {
    // Bytes per second, between the limit and the speed of a free link.
    const NARROW: f64 = 1_000_000.0;
    let speed = |from: &str, to: &str| -> f64 {
        let url = format!("http://{}:8080/big", address(on, to));
        let get = format!("curl -s -o /dev/null -w '%{{speed_download}}' {url}");
        in_node(&on.sandbox.node(from), &get).parse().unwrap()
    };
    assert!(speed("worker", "far") > NARROW && speed("control-plane", "one") > NARROW);
    let line = "network-bandwidth --rate 2mbit --node worker --direction";
    let id = inject(&on.sandbox, &format!("{line} out"));
    assert!(speed("control-plane", "one") < NARROW);
    assert!(speed("worker", "far") > NARROW, "incoming traffic is limited");
    let clash = try_inject(&on.sandbox, &format!("{line} in")).fails(2);
    assert!(clash.contains(&id), "{clash}");
    heal(&on.sandbox, &id);
    let id = inject(&on.sandbox, &format!("{line} in"));
    assert!(speed("worker", "far") < NARROW);
    assert!(speed("control-plane", "one") > NARROW, "outgoing traffic is limited");
    heal(&on.sandbox, &id);
    assert!(speed("worker", "far") > NARROW && speed("control-plane", "one") > NARROW);
}
