//! Requests to the API server that are delayed, fail and are cut off.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use harness::faults::{
    QUICK, active, assert_no_trace, await_ready, condition, events, heal, heal_all, inject,
    try_inject,
};
use harness::{
    Cluster, Kubectl, Sandbox, Suite, container, in_node, pod, until, until_holds, web_container,
    words,
};

const NAMESPACE: &str = "requests";
const NODES: [&str; 3] = ["control-plane", "worker", "worker2"];

pub fn suite() -> Suite<Cluster> {
    Suite::new("faults_api_requests", create)
        .before_each(|cluster| heal_all(&cluster.sandbox))
        .after_each(|cluster| {
            assert_no_trace(&cluster.sandbox, &NODES);
            let tables = in_node(&cluster.sandbox.node("control-plane"), "nft list tables");
            assert!(!tables.contains("kindrs"), "{tables}");
        })
        .step("wrong_input_is_refused", wrong_input)
        .step("matching_requests_fail_and_no_others", refused)
        .step("requests_of_one_program_are_delayed", delayed)
        .step("dropped_watches_end_and_return", dropped)
        .step("other_requests_work_through_the_proxy", everything_works)
        .step("fault_without_matchers_hits_every_request", everybody)
        .step("pods_of_a_node_without_heartbeats_run_on", heartbeats)
}

fn create() -> Cluster {
    let cluster = Cluster::create("faults-api-requests", QUICK);
    let kubectl = &cluster.kubectl;
    kubectl.namespace(NAMESPACE);
    let talking = container("while :; do date; sleep 0.2; done");
    let mut reader = pod("reader", &[talking]);
    reader["spec"]["serviceAccountName"] = json!("reader");
    kubectl.run(&format!("-n {NAMESPACE} create serviceaccount reader"));
    kubectl.run(&format!(
        "-n {NAMESPACE} create rolebinding reader --clusterrole=view --serviceaccount={NAMESPACE}:reader"
    ));
    kubectl.apply(NAMESPACE, &[reader, pod("web", &[web_container()])]);
    kubectl.wait_for(NAMESPACE, "pod/reader pod/web", "condition=Ready");
    cluster
}

fn wrong_input(Cluster { sandbox, .. }: &Cluster) {
    for (line, refusal) in [
        ("api-request --verb get", "the fault would do nothing"),
        ("api-request --error 503", "this would take down the whole cluster"),
        ("api-request --verb get --error 200", "200 is not in 400..=599"),
        ("api-request --verb get --error 503 --drop", "cannot be used together with"),
        ("api-request --verb fetch --drop", "invalid value 'fetch'"),
        ("api-request --resource Pods --drop", "expected a resource such as pods"),
        ("api-request --verb get --delay 0s", "a delay of zero has no effect"),
        ("api-request --verb get --delay 2", "missing unit"),
        (
            "api-request --verb create --object web --drop",
            "requests to create do not name an object",
        ),
        ("api-request --verb get --drop --node worker", "is not a control plane"),
        ("heartbeat-loss", "no target is specified"),
        ("heartbeat-loss --all-nodes", "this would take down every node"),
    ] {
        let said = try_inject(sandbox, line).fails(2);
        assert!(said.contains(refusal), "{line}: {said}");
    }
    assert!(active(sandbox).is_empty());
}

fn refused(Cluster { sandbox, kubectl }: &Cluster) {
    let create = format!("-n {NAMESPACE} create configmap");
    let fault = "api-request --user-agent kubectl* --verb create --resource configmaps";
    let id = inject(sandbox, &format!("{fault} --in-namespace {NAMESPACE} --error 503"));
    let said = kubectl.attempt(&format!("{create} refused")).fails(1);
    assert!(said.contains(&format!("injected by kindrs: {id}")), "{said}");
    kubectl.run(&format!("-n {NAMESPACE} get configmaps"));
    kubectl.run(&format!("-n {NAMESPACE} create secret generic allowed"));
    kubectl.run("-n default create configmap allowed");
    // A second fault on the same proxy, and its end.
    let other = inject(sandbox, "api-request --user-agent kubectl* --resource nodes --error 418");
    assert!(kubectl.attempt("get nodes").code != Some(0));
    heal(sandbox, &other);
    kubectl.run("get nodes");
    assert!(kubectl.attempt(&format!("{create} refused")).code != Some(0));
    heal(sandbox, &id);
    kubectl.run(&format!("{create} refused"));
    let told = events(kubectl, "default", &sandbox.node("control-plane"), "FaultInjected");
    assert!(told.iter().any(|message| message.contains(&id)), "{told:?}");
}

