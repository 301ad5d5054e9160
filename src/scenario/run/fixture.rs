//! A session on a cluster of the fake engine, with an API server that a test scripts.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use http::{Request, Response};
use jiff::Timestamp;
use kube::Client;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::recorder::Recorder;
use super::session::{RunState, Session};
use crate::cluster::fixture::{THREE, engine, make};
use crate::progress::Progress;
use crate::runtime::fake::FakeEngine;
use crate::scenario::history::{Begin, Change, Entry, Reader};
use crate::scenario::judge::Program;
use crate::scenario::language::{Scenario, Timing};

type Chunk = Result<String, std::io::Error>;

/// The answer to a request.
pub(super) enum Answer {
    /// A status code and a body.
    Json(u16, Value),
    /// The connection is refused, or breaks before an answer.
    Broken,
    /// No answer, ever.
    Silence,
    /// A body that the test writes piece by piece.
    Stream(UnboundedReceiver<Chunk>),
}

/// The end of a stream that the test writes to.
pub(super) struct Feed(UnboundedSender<Chunk>);

impl Feed {
    /// Sends an event of a watch.
    pub fn event(&self, event: &str, object: Value) {
        self.line(&json!({ "type": event, "object": object }).to_string());
    }

    /// Sends a line.
    pub fn line(&self, line: &str) {
        self.0.unbounded_send(Ok(format!("{line}\n"))).unwrap();
    }

    /// Breaks the connection. Dropping the feed closes it cleanly.
    pub fn breaks(self) {
        let error = std::io::Error::other("connection reset");
        self.0.unbounded_send(Err(error)).unwrap();
    }
}

/// A received request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    /// Such as `GET /api/v1/pods` or `WATCH /api/v1/pods`.
    pub what: String,
    pub query: String,
    /// `null` when there is none.
    pub body: Value,
}

/// A scripted API server. It gives the answers to a request in order, and repeats the last one unless that
/// is a stream. Without an answer, a watch stays silent, and any other request gets "not found".
#[derive(Clone, Default)]
pub(super) struct FakeApi(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    answers: BTreeMap<String, VecDeque<Answer>>,
    asked: Vec<Asked>,
}

impl FakeApi {
    /// Adds an answer to a request such as `GET /api/v1/pods`.
    pub fn on(&self, what: &str, answer: Answer) -> &Self {
        self.0.lock().unwrap().answers.entry(what.to_owned()).or_default().push_back(answer);
        self
    }

    /// Replaces the answers to a request by this one.
    pub fn now(&self, what: &str, answer: Answer) -> &Self {
        self.0.lock().unwrap().answers.remove(what);
        self.on(what, answer)
    }

    /// Answers with status 200 and a body.
    pub fn gives(&self, what: &str, body: Value) -> &Self {
        self.on(what, Answer::Json(200, body))
    }

    /// Answers with an error.
    pub fn refuses(&self, what: &str, code: u16, message: &str) -> &Self {
        self.on(what, Answer::Json(code, refusal(code, message)))
    }

    /// Answers with a stream that the test writes.
    pub fn feeds(&self, what: &str) -> Feed {
        let (sender, receiver) = unbounded();
        self.on(what, Answer::Stream(receiver));
        Feed(sender)
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().asked.clone()
    }

    /// The requests of one kind so far.
    pub fn asked_for(&self, what: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.what == what).collect()
    }

    /// A client of this API server.
    pub fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let api = api.clone();
            async move { api.answer(request).await }
        });
        Client::new(service, "default")
    }

    async fn answer(
        &self,
        request: Request<kube::client::Body>,
    ) -> std::io::Result<Response<reqwest::Body>> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let watches = query.contains("watch=true");
        let method = if watches { "WATCH" } else { request.method().as_str() };
        let what = format!("{method} {}", request.uri().path());
        let body = request.into_body().collect_bytes().await.unwrap();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        match self.next(Asked { what, query, body }, watches) {
            Answer::Json(code, body) => {
                let response = Response::builder().status(code);
                Ok(response.body(body.to_string().into()).unwrap())
            }
            Answer::Broken => Err(std::io::Error::other("connection refused")),
            Answer::Silence => std::future::pending().await,
            Answer::Stream(stream) => Ok(Response::new(reqwest::Body::wrap_stream(stream))),
        }
    }

    fn next(&self, asked: Asked, watches: bool) -> Answer {
        let mut script = self.0.lock().unwrap();
        let answers = script.answers.entry(asked.what.clone()).or_default();
        let answer = match (answers.len(), answers.front()) {
            (1, Some(Answer::Json(code, body))) => Answer::Json(*code, body.clone()),
            (1, Some(Answer::Broken)) => Answer::Broken,
            (1, Some(Answer::Silence)) => Answer::Silence,
            (0, _) if watches => Answer::Silence,
            (0, _) => Answer::Json(404, refusal(404, &format!("{} not found", asked.what))),
            _ => answers.pop_front().unwrap(),
        };
        script.asked.push(asked);
        answer
    }
}

