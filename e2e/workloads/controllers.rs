//! Controllers of pods.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use harness::{Cluster, container, deployment, pod, until_holds, web_container};

pub fn replica_set(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "replicas");
    kubectl.namespace(ns);
    let mut set = deployment("five", 5, &[web_container()]);
    set["kind"] = json!("ReplicaSet");
    kubectl.apply(ns, &[set]);
    let ready = |count: usize| {
        kubectl.wait_for(
            ns,
            "replicaset/five",
            &format!("jsonpath={{.status.readyReplicas}}={count}"),
        );
    };
    ready(5);
    let before: BTreeSet<String> = kubectl.pods(ns, "app=five").into_iter().collect();
    let victim = before.first().unwrap();
    kubectl.run(&format!("-n {ns} delete pod {victim}"));
    ready(5);
    let after = until_holds(
        "there are five pods again",
        || kubectl.pods(ns, "app=five").into_iter().collect::<BTreeSet<String>>(),
        |pods| pods.len() == 5,
    );
    assert!(!after.contains(victim));
    assert_eq!(after.difference(&before).count(), 1, "{before:?} became {after:?}");
    kubectl.run(&format!("-n {ns} delete replicaset five"));
    until_holds("its pods are deleted", || kubectl.pods(ns, "app=five"), Vec::is_empty);
}

pub fn daemon_set(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "daemons");
    kubectl.namespace(ns);
    let mut set = deployment("daemon", 1, &[web_container()]);
    set["kind"] = json!("DaemonSet");
    set["spec"].as_object_mut().unwrap().remove("replicas");
    set["spec"]["template"]["spec"]["tolerations"] = json!([{ "operator": "Exists" }]);
    kubectl.apply(ns, &[set]);
    kubectl.rolled_out(ns, "daemonset/daemon");
    let pods = kubectl.items(&format!("-n {ns} get pods -l app=daemon"));
    let nodes: BTreeSet<&str> =
        pods.iter().map(|pod| pod["spec"]["nodeName"].as_str().unwrap()).collect();
    assert_eq!((pods.len(), nodes.len()), (3, 3));
}

fn job(name: &str, spec: Value, script: &str) -> Value {
    let mut pod = pod(name, &[container(script)]);
    pod["spec"]["restartPolicy"] = json!("Never");
    let mut job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name },
        "spec": spec,
    });
    job["spec"]["template"] = json!({ "spec": pod["spec"] });
    job
}

pub fn jobs(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "jobs");
    kubectl.namespace(ns);
    let indexed = json!({ "completions": 3, "parallelism": 2, "completionMode": "Indexed" });
    let failing = json!({ "backoffLimit": 0 });
    kubectl.apply(
        ns,
        &[
            job("count", indexed, "echo index $JOB_COMPLETION_INDEX"),
            job("fail", failing, "exit 3"),
        ],
    );
    kubectl.wait_for(ns, "job/count", "condition=Complete");
    let mut lines: Vec<String> = kubectl
        .pods(ns, "job-name=count")
        .iter()
        .map(|pod| kubectl.run(&format!("-n {ns} logs {pod}")).trim().to_owned())
        .collect();
    lines.sort();
    assert_eq!(lines, ["index 0", "index 1", "index 2"]);
    kubectl.wait_for(ns, "job/fail", "condition=Failed");
    let reason = kubectl
        .value(&format!("-n {ns} get job fail"), ".status.conditions[?(@.type=='Failed')].reason");
    assert_eq!(reason, "BackoffLimitExceeded");
}

pub fn cron_job(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "cron");
    kubectl.namespace(ns);
    let every_minute = |name: &str, schedule: &str| {
        let job = job(name, json!({}), "date");
        json!({
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": { "name": name },
            "spec": { "schedule": schedule, "suspend": false, "jobTemplate": { "spec": job["spec"] } },
        })
    };
    kubectl.apply(ns, &[every_minute("minutely", "* * * * *"), every_minute("rare", "0 0 1 1 *")]);
    kubectl.run(&format!("-n {ns} create job by-hand --from=cronjob/rare"));
    kubectl.wait_for(ns, "job/by-hand", "condition=Complete");
    kubectl.wait_for(ns, "cronjob/minutely", "jsonpath={.status.lastSuccessfulTime}");
    let jobs = kubectl.items(&format!("-n {ns} get jobs"));
    assert!(jobs.iter().any(|job| job["metadata"]["ownerReferences"][0]["name"] == "minutely"));
}

pub fn rollout(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "rollout");
    kubectl.namespace(ns);
    let mut web = deployment("web", 2, &[web_container()]);
    let mut apply = |version: &str| {
        web["spec"]["template"]["metadata"]["labels"]["version"] = json!(version);
        kubectl.apply(ns, &[web.clone()]);
    };
    apply("one");
    kubectl.rolled_out(ns, "deployment/web");
    apply("two");
    kubectl.rolled_out(ns, "deployment/web");
    assert_eq!(kubectl.pods(ns, "app=web,version=two").len(), 2);
    kubectl.run(&format!("-n {ns} rollout undo deployment/web"));
    kubectl.rolled_out(ns, "deployment/web");
    until_holds("the second version is deleted", || kubectl.pods(ns, "version=two"), Vec::is_empty);
    assert_eq!(kubectl.pods(ns, "version=one").len(), 2);
}

pub fn disruption_budget(cluster: &Cluster) {
    let (kubectl, ns) = (&cluster.kubectl, "budget");
    kubectl.namespace(ns);
    let budget = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "name": "web" },
        "spec": { "minAvailable": 2, "selector": { "matchLabels": { "app": "web" } } },
    });
    kubectl.apply(ns, &[deployment("web", 2, &[web_container()]), budget]);
    kubectl.rolled_out(ns, "deployment/web");
    let allowed = |count: usize| {
        let condition = format!("jsonpath={{.status.disruptionsAllowed}}={count}");
        kubectl.wait_for(ns, "poddisruptionbudget/web", &condition);
    };
    kubectl.wait_for(ns, "poddisruptionbudget/web", "jsonpath={.status.currentHealthy}=2");
    allowed(0);
    let pod = kubectl.pods(ns, "app=web").remove(0);
    let eviction = json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": { "name": pod, "namespace": ns },
    });
    let path = format!("/api/v1/namespaces/{ns}/pods/{pod}/eviction");
    let evict = || kubectl.with_input(&format!("create --raw {path} -f -"), &eviction.to_string());
    let refused = evict();
    assert!(refused.code != Some(0) && refused.stderr.contains("disruption budget"), "{refused}");
    kubectl.run(&format!("-n {ns} scale deployment/web --replicas=3"));
    allowed(1);
    evict().ok();
    kubectl.wait_for(ns, &format!("pod/{pod}"), "delete");
}
