use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::network_tests::show;
use crate::fault::fixture::{fault, message, view};
use crate::fault::plan::{Request, plan};
use crate::fault::targeting::View;
use crate::runtime::ContainerState;

/// A running pod with a web server and a sidecar.
fn web() -> Value {
    json!({
        "metadata": { "namespace": "shop", "name": "web-1", "uid": "u1" },
        "spec": {
            "nodeName": "dev-worker",
            "containers": [
                {
                    "name": "main",
                    "image": "me/web:1",
                    "ports": [{ "name": "http", "containerPort": 8080 }],
                    "readinessProbe": { "httpGet": { "port": "http" } },
                },
                { "name": "log", "image": "registry.example:5000/log@sha256:ab" },
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.244.1.7",
            "containerStatuses": [
                status("main", json!({ "running": {} })),
                status("log", json!({ "waiting": { "reason": "CrashLoopBackOff" } })),
            ],
        },
    })
}

fn status(name: &str, state: Value) -> Value {
    json!({
        "name": name,
        "containerID": format!("containerd://{name}0123"),
        "image": "",
        "imageID": "",
        "ready": true,
        "restartCount": 0,
        "state": state,
    })
}

/// A view with this pod as the target.
fn with(pod: Value) -> View {
    let pod: Pod = serde_json::from_value(pod).unwrap();
    View { pods: vec![pod], ..view(1, 2) }
}

/// The pod with another value at one path.
fn changed(path: &str, value: Value) -> Value {
    let mut pod = web();
    *pod.pointer_mut(path).unwrap() = value;
    pod
}

const WEB: &str = "--pod shop/web-1";

fn shown(kind: &str, view: &View) -> String {
    show(&fault(&format!("{kind} {WEB}")).actions(view).unwrap())
}

fn refused(kind: &str, pod: Value) -> String {
    message(&fault(&format!("{kind} {WEB}")).actions(&with(pod)).unwrap_err())
}

#[test]
fn deletes_and_evicts_pods() {
    let text =
        ["pod-delete", "pod-delete --force", "pod-evict"].map(|kind| shown(kind, &with(web())));
    insta::assert_snapshot!(text.concat(), @r"
    == dev-worker (pod/shop/web-1): deletes the pod
    impact None, holds []
    api Delete
    == dev-worker (pod/shop/web-1): force deletes the pod
    impact None, holds []
    api ForceDelete
    == dev-worker (pod/shop/web-1): evicts the pod
    impact None, holds []
    api Evict
    ");
}

#[test]
fn deletes_a_pod_without_a_node_or_on_a_stopped_one() {
    let mut pending = web();
    pending["spec"].as_object_mut().unwrap().remove("nodeName");
    let actions = fault(&format!("pod-delete {WEB}")).actions(&with(pending)).unwrap();
    assert_eq!(actions[0].node, "dev-control-plane");

    let mut dead = with(web());
    dead.nodes[1].state = ContainerState::Exited;
    let planned = |kind: &str| {
        let request =
            Request { fault: fault(&format!("{kind} {WEB}")), duration: None, allow_total: false };
        plan(&request, "id-abcde".to_owned(), &dead, &[])
    };
    assert_eq!(planned("pod-delete --force").unwrap().actions[0].node, "dev-worker");
    assert_eq!(
        message(&planned("container-kill").unwrap_err()),
        "node `dev-worker` is exited, not running"
    );
}

#[test]
fn kills_a_container() {
    insta::assert_snapshot!(shown("container-kill --signal sigterm", &with(web())), @r#"
    == dev-worker (pod/shop/web-1): sends SIGTERM to container main
    impact None, holds []
    -- inject
    pid=$(ctr -n k8s.io tasks ls 2>/dev/null | awk '$1 == "main0123" && $3 == "RUNNING" { print $2 }')
    [ -n "$pid" ] || { echo 'container main has just ended' >&2; exit 1; }
    kill -s TERM "$pid"
    "#);
    assert!(shown("container-kill", &with(web())).contains("kill -s KILL "));
}

#[test]
fn refuses_containers_that_cannot_be_killed() {
    assert_eq!(
        refused("container-kill --container web", web()),
        "pod/shop/web-1 has no container `web`"
    );
    assert_eq!(
        refused("container-kill --container log", web()),
        "container `log` of pod/shop/web-1 is not running"
    );
    assert_eq!(
        refused("container-kill", changed("/spec/nodeName", json!("cloud-7"))),
        "pod/shop/web-1 is on cloud-7, which kindrs did not create"
    );
}

#[test]
fn blocks_image_pulls() {
    let mut view = with(web());
    view.nodes[2].state = ContainerState::Exited;
    let actions = fault(&format!("image-pull-failure {WEB}")).actions(&view).unwrap();
    let of: Vec<_> = actions.iter().map(|action| (&action.node, &action.holds)).collect();
    assert_eq!(of.len(), 4, "{of:?}");
    insta::assert_snapshot!(show(&actions[1..2]));
    assert_eq!(
        refused("image-pull-failure --container web", web()),
        "pod/shop/web-1 has no container `web`"
    );
}

#[test]
fn fails_readiness_probes() {
    insta::assert_snapshot!(shown("readiness-failure", &with(web())));
    let mut vital = web();
    vital["spec"]["containers"][0]["livenessProbe"] = json!({ "tcpSocket": { "port": 8080 } });
    assert!(shown("readiness-failure --port 8080", &with(vital)).contains("restart a container"));
}

#[test]
fn refuses_readiness_probes_that_cannot_be_blocked() {
    let probe = "/spec/containers/0/readinessProbe";
    for (kind, pod, message) in [
        (
            "readiness-failure --container log",
            web(),
            "container `log` of pod/shop/web-1 has no readiness probe",
        ),
        ("readiness-failure --container web", web(), "pod/shop/web-1 has no container `web`"),
        (
            "readiness-failure --port 80",
            web(),
            "no readiness probe of pod/shop/web-1 calls port 80",
        ),
        ("readiness-failure", changed(probe, Value::Null), "pod/shop/web-1 has no readiness probe"),
        (
            "readiness-failure",
            changed(probe, json!({ "exec": { "command": ["true"] } })),
            "the readiness probe of pod/shop/web-1 runs a command in the container, so there is no \
             port to block",
        ),
        (
            "readiness-failure",
            changed(probe, json!({ "httpGet": { "port": "web" } })),
            "the readiness probe of container `main` of pod/shop/web-1 calls a port that the \
             container does not name",
        ),
        (
            "readiness-failure",
            changed(probe, json!({ "tcpSocket": { "port": 80, "host": "example.org" } })),
            "the readiness probe of container `main` of pod/shop/web-1 calls host example.org, not \
             the pod",
        ),
        (
            "readiness-failure",
            changed("/status/phase", json!("Pending")),
            "pod/shop/web-1 is Pending, not Running",
        ),
    ] {
        assert_eq!(refused(kind, pod), message);
    }
}

#[test]
fn fails_dns_queries() {
    let text = ["dns-failure", "dns-failure --mode refuse"].map(|kind| shown(kind, &with(web())));
    insta::assert_snapshot!(text.concat());
    let mut on_host = web();
    on_host["spec"]["hostNetwork"] = json!(true);
    assert_eq!(
        refused("dns-failure", on_host),
        "pod/shop/web-1 uses its node's network, so its DNS queries cannot be told from the node's"
    );
    assert_eq!(
        refused("dns-failure", changed("/status/podIP", Value::Null)),
        "pod/shop/web-1 has no address yet"
    );
    assert_eq!(
        refused("dns-failure", changed("/status/phase", json!("Succeeded"))),
        "pod/shop/web-1 is Succeeded, not Running"
    );
}
