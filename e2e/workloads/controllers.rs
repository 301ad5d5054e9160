//! Controllers of pods.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use harness::{
    Cluster, container, deployment, disruption_budget, pod, until_holds, web_container, with_spec,
};

pub fn replica_set(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("replicas");
    let mut set = deployment("five", 5, &[web_container()]);
    set["kind"] = json!("ReplicaSet");
    kubectl.apply(&[set]);
    let ready = |count: usize| {
        let condition = format!("jsonpath={{.status.readyReplicas}}={count}");
        kubectl.wait_for("replicaset/five", &condition);
    };
    ready(5);
    let before = kubectl.pods("app=five");
    let victim = before.first().unwrap();
    kubectl.run(&format!("delete pod {victim}"));
    ready(5);
    let after = until_holds(
        "there are five pods again",
        || kubectl.pods("app=five"),
        |pods| pods.len() == 5,
    );
    assert!(!after.contains(victim));
    assert_eq!(after.difference(&before).count(), 1, "{before:?} became {after:?}");
    kubectl.run("delete replicaset five");
    until_holds("its pods are deleted", || kubectl.pods("app=five"), BTreeSet::is_empty);
}

pub fn daemon_set(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("daemons");
    let mut set = deployment("daemon", 1, &[web_container()]);
    set["kind"] = json!("DaemonSet");
    set["spec"].as_object_mut().unwrap().remove("replicas");
    set["spec"]["template"]["spec"]["tolerations"] = json!([{ "operator": "Exists" }]);
    kubectl.start(&[set]);
    let pods = kubectl.items("get pods -l app=daemon");
    let nodes: BTreeSet<&str> =
        pods.iter().map(|pod| pod["spec"]["nodeName"].as_str().unwrap()).collect();
    assert_eq!((pods.len(), nodes.len()), (3, 3));
}

fn job(name: &str, spec: Value, script: &str) -> Value {
    let pod = with_spec(pod(name, &[container(script)]), &json!({ "restartPolicy": "Never" }));
    let template = json!({ "template": { "spec": pod["spec"] } });
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name },
        "spec": spec,
    });
    with_spec(job, &template)
}

pub fn jobs(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("jobs");
    let indexed = json!({ "completions": 3, "parallelism": 2, "completionMode": "Indexed" });
    let failing = json!({ "backoffLimit": 0 });
    kubectl.apply(&[
        job("count", indexed, "echo index $JOB_COMPLETION_INDEX"),
        job("fail", failing, "exit 3"),
    ]);
    kubectl.wait_for("job/count", "condition=Complete");
    let pods = kubectl.pods("job-name=count");
    let mut lines: Vec<_> = pods.iter().map(|pod| kubectl.run(&format!("logs {pod}"))).collect();
    lines.sort();
    assert_eq!(lines, ["index 0\n", "index 1\n", "index 2\n"]);
    kubectl.wait_for("job/fail", "condition=Failed");
    let reason = kubectl.value("get job fail", ".status.conditions[?(@.type=='Failed')].reason");
    assert_eq!(reason, "BackoffLimitExceeded");
}

pub fn cron_job(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("cron");
    let every_minute = |name: &str, schedule: &str| {
        let job = job(name, json!({}), "date");
        json!({
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": { "name": name },
            "spec": { "schedule": schedule, "suspend": false, "jobTemplate": { "spec": job["spec"] } },
        })
    };
    kubectl.apply(&[every_minute("minutely", "* * * * *"), every_minute("rare", "0 0 1 1 *")]);
    kubectl.run("create job by-hand --from=cronjob/rare");
    kubectl.wait_for("job/by-hand", "condition=Complete");
    kubectl.wait_for("cronjob/minutely", "jsonpath={.status.lastSuccessfulTime}");
    let jobs = kubectl.items("get jobs");
    assert!(jobs.iter().any(|job| job["metadata"]["ownerReferences"][0]["name"] == "minutely"));
}

pub fn rollout(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("rollout");
    let mut web = deployment("web", 2, &[web_container()]);
    let mut apply = |version: &str| {
        web["spec"]["template"]["metadata"]["labels"]["version"] = json!(version);
        kubectl.apply(&[web.clone()]);
    };
    apply("one");
    kubectl.rolled_out("deployment/web");
    apply("two");
    kubectl.rolled_out("deployment/web");
    assert_eq!(kubectl.pods("app=web,version=two").len(), 2);
    kubectl.run("rollout undo deployment/web");
    kubectl.rolled_out("deployment/web");
    until_holds(
        "the second version is deleted",
        || kubectl.pods("version=two"),
        BTreeSet::is_empty,
    );
    assert_eq!(kubectl.pods("version=one").len(), 2);
}

pub fn evictions(cluster: &Cluster) {
    let kubectl = &cluster.kubectl.namespace("budget");
    kubectl.start(&[deployment("web", 2, &[web_container()]), disruption_budget("web")]);
    let allowed = |count: usize| {
        let condition = format!("jsonpath={{.status.disruptionsAllowed}}={count}");
        kubectl.wait_for("poddisruptionbudget/web", &condition);
    };
    kubectl.wait_for("poddisruptionbudget/web", "jsonpath={.status.currentHealthy}=2");
    allowed(0);
    let pod = kubectl.pods("app=web").pop_first().unwrap();
    let eviction = json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": { "name": pod, "namespace": "budget" },
    });
    let path = format!("/api/v1/namespaces/budget/pods/{pod}/eviction");
    let evict = || kubectl.with_input(&format!("create --raw {path} -f -"), &eviction.to_string());
    let refused = evict();
    assert!(refused.code != Some(0) && refused.stderr.contains("disruption budget"), "{refused}");
    kubectl.run("scale deployment/web --replicas=3");
    allowed(1);
    evict().ok();
    kubectl.wait_for(&format!("pod/{pod}"), "delete");
}
