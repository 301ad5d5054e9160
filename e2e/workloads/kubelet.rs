//! Volumes, limits, probes and hooks of containers.

use serde_json::json;

use harness::{
    Cluster, container, in_node, pod, until_holds, web_container, with_spec, with_volume,
};

pub fn config_map_update(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("update");
    kubectl.run("create configmap settings --from-literal=colour=blue");
    let settings = json!({ "configMap": { "name": "settings" } });
    let reader = pod("reader", &[container("sleep 3600")]);
    kubectl.start(&[with_volume(reader, "/settings", settings)]);
    let colour = || kubectl.exec("reader", "cat /settings/colour");
    assert_eq!(colour(), "blue");
    let patch = r#"{"data":{"colour":"green"}}"#;
    kubectl.run(&format!("patch configmap settings --patch {patch}"));
    until_holds("the change is seen", colour, |colour| colour == "green");
}

pub fn downward_api(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("downward");
    let field = |name: &str, path: &str| json!({ "name": name, "valueFrom": { "fieldRef": { "fieldPath": path } } });
    let mut main = container("sleep 3600");
    main["resources"] = json!({ "limits": { "memory": "32Mi" } });
    main["env"] = json!([
        field("NODE", "spec.nodeName"),
        field("ADDRESS", "status.podIP"),
        field("NAMESPACE", "metadata.namespace"),
        { "name": "LIMIT", "valueFrom": { "resourceFieldRef": { "resource": "limits.memory" } } },
    ]);
    let mut aware = pod("aware", &[main]);
    aware["metadata"]["labels"]["colour"] = json!("blue");
    let labels = json!({ "path": "labels", "fieldRef": { "fieldPath": "metadata.labels" } });
    let about = json!({ "downwardAPI": { "items": [labels] } });
    kubectl.start(&[with_volume(aware, "/about", about)]);
    let pod = kubectl.json("get pod aware");
    let told = kubectl.exec("aware", "echo $NODE $ADDRESS $NAMESPACE $LIMIT");
    let text = |path: &str| pod.pointer(path).unwrap().as_str().unwrap().to_owned();
    let expected =
        format!("{} {} downward {}", text("/spec/nodeName"), text("/status/podIP"), 32 << 20);
    assert_eq!(told.trim(), expected);
    let labels = kubectl.exec("aware", "cat /about/labels");
    assert!(labels.contains("colour=\"blue\""), "{labels}");
}

/// The preStop hook runs before the program gets SIGTERM, and both have time to finish.
pub fn termination(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("termination");
    let node = cluster.sandbox.node("worker");
    let mut main = container(
        "trap 'echo told >>/diary/lines; sleep 1; echo done >>/diary/lines; exit 0' TERM; \
         echo started >/diary/lines; while :; do sleep 0.1; done",
    );
    main["lifecycle"] = json!({ "preStop": { "exec": {
        "command": ["sh", "-c", "echo hook >>/diary/lines; sleep 1; echo hooked >>/diary/lines"],
    } } });
    main["readinessProbe"] =
        json!({ "exec": { "command": ["test", "-s", "/diary/lines"] }, "periodSeconds": 1 });
    let spec = json!({ "nodeName": node, "terminationGracePeriodSeconds": 60 });
    let folder =
        json!({ "hostPath": { "path": "/var/lib/e2e-diary", "type": "DirectoryOrCreate" } });
    kubectl.start(&[with_volume(with_spec(pod("diary", &[main]), &spec), "/diary", folder)]);
    kubectl.run("delete pod diary");
    let lines = in_node(&node, "cat /var/lib/e2e-diary/lines");
    assert_eq!(lines.lines().collect::<Vec<_>>(), ["started", "hook", "hooked", "told", "done"]);
}

pub fn out_of_memory(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("memory");
    // The kernel notifies containerd of the kill. The sleeps give containerd time to subscribe, and to be
    // notified before the container exits; otherwise the reason is Error.
    let mut greedy = container("sleep 2; tail /dev/zero; ended=$?; sleep 5; exit $ended");
    greedy["resources"] = json!({ "limits": { "memory": "32Mi" } });
    kubectl.apply(&[with_spec(pod("greedy", &[greedy]), &json!({ "restartPolicy": "Never" }))]);
    kubectl.wait_for("pod/greedy", "jsonpath={.status.phase}=Failed");
    let pod = kubectl.json("get pod greedy");
    let ended = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!(ended["reason"], "OOMKilled", "{ended}");
    assert_eq!(ended["exitCode"], 137, "{ended}");
}

pub fn cpu_limit(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("cpu");
    let mut main = container("sleep 3600");
    main["resources"] = json!({ "limits": { "cpu": "200m", "memory": "64Mi" } });
    kubectl.start(&[pod("slow", &[main])]);
    assert_eq!(kubectl.value("get pod slow", ".status.qosClass"), "Guaranteed");
    // Control groups of version 2 or 1.
    let limits = kubectl.exec(
        "slow",
        "cd /sys/fs/cgroup; cat cpu.max memory.max 2>/dev/null || \
         cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us memory/memory.limit_in_bytes",
    );
    let numbers: Vec<&str> = limits.split_whitespace().collect();
    assert_eq!(numbers, ["20000", "100000", "67108864"]);
}

pub fn liveness(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("liveness");
    let mut main = web_container();
    main["livenessProbe"] = json!({
        "httpGet": { "path": "/index.html", "port": 8080 },
        "periodSeconds": 1,
        "failureThreshold": 2,
    });
    kubectl.start(&[pod("web", &[main])]);
    kubectl.exec("web", "rm /tmp/www/index.html");
    let restarts = "jsonpath={.status.containerStatuses[0].restartCount}=1";
    kubectl.wait_for("pod/web", restarts);
    kubectl.ready("pod/web");
}

pub fn init_containers(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("init");
    let named = |name: &str, script: &str| {
        let mut container = container(script);
        container["name"] = json!(name);
        container
    };
    let mut sidecar = named("sidecar", "echo sidecar >>/data/order; sleep 3600");
    sidecar["restartPolicy"] = json!("Always");
    sidecar["startupProbe"] =
        json!({ "exec": { "command": ["grep", "sidecar", "/data/order"] }, "periodSeconds": 1 });
    let main = named("main", "echo main >>/data/order; cat /data/order");
    let first = named("first", "echo first >>/data/order");
    let spec = json!({ "restartPolicy": "Never", "initContainers": [first, sidecar] });
    let pod = with_spec(pod("ordered", &[main]), &spec);
    kubectl.apply(&[with_volume(pod, "/data", json!({ "emptyDir": {} }))]);
    // The running sidecar does not keep the pod from completing.
    kubectl.wait_for("pod/ordered", "jsonpath={.status.phase}=Succeeded");
    assert_eq!(kubectl.run("logs ordered -c main"), "first\nsidecar\nmain\n");
}