fn delayed(Cluster { sandbox, kubectl }: &Cluster) {
    let asked = |by: &str| {
        // From the node of the API server, to the address of the node.
        let script = format!(
            "curl -s -o /dev/null -w '%{{time_total}}' -A {by} --cacert /etc/kubernetes/pki/ca.crt \
             --cert /var/lib/kubelet/pki/kubelet-client-current.pem \
             \"$(sed -n 's/^ *server: //p' /etc/kubernetes/kubelet.conf)/api/v1/nodes/$(hostname)\""
        );
        let took = in_node(&sandbox.node("control-plane"), &script);
        took.trim().parse::<f64>().unwrap()
    };
    let id =
        inject(sandbox, "api-request --user-agent slow/* --verb get --resource nodes --delay 3s");
    assert!(asked("slow/1") >= 3.0);
    // Other requests are not delayed.
    assert!(asked("quick/1") < 3.0);
    kubectl.run("get nodes");
    heal(sandbox, &id);
    assert!(asked("slow/1") < 3.0);
}

fn dropped(Cluster { sandbox, kubectl }: &Cluster) {
    let follow = format!("-n {NAMESPACE} get pods --watch-only -o name");
    // The proxy runs already, so that the watch is not cut off by its start.
    let first = inject(sandbox, "api-request --user-agent nobody --error 500");
    let mut watch = kubectl.command(&words(&follow)).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let (sender, seen) = mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let changes = std::cell::Cell::new(0);
    until("the watch sees a change", || {
        changes.set(changes.get() + 1);
        let change = format!("annotate pod web change={} --overwrite", changes.get());
        kubectl.run(&format!("-n {NAMESPACE} {change}"));
        seen.recv_timeout(Duration::from_secs(1)).map(|line| assert_eq!(line, "pod/web"))
    });
    let id =
        inject(sandbox, "api-request --user-agent kubectl* --verb watch --resource pods --drop");
    until_ended(&mut watch);
    let ran = kubectl.attempt(&format!("{follow} --request-timeout=5s"));
    assert!(ran.stdout.is_empty(), "{ran}");
    // A list is not a watch.
    kubectl.run(&format!("-n {NAMESPACE} get pods"));
    heal(sandbox, &id);
    heal(sandbox, &first);
    kubectl.run(&format!("-n {NAMESPACE} wait pod/web --for=condition=Ready --timeout=60s"));

    // A client returns after its watches were dropped: the scheduler sees what was created meanwhile.
    let id = inject(
        sandbox,
        "api-request --user system:kube-scheduler --verb watch --resource pods --drop",
    );
    kubectl.apply(NAMESPACE, &[pod("meanwhile", &[web_container()])]);
    heal(sandbox, &id);
    kubectl.wait_for(NAMESPACE, "pod/meanwhile", "condition=Ready");
}

fn until_ended(child: &mut Child) {
    until("the watch has ended", || match child.try_wait().unwrap() {
        Some(_) => Ok(()),
        None => Err("the watch continues"),
    });
}