/// The body of an error.
pub(super) fn refusal(code: u16, message: &str) -> Value {
    let reason = match code {
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        410 => "Expired",
        _ => "InternalError",
    };
    json!({
        "kind": "Status", "status": "Failure", "code": code, "message": message, "reason": reason,
    })
}

/// A scenario with these steps and the fields of `rest`.
pub(super) fn scenario(steps: Value, rest: Value) -> Scenario {
    let mut scenario = json!({
        "apiVersion": "kindrs.dev/v1alpha1",
        "kind": "Scenario",
        "metadata": { "name": "test" },
        "selections": { "web": { "kind": "Pod", "labels": "app=web" } },
        "steps": steps,
    });
    for (field, value) in rest.as_object().into_iter().flatten() {
        scenario[field] = value.clone();
    }
    serde_json::from_value(scenario).unwrap()
}

/// A recorder of a scenario that writes to a folder.
pub(super) fn recorder(scenario: &Scenario, folder: &TempDir) -> Arc<Recorder> {
    let program = Program::compile(scenario).unwrap_or_else(|invalid| panic!("{invalid:#?}"));
    let begin = Begin {
        format: 1,
        kindrs: String::new(),
        scenario: "test".into(),
        time: Timestamp::UNIX_EPOCH,
        cluster: "dev".into(),
        kubernetes: "v1.37.2".into(),
        timing: Timing::Default,
        variables: Map::new(),
        kinds: Vec::new(),
    };
    let path = folder.path().join("history.jsonl");
    Arc::new(Recorder::begin(&path, Arc::new(program), begin).unwrap())
}

/// The record in a folder.
pub(super) fn entries(folder: &TempDir) -> Vec<Entry> {
    let reader = Reader::open(&folder.path().join("history.jsonl"), None).unwrap();
    reader.map(Result::unwrap).collect()
}

/// A record's lines about objects, gaps, the API server, faults and logs, abbreviated.
pub(super) fn lines(folder: &TempDir) -> Vec<String> {
    let line = |entry: Entry| match entry.change {
        Change::Object(change) => {
            let name = change.object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            Some(format!("{:?} {name} {}", change.event, change.resource_version))
        }
        Change::Gap(gap) => Some(format!("{:?} {}", gap.state, gap.reason).trim_end().to_owned()),
        Change::Api(api) if api.available => Some("API".to_owned()),
        Change::Api(api) => Some(format!("no API: {}", api.reason)),
        Change::Fault(fault) => Some(format!("{:?} {}", fault.state, fault.step)),
        Change::Log(log) => Some(format!("{}: {}", log.source, log.line)),
        _ => None,
    };
    entries(folder).into_iter().filter_map(line).collect()
}

/// Waits until [`lines`] has `count` lines, and returns them.
pub(super) async fn after_lines(
    count: usize,
    recorder: &Recorder,
    folder: &TempDir,
) -> Vec<String> {
    let mut changes = recorder.changes();
    let enough = async {
        while lines(folder).len() < count {
            changes.changed().await.unwrap();
        }
    };
    let timeout = std::time::Duration::from_secs(600);
    let in_time = tokio::time::timeout(timeout, enough).await;
    assert!(in_time.is_ok(), "only {:#?}", lines(folder));
    lines(folder)
}

/// A pod of the selection `web`.
pub(super) fn pod(name: &str, version: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": format!("uid-{name}"),
            "resourceVersion": version,
            "labels": { "app": "web" },
        },
    })
}

/// A session with its fakes.
pub(super) struct Stage {
    pub session: Arc<Session>,
    pub engine: Arc<FakeEngine>,
    pub api: FakeApi,
    pub folder: TempDir,
}

impl Stage {
    /// Creates a session on cluster `dev`, which has one control plane and two workers. Its API server is
    /// ready and has no objects.
    pub async fn of(scenario: Scenario) -> Self {
        let engine = engine();
        make(&engine, "dev", 1, &THREE).await;
        let engine = Arc::new(engine);
        let folder = tempfile::tempdir().unwrap();
        let api = FakeApi::default();
        api.gives("GET /readyz", json!("ok"));
        let session = Arc::new(Session {
            engine: engine.clone(),
            cluster: "dev".into(),
            client: api.client(),
            recorder: recorder(&scenario, &folder),
            scenario,
            variables: Map::new(),
            folder: PathBuf::new(),
            progress: Progress::silent(),
            state: RunState::default(),
        });
        let recorder = session.recorder.clone();
        tokio::spawn(async move { recorder.keep_time().await });
        Self { session, engine, api, folder }
    }

    /// Creates a session for a scenario with these steps.
    pub async fn with(steps: Value) -> Self {
        Self::of(scenario(steps, json!({}))).await
    }

    /// Runs the steps, and returns their ends.
    pub async fn run(&self) -> Vec<String> {
        super::execute::execute(&self.session).await;
        self.ends()
    }

    /// The ends of the steps, abbreviated.
    pub fn ends(&self) -> Vec<String> {
        let reports = self.session.reports(&self.session.scenario.steps);
        let end = |step: crate::scenario::outcome::StepReport| {
            format!("{} {:?} {}", step.name, step.state, step.detail).trim_end().to_owned()
        };
        reports.into_iter().map(end).collect()
    }
}
