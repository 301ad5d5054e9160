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

/// Adds fields to the spec of an object.
#[must_use]
pub fn with_spec(mut object: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        object["spec"][name] = value.clone();
    }
    object
}

/// Adds a volume to a pod, which all its containers have at `path`.
#[must_use]
pub fn with_volume(mut pod: Value, path: &str, mut source: Value) -> Value {
    source["name"] = json!("volume");
    pod["spec"]["volumes"] = json!([source]);
    for kind in ["containers", "initContainers"] {
        for container in pod["spec"][kind].as_array_mut().into_iter().flatten() {
            container["volumeMounts"] = json!([{ "name": "volume", "mountPath": path }]);
        }
    }
    pod
}

/// A pod that does nothing on a given node.
pub fn idle_pod(name: &str, node: &str) -> Value {
    with_spec(pod(name, &[container("sleep 3600")]), &json!({ "nodeName": node }))
}

/// Lets the pods of a Deployment leave a lost node after two seconds. The default is five minutes.
#[must_use]
pub fn leaving_lost_nodes(mut deployment: Value) -> Value {
    let tolerations = ["not-ready", "unreachable"].map(|condition| {
        json!({
            "key": format!("node.kubernetes.io/{condition}"),
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 2,
        })
    });
    deployment["spec"]["template"]["spec"]["tolerations"] = json!(tolerations);
    deployment
}

/// A PersistentVolumeClaim of 16 MiB.
pub fn volume_claim(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "name": name },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "16Mi" } },
        },
    })
}

/// A PodDisruptionBudget that keeps two of the pods labelled `app: NAME`.
pub fn disruption_budget(name: &str) -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "name": name },
        "spec": { "minAvailable": 2, "selector": { "matchLabels": { "app": name } } },
    })
}
