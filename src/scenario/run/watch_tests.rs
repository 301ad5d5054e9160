use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch::Sender;
use tokio::task::JoinHandle;

use super::*;
use crate::scenario::history::Entry;
use crate::scenario::run::fixture::{
    Answer, FakeApi, after_lines, entries, lines, pod, recorder, refusal, scenario,
};

const LIST: &str = "GET /api/v1/pods";
const WATCH: &str = "WATCH /api/v1/pods";

/// A watch of pods.
struct Under {
    api: FakeApi,
    recorder: Arc<Recorder>,
    folder: TempDir,
    outages: Sender<u64>,
    heard: Outages,
}

impl Under {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recorder = recorder(&scenario(json!([]), json!({})), &folder);
        let (outages, heard) = Outages::channel();
        Self { api: FakeApi::default(), recorder, folder, outages, heard }
    }

    fn watch(&self, kind: &str) -> Watch {
        let kind = KindName(kind.into());
        Watch::new(self.api.client(), kind, None, self.recorder.clone(), self.heard.clone())
    }

    async fn begin(&self) -> JoinHandle<()> {
        let mut watch = self.watch("v1/Pod");
        watch.begin().await.unwrap();
        tokio::spawn(watch.run())
    }

    /// The record's lines, once there are `count`.
    async fn lines(&self, count: usize) -> Vec<String> {
        after_lines(count, &self.recorder, &self.folder).await
    }

    /// The record's lines after a long time.
    async fn lines_later(&self) -> Vec<String> {
        tokio::time::sleep(Duration::from_secs(30)).await;
        lines(&self.folder)
    }

    fn toggle_api(&self) {
        self.outages.send_modify(|count| *count += 1);
    }
}

fn list(version: &str, pods: &[Value]) -> Value {
    json!({ "metadata": { "resourceVersion": version }, "items": pods })
}

fn bookmark(version: &str) -> Value {
    json!({ "kind": "Pod", "apiVersion": "v1", "metadata": { "resourceVersion": version } })
}

/// The resource versions of the watch requests.
fn places(api: &FakeApi) -> Vec<String> {
    let place = |query: &str| {
        query.split('&').find_map(|part| part.strip_prefix("resourceVersion=")).map(str::to_owned)
    };
    api.asked_for(WATCH).iter().filter_map(|asked| place(&asked.query)).collect()
}

