use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use kube::Client;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::Request;
use serde_json::Value;
use tokio::sync::watch::Receiver;

use super::api_probe::Availability;
use super::outcome::reason;
use super::recorder::Recorder;
use super::resource::{self, Resource};
use crate::scenario::history::{Change, Gap, GapState, KindName, ObjectChange, ObjectEvent};

/// Pauses before a lost watch is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a new connection says nothing before it counts as one that goes on where the last one was:
/// that its place in the history has expired is the first thing that the API server would say.
const UNTIL_RESUMED: Duration = Duration::from_millis(500);
/// How often the API server is asked for a kind that it does not have yet.
const UNTIL_THE_KIND: Duration = Duration::from_secs(1);
/// Objects a list asks for at once.
const PAGE: u32 = 500;

/// One kind of objects on its way into the record.
pub(super) struct Watch {
    pub client: Client,
    pub kind: KindName,
    /// Only objects of this namespace.
    pub namespace: Option<&'static str>,
    pub recorder: Arc<Recorder>,
    /// Tells when the API server is back: a connection from before may be dead without anyone noticing.
    pub api: Receiver<Availability>,
    resource: Option<Resource>,
    version: String,
    known: BTreeMap<String, (String, Arc<Value>)>,
}

/// How a watch came to its end.
enum Ended {
    /// The server closed it, as it does every few minutes.
    Closed,
    /// It broke.
    Broken(String),
    /// Its place in the history is too old: objects have to be listed anew.
    Expired,
}

impl Watch {
    pub fn new(
        client: Client,
        kind: KindName,
        namespace: Option<&'static str>,
        recorder: Arc<Recorder>,
        api: Receiver<Availability>,
    ) -> Self {
        let known = BTreeMap::new();
        let version = String::new();
        Self { client, kind, namespace, recorder, api, resource: None, version, known }
    }

