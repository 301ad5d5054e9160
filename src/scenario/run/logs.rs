use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncBufReadExt as _, TryStreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};
use serde_json::Value;
use tokio::task::JoinSet;

use super::session::Session;
use crate::scenario::history::{Change, LogLine};

/// One run of a container. Its log is one stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Container {
    namespace: String,
    pod: String,
    name: String,
    /// The container runtime's identifier. A restarted container gets another one.
    id: String,
}

/// The time during which changes are collected before pods are checked again.
const GATHER: Duration = Duration::from_millis(100);
/// The pause before a broken log stream is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// Records the logs of the scenario's selected pods, until the task is aborted.
pub(super) async fn follow(session: Arc<Session>) {
    let mut changes = session.recorder.changes();
    let mut followed = BTreeSet::new();
    let mut streams = JoinSet::new();
    loop {
        for selection in &session.scenario.record.logs {
            for pod in session.recorder.select(selection) {
                for container in started(&pod) {
                    if followed.insert(container.clone()) {
                        streams.spawn(record(session.clone(), container));
                    }
                }
            }
        }
        tokio::time::sleep(GATHER).await;
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// The containers of a pod that have started.
fn started(pod: &Value) -> Vec<Container> {
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
    let fields = ["initContainerStatuses", "containerStatuses"];
    let statuses = fields.into_iter().filter_map(|field| pod["status"][field].as_array());
    statuses
        .flatten()
        .filter(|status| status["state"]["waiting"].is_null())
        .filter_map(|status| {
            Some(Container {
                namespace: text("namespace"),
                pod: text("name"),
                name: status["name"].as_str()?.to_owned(),
                id: status["containerID"].as_str()?.to_owned(),
            })
        })
        .collect()
}

/// Records a container's log to its end, across broken connections.
async fn record(session: Arc<Session>, container: Container) {
    let mut last = None;
    loop {
        let before = last;
        match read(&session, &container, &mut last).await {
            // Nothing new: the log has ended.
            Ok(()) if last == before => return,
            Ok(()) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => return,
            Err(error) => tracing::debug!("the log of {}: {error}", container.pod),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Records the lines after `last`, until the connection ends.
async fn read(
    session: &Session,
    container: &Container,
    last: &mut Option<Timestamp>,
) -> Result<(), kube::Error> {
    let Container { namespace, pod, name, .. } = container;
    let since = *last;
    let pods: Api<Pod> = Api::namespaced(session.client.clone(), namespace);
    let parameters = LogParams {
        container: Some(name.clone()),
        follow: true,
        timestamps: true,
        since_time: since,
        ..LogParams::default()
    };
    let source = format!("pod/{namespace}/{pod}/{name}");
    let mut lines = pods.log_stream(pod, &parameters).await?.lines();
    while let Some(line) = lines.try_next().await.map_err(kube::Error::ReadEvents)? {
        let (time, line) = line.split_once(' ').unwrap_or((&line, ""));
        let time: Option<Timestamp> = time.parse().ok();
        // `sinceTime` has a resolution of one second.
        if time.is_some() && time <= since {
            continue;
        }
        *last = time.or(*last);
        let log = LogLine { source: source.clone(), line: line.to_owned() };
        session.recorder.record(Change::Log(Box::new(log)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scenario::history::{KindName, ObjectChange, ObjectEvent};
    use crate::scenario::run::fixture::{Stage, after_lines, pod, scenario};

    #[test]
    fn a_waiting_container_has_no_log() {
        let status = |name: &str, id: &str, state: Value| json!({ "name": name, "containerID": id, "state": state });
        let pod = json!({
            "metadata": { "namespace": "default", "name": "web-1" },
            "status": { "containerStatuses": [
                status("a", "containerd://1", json!({ "running": {} })),
                status("b", "containerd://2", json!({ "terminated": {} })),
                status("c", "containerd://3", json!({ "waiting": {} })),
            ] },
        });
        let ids: Vec<String> = started(&pod).into_iter().map(|container| container.id).collect();
        assert_eq!(ids, ["containerd://1", "containerd://2"]);
        assert_eq!(started(&json!({})), []);
    }

    #[tokio::test(start_paused = true)]
    async fn continues_a_broken_log_without_repeating_lines() {
        let logs = json!({ "record": { "logs": ["web"] } });
        let stage = Stage::of(scenario(json!([]), logs)).await;
        let log = "GET /api/v1/namespaces/default/pods/web-1/log";
        let (first, second) = (stage.api.feeds(log), stage.api.feeds(log));
        drop(stage.api.feeds(log));
        let follower = tokio::spawn(follow(stage.session.clone()));
        let mut web = pod("web-1", "5");
        web["status"] = json!({ "containerStatuses": [
            { "name": "main", "containerID": "containerd://1", "state": { "running": {} } },
        ] });
        let change = ObjectChange {
            event: ObjectEvent::Added,
            kind: KindName("v1/Pod".into()),
            resource_version: "5".to_owned(),
            object: Arc::new(web),
        };
        stage.session.recorder.record(Change::Object(Box::new(change)));
        first.line("2026-01-01T00:00:00.1Z one");
        first.line("2026-01-01T00:00:00.1Z two");
        first.breaks();
        second.line("2026-01-01T00:00:00.1Z two");
        second.line("2026-01-01T00:00:00.2Z three");
        drop(second);
        let lines = after_lines(4, &stage.session.recorder, &stage.folder).await;
        let source = "pod/default/web-1/main";
        let expected = ["one", "two", "three"].map(|line| format!("{source}: {line}"));
        assert_eq!(lines[1..], expected);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let asked = stage.api.asked_for(log);
        assert_eq!(asked.len(), 3, "the log ends when there are no new lines");
        assert!(asked[1].query.contains("sinceTime=2026-01-01T00"), "{}", asked[1].query);
        follower.abort();
    }
}