#[tokio::test(start_paused = true)]
async fn lists_objects_and_follows_changes() {
    let under = Under::new();
    let mut managed = pod("a", "3");
    managed["metadata"]["managedFields"] = json!([{ "manager": "kubelet" }]);
    // Items of a list do not have a kind.
    managed.as_object_mut().unwrap().remove("kind");
    under.api.gives(LIST, list("5", &[managed]));
    let feed = under.api.feeds(WATCH);
    let _watch = under.begin().await;
    feed.event("ADDED", pod("b", "6"));
    feed.event("MODIFIED", pod("a", "7"));
    feed.event("DELETED", pod("b", "8"));
    let lines = under.lines(4).await;
    assert_eq!(lines, ["Initial a 3", "Added b 6", "Modified a 7", "Deleted b 8"]);
    assert_eq!(places(&under.api), ["5"]);
    let first = entries(&under.folder).into_iter().find_map(|entry| match entry {
        Entry { change: Change::Object(change), .. } => Some(change),
        _ => None,
    });
    let first = first.unwrap();
    assert_eq!(first.object["kind"], "Pod");
    assert_eq!(first.object["metadata"]["managedFields"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn resumes_a_watch_that_the_server_closed() {
    let under = Under::new();
    under.api.gives(LIST, list("5", &[]));
    let (first, second, third) =
        (under.api.feeds(WATCH), under.api.feeds(WATCH), under.api.feeds(WATCH));
    let _watch = under.begin().await;
    first.event("ADDED", pod("a", "6"));
    drop(first);
    second.event("BOOKMARK", bookmark("90"));
    drop(second);
    third.event("ADDED", pod("b", "91"));
    assert_eq!(under.lines(2).await, ["Added a 6", "Added b 91"]);
    assert_eq!(places(&under.api), ["5", "6", "90"]);
}

#[tokio::test(start_paused = true)]
async fn pauses_when_the_server_closes_at_once() {
    let under = Under::new();
    under.api.gives(LIST, list("5", &[]));
    for _ in 0..100 {
        drop(under.api.feeds(WATCH));
    }
    let _watch = under.begin().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let asked = under.api.asked_for(WATCH).len();
    assert!((2..=21).contains(&asked), "{asked} times in a second");
    assert_eq!(lines(&under.folder), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_one_gap() {
    let under = Under::new();
    under.api.gives(LIST, list("5", &[]));
    let first = under.api.feeds(WATCH);
    let _watch = under.begin().await;
    first.event("ADDED", pod("a", "6"));
    under.lines(1).await;
    under.api.now(WATCH, Answer::Broken);
    first.breaks();
    under.lines(2).await;
    assert_eq!(under.lines_later().await.len(), 2, "further tries add no gap");
    let tries = under.api.asked_for(WATCH).len();
    assert!((20..=50).contains(&tries), "{tries} tries in half a minute");
    under.api.now(WATCH, Answer::Broken);
    let second = under.api.feeds(WATCH);
    second.event("MODIFIED", pod("a", "7"));
    let lines = under.lines(4).await;
    assert!(lines[1].starts_with("Lost"), "{lines:?}");
    assert_eq!(lines[2..], ["Resumed", "Modified a 7"]);
    assert_eq!(places(&under.api).last().unwrap(), "6");
    assert_eq!(under.lines_later().await, lines);
}

#[tokio::test(start_paused = true)]
async fn relists_after_an_expired_gap() {
    for as_event in [false, true] {
        let under = Under::new();
        under.api.gives(
            LIST,
            list(
                "5",
                &[pod("same", "1"), pod("changed", "2"), pod("gone", "3"), pod("again", "4")],
            ),
        );
        let mut again = pod("again", "50");
        again["metadata"]["uid"] = json!("uid-another");
        let now = [pod("same", "1"), pod("changed", "40"), again, pod("new", "60")];
        under.api.gives(LIST, list("70", &now));
        if as_event {
            under.api.feeds(WATCH).event("ERROR", refusal(410, "too old"));
        } else {
            under.api.refuses(WATCH, 410, "too old");
        }
        let feed = under.api.feeds(WATCH);
        let _watch = under.begin().await;
        feed.event("DELETED", pod("new", "71"));
        let lines = under.lines(12).await;
        let expected = [
            "Initial same 1",
            "Initial changed 2",
            "Initial gone 3",
            "Initial again 4",
            "Lost the resource version of the watch expired",
            "Missed again 4",
            "Missed gone 3",
            "Found changed 40",
            "Found again 50",
            "Found new 60",
            "Relisted",
            "Deleted new 71",
        ];
        assert_eq!(lines, expected, "as event: {as_event}");
        assert_eq!(places(&under.api), ["5", "70"]);
    }
}

#[tokio::test(start_paused = true)]
async fn repeats_a_relist_that_fails() {
    let under = Under::new();
    under.api.gives(LIST, list("5", &[pod("a", "1")]));
    let mut page = list("70", &[pod("a", "1")]);
    page["metadata"]["continue"] = json!("more");
    under.api.gives(LIST, page.clone()).refuses(LIST, 500, "etcd leader changed");
    under.api.gives(LIST, page).refuses(LIST, 410, "the provided continue parameter is too old");
    under.api.gives(LIST, list("80", &[pod("a", "1"), pod("b", "2")]));
    under.api.refuses(WATCH, 410, "too old");
    let feed = under.api.feeds(WATCH);
    let _watch = under.begin().await;
    feed.event("MODIFIED", pod("a", "81"));
    let lines = under.lines(5).await;
    let expected = [
        "Initial a 1",
        "Lost the resource version of the watch expired",
        "Found b 2",
        "Relisted",
        "Modified a 81",
    ];
    assert_eq!(lines, expected);
    assert_eq!(places(&under.api), ["5", "80"]);
}

#[tokio::test(start_paused = true)]
async fn reads_a_list_in_pages() {
    let under = Under::new();
    let mut page = list("5", &[pod("a", "1")]);
    page["metadata"]["continue"] = json!("more");
    under.api.gives(LIST, page).gives(LIST, list("5", &[pod("b", "2")]));
    let _watch = under.begin().await;
    assert_eq!(under.lines(2).await, ["Initial a 1", "Initial b 2"]);
    let queries: Vec<String> =
        under.api.asked_for(LIST).into_iter().map(|asked| asked.query).collect();
    assert_eq!(queries, ["&limit=500", "&limit=500&continue=more"]);
}

#[tokio::test(start_paused = true)]
async fn retries_the_first_list() {
    let under = Under::new();
    under.api.refuses(LIST, 503, "not yet").on(LIST, Answer::Broken);
    under.api.gives(LIST, list("5", &[pod("a", "1")]));
    let _watch = under.begin().await;
    assert_eq!(lines(&under.folder), ["Initial a 1"]);
}

#[tokio::test(start_paused = true)]
async fn fails_if_the_first_list_gets_no_answer() {
    let under = Under::new();
    under.api.on(LIST, Answer::Silence);
    let error = under.watch("v1/Pod").begin().await.unwrap_err();
    assert!(
        format!("{error:#}").starts_with("the API server did not answer for 30 s"),
        "{error:#}"
    );
    under.api.now(LIST, Answer::Json(403, refusal(403, "you may not")));
    let error = under.watch("v1/Pod").begin().await.unwrap_err();
    assert!(format!("{error:#}").contains("you may not"), "{error:#}");
}

#[tokio::test(start_paused = true)]
async fn waits_for_a_kind_that_does_not_exist_yet() {
    let under = Under::new();
    let mut watch = under.watch("example.com/v1/Widget");
    watch.begin().await.unwrap();
    let _watch = tokio::spawn(watch.run());
    assert_eq!(under.lines_later().await, Vec::<String>::new());
    let resources = json!({
        "kind": "APIResourceList",
        "groupVersion": "example.com/v1",
        "resources": [{
            "name": "widgets", "singularName": "widget", "namespaced": true, "kind": "Widget",
            "verbs": ["get", "list", "watch"],
        }],
    });
    let feed = under.api.feeds("WATCH /apis/example.com/v1/widgets");
    // The definition exists before the kind is served.
    under.api.gives("GET /apis/example.com/v1", resources);
    under.api.refuses("GET /apis/example.com/v1/widgets", 503, "not yet");
    under.api.gives("GET /apis/example.com/v1/widgets", list("9", &[pod("mine", "8")]));
    feed.event("DELETED", pod("mine", "10"));
    let lines = under.lines(2).await;
    // The object cannot have existed when the record began.
    assert_eq!(lines, ["Added mine 8", "Deleted mine 10"]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_api_server_is_one_gap_and_reconnects() {
    let under = Under::new();
    under.api.gives(LIST, list("5", &[]));
    // A frozen API server closes no connection.
    let frozen = under.api.feeds(WATCH);
    let second = under.api.feeds(WATCH);
    let _watch = under.begin().await;
    frozen.event("ADDED", pod("a", "6"));
    under.lines(1).await;
    under.toggle_api();
    assert_eq!(under.lines_later().await, ["Added a 6", "Lost the API server did not answer"]);
    assert_eq!(places(&under.api), ["5"], "no request during the outage");
    under.toggle_api();
    second.event("DELETED", pod("a", "7"));
    let lines = under.lines(4).await;
    assert_eq!(lines[2..], ["Resumed", "Deleted a 7"]);
    assert_eq!(places(&under.api), ["5", "6"]);
    assert_eq!(under.lines_later().await, lines);
}

#[tokio::test(start_paused = true)]
async fn drops_a_hanging_connection_at_an_outage() {
    let under = Under::new();
    under.api.gives(LIST, list("5", &[]));
    under.api.on(WATCH, Answer::Silence);
    let _watch = under.begin().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    under.api.now(WATCH, Answer::Broken);
    let feed = under.api.feeds(WATCH);
    under.toggle_api();
    under.toggle_api();
    feed.event("ADDED", pod("a", "6"));
    let lines = under.lines(3).await;
    assert_eq!(lines, ["Lost the API server did not answer", "Resumed", "Added a 6"]);
}