fn everything_works(Cluster { sandbox, kubectl }: &Cluster) {
    let id = inject(sandbox, "api-request --user-agent nobody --error 500");
    assert_eq!(kubectl.run("auth can-i * *").trim(), "yes");
    let whoami = kubectl.run("auth whoami");
    assert!(whoami.contains("kubernetes-admin") && whoami.contains("system:authenticated"));
    let whoami = kubectl.run("auth whoami --as jane --as-group people");
    assert!(whoami.contains("jane") && whoami.contains("people"), "{whoami}");

    assert_eq!(kubectl.exec(NAMESPACE, "web", "echo hello"), "hello\n");
    let piped = kubectl.with_input(&format!("-n {NAMESPACE} exec -i web -- cat"), "through");
    assert_eq!(piped.ok(), "through");
    let mut spdy = kubectl.command(&["-n", NAMESPACE, "exec", "web", "--", "echo", "spdy"]);
    let output = spdy.env("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false").output().unwrap();
    assert_eq!(output.stdout, b"spdy\n", "{output:?}");

    // Lines of a log arrive as they are written.
    let line = format!("-n {NAMESPACE} logs --follow --tail=1 reader");
    let mut logs = kubectl.command(&words(&line)).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(logs.stdout.take().unwrap()).lines();
    assert_eq!(lines.take(3).filter(|line| line.is_ok()).count(), 3);
    logs.kill().unwrap();
    logs.wait().unwrap();

    let line = format!("-n {NAMESPACE} port-forward pod/web :8080");
    let mut forward = kubectl.command(&words(&line)).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(forward.stdout.take().unwrap()).lines();
    let told = lines.next().unwrap().unwrap();
    let address = told.trim_start_matches("Forwarding from ").split(' ').next().unwrap().to_owned();
    let answer = until("the forwarded port answers", || {
        std::net::TcpStream::connect(&address).map_err(|error| error.to_string()).and_then(
            |stream| {
                use std::io::{Read as _, Write as _};
                let mut stream = stream;
                stream
                    .set_read_timeout(Some(Duration::from_secs(10)))
                    .map_err(|e| e.to_string())?;
                stream.write_all(b"GET / HTTP/1.0\r\n\r\n").map_err(|error| error.to_string())?;
                let mut text = String::new();
                stream.read_to_string(&mut text).map_err(|error| error.to_string())?;
                Ok::<String, String>(text)
            },
        )
    });
    assert!(answer.contains("web"), "{answer}");
    forward.kill().unwrap();
    forward.wait().unwrap();

    // A pod with its token, at the address of the Service.
    let ask = "wget -q -O - --no-check-certificate --header \
               \"Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)\" \
               https://kubernetes.default/api/v1/namespaces/requests";
    let pods = kubectl.exec(NAMESPACE, "reader", &format!("{ask}/pods"));
    assert!(pods.contains("\"PodList\""), "{pods}");
    let secrets = kubectl.try_exec(NAMESPACE, "reader", &format!("{ask}/secrets"));
    assert!(secrets.stderr.contains("403"), "{secrets}");
    // No client becomes another user with the headers of a front proxy.
    let claim = "wget -q -O - --no-check-certificate --header 'X-Remote-User: root' \
                 --header 'X-Remote-Group: system:masters' \
                 https://kubernetes.default/api/v1/secrets";
    let claimed = kubectl.try_exec(NAMESPACE, "reader", claim);
    assert!(claimed.stderr.contains("403"), "{claimed}");
    let by_pod = "api-request --user system:serviceaccount:requests:reader --error 500";
    let other = inject(sandbox, by_pod);
    let pods = kubectl.try_exec(NAMESPACE, "reader", &format!("{ask}/pods"));
    assert!(pods.stderr.contains("500"), "{pods}");
    heal(sandbox, &other);
    heal(sandbox, &id);
}

fn everybody(Cluster { sandbox, kubectl }: &Cluster) {
    let before = restarts(kubectl);
    inject(sandbox, "api-request --drop --allow-total --for 6s");
    assert!(kubectl.attempt("--request-timeout=5s get nodes").code != Some(0));
    until_holds("the node has healed the fault", || active(sandbox), Vec::is_empty);
    until("the API server answers", || {
        let ran = kubectl.attempt("--request-timeout=5s get nodes");
        if ran.code == Some(0) { Ok(()) } else { Err(ran.stderr) }
    });
    assert_eq!(restarts(kubectl), before, "the API server was restarted");
    let units = "systemctl list-units --all --plain --no-legend 'kindrs-fault*'";
    let node = sandbox.node("control-plane");
    until_holds("no timer is left", || in_node(&node, units), String::is_empty);
}

fn restarts(kubectl: &Kubectl) -> String {
    let pods = "-n kube-system get pods -l component=kube-apiserver";
    kubectl.value(pods, ".items[*].status.containerStatuses[*].restartCount")
}

fn heartbeats(Cluster { sandbox, kubectl }: &Cluster) {
    let node = sandbox.node(&node_of(kubectl, sandbox, "reader"));
    let renewed =
        || kubectl.value(&format!("-n kube-node-lease get lease {node}"), ".spec.renewTime");
    let id = inject(sandbox, &format!("heartbeat-loss --node {node}"));
    let last = renewed();
    await_ready(kubectl, &node, false);
    assert_eq!(condition(kubectl, &node, "Ready"), "Unknown");
    assert_eq!(renewed(), last, "the lease is renewed");
    // Its pods run on, and kubelet still runs commands in them.
    assert_eq!(kubectl.exec(NAMESPACE, "reader", "echo still here"), "still here\n");
    let told = events(kubectl, "default", &node, "FaultInjected");
    assert!(told.iter().any(|message| message.contains("rejects the heartbeats")), "{told:?}");
    // Only this node is a target.
    let listed = active(sandbox);
    assert_eq!(listed[0]["target"], format!("node/{node}"));
    heal(sandbox, &id);
    await_ready(kubectl, &node, true);
    until_holds("the lease is renewed", renewed, |now| *now != last);
}

/// The node of a pod, without the name of the cluster.
fn node_of(kubectl: &Kubectl, sandbox: &Sandbox, pod: &str) -> String {
    let node = kubectl.value(&format!("-n {NAMESPACE} get pod {pod}"), ".spec.nodeName");
    node.trim_start_matches(&format!("{}-", sandbox.name)).to_owned()
}
