//! Volumes, limits, probes and hooks of containers.

use serde_json::json;

use harness::{Cluster, container, in_node, pod, until_holds, web_container};

pub fn config_map_update(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "update");
    kubectl.namespace(ns);
    kubectl.run(&format!("-n {ns} create configmap settings --from-literal=colour=blue"));
    let mut main = container("sleep 3600");
    main["volumeMounts"] = json!([{ "name": "settings", "mountPath": "/settings" }]);
    let mut reader = pod("reader", &[main]);
    reader["spec"]["volumes"] =
        json!([{ "name": "settings", "configMap": { "name": "settings" } }]);
    kubectl.apply(ns, &[reader]);
    kubectl.wait_for(ns, "pod/reader", "condition=Ready");
    let colour = || kubectl.exec(ns, "reader", "cat /settings/colour");
    assert_eq!(colour(), "blue");
    let patch = r#"{"data":{"colour":"green"}}"#;
    kubectl.run(&format!("-n {ns} patch configmap settings --patch {patch}"));
    until_holds("the change is seen", colour, |colour| colour == "green");
}

pub fn downward_api(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "downward");
    kubectl.namespace(ns);
    let field = |name: &str, path: &str| json!({ "name": name, "valueFrom": { "fieldRef": { "fieldPath": path } } });
    let mut main = container("sleep 3600");
    main["resources"] = json!({ "limits": { "memory": "32Mi" } });
    main["env"] = json!([
        field("NODE", "spec.nodeName"),
        field("ADDRESS", "status.podIP"),
        field("NAMESPACE", "metadata.namespace"),
        { "name": "LIMIT", "valueFrom": { "resourceFieldRef": { "resource": "limits.memory" } } },
    ]);
    main["volumeMounts"] = json!([{ "name": "about", "mountPath": "/about" }]);
    let mut aware = pod("aware", &[main]);
    aware["metadata"]["labels"]["colour"] = json!("blue");
    aware["spec"]["volumes"] = json!([{
        "name": "about",
        "downwardAPI": { "items": [
            { "path": "labels", "fieldRef": { "fieldPath": "metadata.labels" } },
        ] },
    }]);
    kubectl.apply(ns, &[aware]);
    kubectl.wait_for(ns, "pod/aware", "condition=Ready");
    let pod = kubectl.json(&format!("-n {ns} get pod aware"));
    let told = kubectl.exec(ns, "aware", "echo $NODE $ADDRESS $NAMESPACE $LIMIT");
    let text = |path: &str| pod.pointer(path).unwrap().as_str().unwrap().to_owned();
    let expected =
        format!("{} {} {ns} {}", text("/spec/nodeName"), text("/status/podIP"), 32 << 20);
    assert_eq!(told.trim(), expected);
    let labels = kubectl.exec(ns, "aware", "cat /about/labels");
    assert!(labels.contains("colour=\"blue\""), "{labels}");
}

/// The preStop hook runs before the program gets SIGTERM, and both have time to finish.
pub fn termination(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "termination");
    kubectl.namespace(ns);
    let node = cluster.sandbox.node("worker");
    let mut main = container(
        "trap 'echo told >>/diary/lines; sleep 1; echo done >>/diary/lines; exit 0' TERM; \
         echo started >/diary/lines; while :; do sleep 0.1; done",
    );
    main["volumeMounts"] = json!([{ "name": "diary", "mountPath": "/diary" }]);
    main["lifecycle"] = json!({ "preStop": { "exec": {
        "command": ["sh", "-c", "echo hook >>/diary/lines; sleep 1; echo hooked >>/diary/lines"],
    } } });
    main["readinessProbe"] =
        json!({ "exec": { "command": ["test", "-s", "/diary/lines"] }, "periodSeconds": 1 });
    let mut diary = pod("diary", &[main]);
    diary["spec"]["nodeName"] = json!(node);
    diary["spec"]["terminationGracePeriodSeconds"] = json!(60);
    diary["spec"]["volumes"] = json!([{
        "name": "diary",
        "hostPath": { "path": "/var/lib/e2e-diary", "type": "DirectoryOrCreate" },
    }]);
    kubectl.apply(ns, &[diary]);
    kubectl.wait_for(ns, "pod/diary", "condition=Ready");
    kubectl.run(&format!("-n {ns} delete pod diary"));
    let lines = in_node(&node, "cat /var/lib/e2e-diary/lines");
    assert_eq!(lines.lines().collect::<Vec<_>>(), ["started", "hook", "hooked", "told", "done"]);
}