    /// Records the objects that there are.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn begin(&mut self) -> anyhow::Result<()> {
        self.resource = resource::find(&self.client, &self.kind.0).await?;
        let objects = self.list().await?;
        for object in objects {
            self.found(ObjectEvent::Initial, object);
        }
        Ok(())
    }

    /// Records every change, for ever.
    pub async fn run(mut self) {
        while self.resource.is_none() {
            tokio::time::sleep(UNTIL_THE_KIND).await;
            self.resource = resource::find(&self.client, &self.kind.0).await.ok().flatten();
            if self.resource.is_some() {
                self.version = "0".to_owned();
            }
        }
        let mut pause = FIRST_PAUSE;
        let mut lost = false;
        let mut expired = false;
        loop {
            if expired {
                match self.list().await {
                    Ok(objects) => {
                        self.relisted(objects);
                        (expired, lost) = (false, false);
                    }
                    Err(error) => {
                        tracing::debug!("{}: {error:#}", self.kind);
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                        continue;
                    }
                }
            }
            match self.follow(&mut lost).await {
                Ended::Closed => pause = FIRST_PAUSE,
                Ended::Broken(reason) => {
                    self.lose(&mut lost, &reason);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Ended::Expired => {
                    self.lose(&mut lost, "the watch's place in the history has expired");
                    expired = true;
                }
            }
        }
    }

    fn lose(&self, lost: &mut bool, reason: &str) {
        if !*lost {
            self.gap(GapState::Lost, reason);
            *lost = true;
        }
    }

    fn resume(&self, lost: &mut bool) {
        if std::mem::take(lost) {
            self.gap(GapState::Resumed, "");
        }
    }

    fn gap(&self, state: GapState, reason: &str) {
        let gap = Gap { kind: self.kind.clone(), state, reason: reason.to_owned() };
        self.recorder.record(Change::Gap(gap));
    }

    /// Follows one connection to its end.
    async fn follow(&mut self, lost: &mut bool) -> Ended {
        let Some(resource) = &self.resource else { return Ended::Expired };
        let request = Request::new(resource.path(self.namespace));
        let parameters = WatchParams { bookmarks: true, ..WatchParams::default() };
        let request = match request.watch(&parameters, &self.version) {
            Ok(request) => request,
            Err(error) => return Ended::Broken(error.to_string()),
        };
        let stream = match self.client.request_events::<Value>(request).await {
            Ok(stream) => stream,
            Err(kube::Error::Api(status)) if status.code == 410 => return Ended::Expired,
            Err(error) => return Ended::Broken(reason(&error)),
        };
        let mut api = self.api.clone();
        let outages = api.borrow().outages;
        let mut stream = std::pin::pin!(stream);
        let mut quiet = std::pin::pin!(tokio::time::sleep(UNTIL_RESUMED));
        loop {
            let event = tokio::select! {
                event = stream.try_next() => event,
                () = returned_since(&mut api, outages) => {
                    return Ended::Broken("the API server was away".to_owned());
                }
                () = &mut quiet, if *lost => {
                    self.resume(lost);
                    continue;
                }
            };
            if let Ok(Some(event)) = &event
                && !matches!(event, WatchEvent::Error(_))
            {
                self.resume(lost);
            }
            match event {
                Ok(Some(WatchEvent::Added(object))) => self.heard(ObjectEvent::Added, object),
                Ok(Some(WatchEvent::Modified(object))) => self.heard(ObjectEvent::Modified, object),
                Ok(Some(WatchEvent::Deleted(object))) => self.heard(ObjectEvent::Deleted, object),
                Ok(Some(WatchEvent::Bookmark(bookmark))) => {
                    self.version = bookmark.metadata.resource_version;
                }
                Ok(Some(WatchEvent::Error(status))) if status.code == 410 => return Ended::Expired,
                Ok(Some(WatchEvent::Error(status))) => return Ended::Broken(status.message),
                Ok(None) => return Ended::Closed,
                Err(error) => return Ended::Broken(reason(&error)),
            }
        }
    }

    /// All objects, and from now on the place in the history at which they were so.
    async fn list(&mut self) -> anyhow::Result<Vec<Value>> {
        let Some(resource) = &self.resource else { return Ok(Vec::new()) };
        let (api_version, kind) = (resource.api.api_version.clone(), resource.api.kind.clone());
        let request = Request::new(resource.path(self.namespace));
        let mut parameters = ListParams::default().limit(PAGE);
        let mut objects = Vec::new();
        loop {
            let mut list: Value = self.client.request(request.list(&parameters)?).await?;
            if let Value::Array(items) = list["items"].take() {
                objects.extend(items);
            }
            let metadata = &list["metadata"];
            metadata["resourceVersion"].as_str().unwrap_or_default().clone_into(&mut self.version);
            match metadata["continue"].as_str() {
                Some(token) if !token.is_empty() => {
                    parameters = ListParams::default().limit(PAGE).continue_token(token);
                }
                _ => break,
            }
        }
        for object in &mut objects {
            // Items of a list do not name their kind.
            object["apiVersion"] = api_version.clone().into();
            object["kind"] = kind.clone().into();
        }
        Ok(objects)
    }

    fn relisted(&mut self, objects: Vec<Value>) {
        let before = std::mem::take(&mut self.known);
        for object in objects {
            let (uid, version) = (uid(&object), version(&object));
            match before.get(&uid) {
                Some((known, same)) if *known == version => {
                    self.known.insert(uid, (version, same.clone()));
                }
                _ => self.found(ObjectEvent::Found, object),
            }
        }
        for (uid, (version, object)) in before {
            if !self.known.contains_key(&uid) {
                self.tell(ObjectEvent::Missed, version, object);
            }
        }
        self.gap(GapState::Relisted, "");
    }

    fn heard(&mut self, event: ObjectEvent, object: Value) {
        self.version = version(&object);
        self.found(event, object);
    }

    fn found(&mut self, event: ObjectEvent, mut object: Value) {
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        let (uid, version, object) = (uid(&object), version(&object), Arc::new(object));
        if event == ObjectEvent::Deleted {
            self.known.remove(&uid);
        } else {
            self.known.insert(uid, (version.clone(), object.clone()));
        }
        self.tell(event, version, object);
    }

    fn tell(&self, event: ObjectEvent, resource_version: String, object: Arc<Value>) {
        let kind = self.kind.clone();
        let change = ObjectChange { event, kind, resource_version, object };
        self.recorder.record(Change::Object(Box::new(change)));
    }
}

/// Waits until the API server is back from an outage later than these.
async fn returned_since(api: &mut Receiver<Availability>, outages: u64) {
    loop {
        let now = *api.borrow_and_update();
        if now.is_available && now.outages > outages {
            return;
        }
        if api.changed().await.is_err() {
            // Nobody asks any more: the run is over.
            std::future::pending::<()>().await;
        }
    }
}

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}

fn version(object: &Value) -> String {
    object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
}
