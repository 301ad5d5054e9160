use serde_json::{Value, json};

/// A small image that every node has, with a shell, httpd, wget, nc and nslookup.
pub const BUSYBOX: &str = "docker.io/kindrs/busybox:1";

/// A container that runs a shell script.
pub fn container(script: &str) -> Value {
    json!({
        "name": "main",
        "image": BUSYBOX,
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", script],
    })
}

/// A container that serves its pod's name by HTTP on port 8080.
pub fn web_container() -> Value {
    let mut web = container(
        "mkdir -p /tmp/www; hostname >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www",
    );
    web["readinessProbe"] = json!({ "httpGet": { "path": "/", "port": 8080 }, "periodSeconds": 1 });
    web
}

fn pod_spec(containers: &[Value]) -> Value {
    json!({ "terminationGracePeriodSeconds": 1, "containers": containers })
}

/// A pod labelled `app: NAME`.
pub fn pod(name: &str, containers: &[Value]) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "labels": { "app": name } },
        "spec": pod_spec(containers),
    })
}

/// A Deployment of pods labelled `app: NAME`.
pub fn deployment(name: &str, replicas: usize, containers: &[Value]) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": pod_spec(containers),
            },
        },
    })
}

/// A Service for the pods labelled `app: NAME`, from port 80 to their port 8080.
pub fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": name },
        "spec": { "selector": { "app": name }, "ports": [{ "port": 80, "targetPort": 8080 }] },
    })
}
