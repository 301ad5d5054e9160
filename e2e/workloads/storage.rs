//! Volumes.

use serde_json::json;

use harness::{
    Cluster, container, deployment, pod, run, service, until_holds, volume_claim, with_spec,
    with_volume,
};

pub fn stateful_set(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("stateful");
    let mut main = container(
        "mkdir -p /data/www; [ -e /data/www/index.html ] || hostname >/data/www/index.html; \
         date >>/data/starts; exec httpd -f -p 8080 -h /data/www",
    );
    main["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    main["readinessProbe"] = json!({ "tcpSocket": { "port": 8080 }, "periodSeconds": 1 });
    let spec = json!({ "serviceName": "db", "volumeClaimTemplates": [volume_claim("data")] });
    let mut set = with_spec(deployment("db", 2, &[main]), &spec);
    set["kind"] = json!("StatefulSet");
    let headless = json!({ "clusterIP": "None", "ports": [{ "port": 8080 }] });
    let headless = with_spec(service("db"), &headless);
    kubectl.start(&[set, headless]);
    let pods: Vec<_> = kubectl.pods("app=db").into_iter().collect();
    assert_eq!(pods, ["db-0", "db-1"]);
    let claims = kubectl.value("get persistentvolumeclaims", ".items[*].status.phase");
    assert_eq!(claims, "Bound Bound");

    kubectl.exec("db-0", "echo precious >/data/precious");
    let before = kubectl.value("get pod db-0", ".metadata.uid");
    kubectl.run("delete pod db-0");
    until_holds(
        "there is a new db-0",
        || kubectl.attempt("get pod db-0 -o jsonpath={.metadata.uid}").stdout,
        |uid| !uid.is_empty() && *uid != before,
    );
    kubectl.ready("pod/db-0");
    assert_eq!(kubectl.exec("db-0", "cat /data/precious").trim(), "precious");
    assert_eq!(kubectl.exec("db-0", "wc -l </data/starts").trim(), "2");
    assert_eq!(kubectl.exec("db-1", "wc -l </data/starts").trim(), "1");
    // Each resolves the name of the other, also after its address has changed.
    for (from, to) in [("db-1", "db-0"), ("db-0", "db-1")] {
        let url = format!("http://{to}.db.stateful.svc.cluster.local:8080");
        until_holds(
            &format!("{to} answers"),
            || kubectl.pod_get(from, &url).unwrap_or_else(|error| error),
            |answer| answer == to,
        );
    }
}

pub fn reclaimed(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("reclaimed");
    let user = pod("user", &[container("echo here >/data/file; sleep 3600")]);
    let claimed = json!({ "persistentVolumeClaim": { "claimName": "data" } });
    let user = with_volume(user, "/data", claimed);
    kubectl.start(&[volume_claim("data"), user]);
    let claim = "get persistentvolumeclaim data";
    let volume = kubectl.value(claim, ".spec.volumeName");
    kubectl.run("delete pod user");
    kubectl.run("delete persistentvolumeclaim data");
    kubectl.wait_for(&format!("persistentvolume/{volume}"), "delete");
}

pub fn volumes(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("volumes");
    kubectl.run("create configmap settings --from-literal=colour=blue");
    kubectl.run("create secret generic keys --from-literal=key=secret");
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
    kubectl.start(&[all]);
    let in_pod = |script: &str| {
        let arguments = ["exec", "all", "-c", "main", "--", "sh", "-c", script];
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
