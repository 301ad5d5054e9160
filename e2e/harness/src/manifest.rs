use serde_json::{Value, json};

/// A small image that every node has, with a shell, httpd, wget, nc and nslookup.
pub const BUSYBOX: &str = "docker.io/kindrs/busybox:1";

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

fn object(api_version: &str, kind: &str, name: &str, spec: Value) -> Value {
    json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name }, "spec": spec })
}

/// A pod labelled `app: NAME`.
pub fn pod(name: &str, containers: &[Value]) -> Value {
    let mut pod = object("v1", "Pod", name, pod_spec(containers));
    pod["metadata"]["labels"] = json!({ "app": name });
    pod
}

/// A Deployment of pods labelled `app: NAME`.
pub fn deployment(name: &str, replicas: usize, containers: &[Value]) -> Value {
    let labels = json!({ "app": name });
    let spec = json!({
        "replicas": replicas,
        "selector": { "matchLabels": labels },
        "template": { "metadata": { "labels": labels }, "spec": pod_spec(containers) },
    });
    object("apps/v1", "Deployment", name, spec)
}

/// A Service for the pods labelled `app: NAME`, from port 80 to their port 8080.
pub fn service(name: &str) -> Value {
    let spec =
        json!({ "selector": { "app": name }, "ports": [{ "port": 80, "targetPort": 8080 }] });
    object("v1", "Service", name, spec)
}

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

pub fn volume_claim(name: &str) -> Value {
    let resources = json!({ "requests": { "storage": "16Mi" } });
    let spec = json!({ "accessModes": ["ReadWriteOnce"], "resources": resources });
    object("v1", "PersistentVolumeClaim", name, spec)
}

/// A PodDisruptionBudget that keeps two of the pods labelled `app: NAME`.
pub fn disruption_budget(name: &str) -> Value {
    let spec = json!({ "minAvailable": 2, "selector": { "matchLabels": { "app": name } } });
    object("policy/v1", "PodDisruptionBudget", name, spec)
}