pub fn out_of_memory(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "memory");
    kubectl.namespace(ns);
    // The kernel notifies containerd of the kill. The sleeps give containerd time to subscribe, and to be
    // notified before the container exits; otherwise the reason is Error.
    let mut greedy = container("sleep 2; tail /dev/zero; ended=$?; sleep 5; exit $ended");
    greedy["resources"] = json!({ "limits": { "memory": "32Mi" } });
    let mut pod = pod("greedy", &[greedy]);
    pod["spec"]["restartPolicy"] = json!("Never");
    kubectl.apply(ns, &[pod]);
    kubectl.wait_for(ns, "pod/greedy", "jsonpath={.status.phase}=Failed");
    let pod = kubectl.json(&format!("-n {ns} get pod greedy"));
    let ended = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!(ended["reason"], "OOMKilled", "{ended}");
    assert_eq!(ended["exitCode"], 137, "{ended}");
}

pub fn cpu_limit(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "cpu");
    kubectl.namespace(ns);
    let mut main = container("sleep 3600");
    main["resources"] = json!({ "limits": { "cpu": "200m", "memory": "64Mi" } });
    kubectl.apply(ns, &[pod("slow", &[main])]);
    kubectl.wait_for(ns, "pod/slow", "condition=Ready");
    assert_eq!(kubectl.value(&format!("-n {ns} get pod slow"), ".status.qosClass"), "Guaranteed");
    // Control groups of version 2 or 1.
    let limits = kubectl.exec(
        ns,
        "slow",
        "cd /sys/fs/cgroup; cat cpu.max memory.max 2>/dev/null || \
         cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us memory/memory.limit_in_bytes",
    );
    let numbers: Vec<&str> = limits.split_whitespace().collect();
    assert_eq!(numbers, ["20000", "100000", "67108864"]);
}

pub fn liveness(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "liveness");
    kubectl.namespace(ns);
    let mut main = web_container();
    main["livenessProbe"] = json!({
        "httpGet": { "path": "/index.html", "port": 8080 },
        "periodSeconds": 1,
        "failureThreshold": 2,
    });
    kubectl.apply(ns, &[pod("web", &[main])]);
    kubectl.wait_for(ns, "pod/web", "condition=Ready");
    kubectl.exec(ns, "web", "rm /tmp/www/index.html");
    let restarts = "jsonpath={.status.containerStatuses[0].restartCount}=1";
    kubectl.wait_for(ns, "pod/web", restarts);
    kubectl.wait_for(ns, "pod/web", "condition=Ready");
}

pub fn init_containers(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "init");
    kubectl.namespace(ns);
    let named = |name: &str, script: &str| {
        let mut container = container(script);
        container["name"] = json!(name);
        container["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
        container
    };
    let mut sidecar = named("sidecar", "echo sidecar >>/data/order; sleep 3600");
    sidecar["restartPolicy"] = json!("Always");
    sidecar["startupProbe"] =
        json!({ "exec": { "command": ["grep", "sidecar", "/data/order"] }, "periodSeconds": 1 });
    let main = named("main", "echo main >>/data/order; cat /data/order");
    let mut pod = pod("ordered", &[main]);
    pod["spec"]["restartPolicy"] = json!("Never");
    pod["spec"]["initContainers"] = json!([named("first", "echo first >>/data/order"), sidecar]);
    pod["spec"]["volumes"] = json!([{ "name": "data", "emptyDir": {} }]);
    kubectl.apply(ns, &[pod]);
    // The running sidecar does not keep the pod from completing.
    kubectl.wait_for(ns, "pod/ordered", "jsonpath={.status.phase}=Succeeded");
    assert_eq!(kubectl.run(&format!("-n {ns} logs ordered -c main")), "first\nsidecar\nmain\n");
}
