//! Volumes.

use serde_json::{Value, json};

use harness::{Cluster, container, deployment, pod, run, until_holds};

fn claim(name: &str) -> Value {
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

pub fn stateful_set(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "stateful");
    kubectl.namespace(ns);
    let mut main = container(
        "mkdir -p /data/www; [ -e /data/www/index.html ] || hostname >/data/www/index.html; \
         date >>/data/starts; exec httpd -f -p 8080 -h /data/www",
    );
    main["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    main["readinessProbe"] = json!({ "tcpSocket": { "port": 8080 }, "periodSeconds": 1 });
    let mut set = deployment("db", 2, &[main]);
    set["kind"] = json!("StatefulSet");
    set["spec"]["serviceName"] = json!("db");
    set["spec"]["volumeClaimTemplates"] = json!([claim("data")]);
    let headless = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "db" },
        "spec": { "clusterIP": "None", "selector": { "app": "db" }, "ports": [{ "port": 8080 }] },
    });
    kubectl.apply(ns, &[set, headless]);
    kubectl.rolled_out(ns, "statefulset/db");
    assert_eq!(kubectl.pods(ns, "app=db"), ["db-0", "db-1"]);
    let claims =
        kubectl.value(&format!("-n {ns} get persistentvolumeclaims"), ".items[*].status.phase");
    assert_eq!(claims, "Bound Bound");

    kubectl.exec(ns, "db-0", "echo precious >/data/precious");
    let before = kubectl.value(&format!("-n {ns} get pod db-0"), ".metadata.uid");
    kubectl.run(&format!("-n {ns} delete pod db-0"));
    until_holds(
        "there is a new db-0",
        || kubectl.attempt(&format!("-n {ns} get pod db-0 -o jsonpath={{.metadata.uid}}")).stdout,
        |uid| !uid.is_empty() && *uid != before,
    );
    kubectl.wait_for(ns, "pod/db-0", "condition=Ready");
    assert_eq!(kubectl.exec(ns, "db-0", "cat /data/precious").trim(), "precious");
    assert_eq!(kubectl.exec(ns, "db-0", "wc -l </data/starts").trim(), "2");
    assert_eq!(kubectl.exec(ns, "db-1", "wc -l </data/starts").trim(), "1");
    // Each resolves the name of the other, also after its address has changed.
    for (from, to) in [("db-1", "db-0"), ("db-0", "db-1")] {
        let url = format!("http://{to}.db.{ns}.svc.cluster.local:8080");
        until_holds(
            &format!("{to} answers"),
            || kubectl.pod_get(ns, from, &url).unwrap_or_else(|error| error),
            |answer| answer == to,
        );
    }
}

pub fn reclaimed(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "reclaimed");
    kubectl.namespace(ns);
    let mut main = container("echo here >/data/file; sleep 3600");
    main["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    let mut user = pod("user", &[main]);
    user["spec"]["volumes"] =
        json!([{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }]);
    kubectl.apply(ns, &[claim("data"), user]);
    kubectl.wait_for(ns, "pod/user", "condition=Ready");
    let claim = format!("-n {ns} get persistentvolumeclaim data");
    let volume = kubectl.value(&claim, ".spec.volumeName");
    kubectl.run(&format!("-n {ns} delete pod user"));
    kubectl.run(&format!("-n {ns} delete persistentvolumeclaim data"));
    kubectl.wait_for(ns, &format!("persistentvolume/{volume}"), "delete");
}

pub fn volumes(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "volumes");
    kubectl.namespace(ns);
    kubectl.run(&format!("-n {ns} create configmap settings --from-literal=colour=blue"));
    kubectl.run(&format!("-n {ns} create secret generic keys --from-literal=key=secret"));
    let mount = |name: &str, path: &str| json!({ "name": name, "mountPath": path });
    let mut writer = container("echo shared >/shared/file; sleep 3600");
    writer["name"] = json!("writer");
    writer["volumeMounts"] = json!([mount("shared", "/shared")]);
    let mut reader = container("sleep 3600");
    reader["volumeMounts"] = json!([
        mount("shared", "/shared"),
        mount("memory", "/memory"),
        mount("settings", "/settings"),
        mount("keys", "/keys"),
        mount("both", "/both"),
        mount("host", "/host"),
        { "name": "settings", "mountPath": "/one/colour", "subPath": "colour" },
    ]);
    let mut all = pod("all", &[writer, reader]);
    all["spec"]["securityContext"] = json!({ "fsGroup": 2000 });
    all["spec"]["volumes"] = json!([
        { "name": "shared", "emptyDir": {} },
        { "name": "memory", "emptyDir": { "medium": "Memory", "sizeLimit": "8Mi" } },
        { "name": "settings", "configMap": { "name": "settings" } },
        { "name": "keys", "secret": { "secretName": "keys", "defaultMode": 0o400 } },
        { "name": "both", "projected": { "sources": [
            { "configMap": { "name": "settings" } }, { "secret": { "name": "keys" } },
        ] } },
        { "name": "host", "hostPath": { "path": "/kind", "type": "Directory" } },
    ]);
    kubectl.apply(ns, &[all]);
    kubectl.wait_for(ns, "pod/all", "condition=Ready");
    let in_pod = |script: &str| {
        let arguments = ["-n", ns, "exec", "all", "-c", "main", "--", "sh", "-c", script];
        run(kubectl.command(&arguments), "").ok().trim().to_owned()
    };
    until_holds("the writer has written", || in_pod("cat /shared/* 2>&1"), |text| text == "shared");
    assert_eq!(
        in_pod("cat /settings/colour /keys/key /both/* /one/colour"),
        "bluesecretbluesecretblue"
    );
    assert!(in_pod("mount").lines().any(|line| line.starts_with("tmpfs on /memory ")));
    assert_eq!(in_pod("stat -c %g /shared"), "2000");
    assert!(in_pod("cat /host/version").starts_with("v1."));
}
