use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::TryStreamExt as _;
use kube::Client;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::Request;
use serde_json::Value;

use super::api_probe::Outages;
use super::outcome::{describe, is_transient, reason};
use super::recorder::Recorder;
use super::resource::{self, Resource};
use crate::scenario::history::{Change, Gap, GapState, KindName, ObjectChange, ObjectEvent};

/// Pauses before a lost watch is opened again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// After this time without an event, a new connection counts as resumed: if its resource version had
/// expired, the API server would say so first.
const UNTIL_RESUMED: Duration = Duration::from_millis(500);
/// The pause between requests for a kind that the API server does not have yet.
const UNTIL_THE_KIND: Duration = Duration::from_millis(500);
/// The time limit for the first list of a kind, including retries.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The number of objects in one page of a list.
const PAGE: u32 = 500;
/// The status of the API server for an expired resource version.
const GONE: u16 = 410;

/// Records the objects of one kind.
pub(super) struct Watch {
    pub client: Client,
    pub kind: KindName,
    /// Restricts the watch to a namespace.
    pub namespace: Option<&'static str>,
    pub recorder: Arc<Recorder>,
    pub outages: Outages,
    resource: Option<Resource>,
    /// The resource version up to which everything is recorded.
    version: String,
    known: BTreeMap<String, (String, Arc<Value>)>,
    /// Whether a gap is open in the record.
    is_lost: bool,
}

/// Why a watch ended.
enum Ended {
    /// The server closed the connection, as it does every few minutes.
    Closed {
        had_events: bool,
    },
    Broken(String),
    /// There was an outage of the API server: an older connection can be dead without a sign.
    Away,
    /// The resource version expired: the objects must be listed again.
    Expired,
}

impl Watch {
    pub fn new(
        client: Client,
        kind: KindName,
        namespace: Option<&'static str>,
        recorder: Arc<Recorder>,
        outages: Outages,
    ) -> Self {
        Self {
            client,
            kind,
            namespace,
            recorder,
            outages,
            resource: None,
            version: String::new(),
            known: BTreeMap::new(),
            is_lost: false,
        }
    }

    /// Records the existing objects.
    ///
    /// # Errors
    /// They cannot be listed within [`TIMEOUT`].
    pub async fn begin(&mut self) -> anyhow::Result<()> {
        let listed = async {
            loop {
                match self.first_list().await {
                    Err(error) if is_temporary(&error) => {
                        tracing::debug!("{}: {error:#}", self.kind);
                        tokio::time::sleep(LONGEST_PAUSE).await;
                    }
                    result => return result,
                }
            }
        };
        let in_time = tokio::time::timeout(TIMEOUT, listed).await;
        let objects = in_time.with_context(|| {
            format!("the API server did not answer for {} s", TIMEOUT.as_secs())
        })??;
        for object in objects {
            self.found(ObjectEvent::Initial, object);
        }
        Ok(())
    }

    async fn first_list(&mut self) -> anyhow::Result<Vec<Value>> {
        self.resource = resource::find(&self.client, &self.kind.0).await?;
        self.list().await
    }

    /// Records every change, until the task is aborted.
    pub async fn run(mut self) {
        if self.resource.is_none() {
            self.await_kind().await;
        }
        let mut pause = FIRST_PAUSE;
        let mut is_expired = false;
        loop {
            if self.outages.is_away() {
                self.lose("the API server does not answer");
            }
            self.outages.while_away().await;
            let ended = match is_expired {
                true => self.relist().await,
                false => self.follow().await,
            };
            match ended {
                Ok(()) => {
                    is_expired = false;
                    pause = FIRST_PAUSE;
                    continue;
                }
                Err(Ended::Closed { had_events }) => {
                    pause = FIRST_PAUSE;
                    if had_events {
                        continue;
                    }
                }
                Err(Ended::Away) => {
                    self.lose("the API server did not answer");
                    continue;
                }
                Err(Ended::Broken(reason)) => self.lose(&reason),
                Err(Ended::Expired) => {
                    self.lose("the resource version of the watch expired");
                    is_expired = true;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits for a kind that the API server does not have yet. All its objects are new.
    async fn await_kind(&mut self) {
        loop {
            let mut outages = self.outages.since_now();
            let listed = tokio::select! {
                listed = self.first_list() => listed,
                () = outages.next() => Ok(Vec::new()),
            };
            match listed {
                Ok(objects) if !self.version.is_empty() => {
                    for object in objects {
                        self.found(ObjectEvent::Added, object);
                    }
                    return;
                }
                Ok(_) => {}
                Err(error) => tracing::debug!("{}: {error:#}", self.kind),
            }
            tokio::time::sleep(UNTIL_THE_KIND).await;
        }
    }

    fn lose(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.is_lost, true) {
            self.gap(GapState::Lost, reason);
        }
    }

    fn resume(&mut self) {
        if std::mem::take(&mut self.is_lost) {
            self.gap(GapState::Resumed, "");
        }
    }

    fn gap(&self, state: GapState, reason: &str) {
        let gap = Gap { kind: self.kind.clone(), state, reason: reason.to_owned() };
        self.recorder.record(Change::Gap(gap));
    }

    /// Follows one connection until it ends.
    async fn follow(&mut self) -> Result<(), Ended> {
        let resource = self.resource.as_ref().ok_or(Ended::Expired)?;
        let request = Request::new(resource.path(self.namespace));
        let parameters = WatchParams { bookmarks: true, ..WatchParams::default() };
        let request = request
            .watch(&parameters, &self.version)
            .map_err(|error| Ended::Broken(error.to_string()))?;
        let mut outages = self.outages.since_now();
        let opened = tokio::select! {
            opened = self.client.request_events::<Value>(request) => opened,
            () = outages.next() => return Err(Ended::Away),
        };
        let stream = match opened {
            Ok(stream) => stream,
            Err(kube::Error::Api(status)) if status.code == GONE => return Err(Ended::Expired),
            Err(error) => return Err(Ended::Broken(reason(&error))),
        };
        let mut stream = std::pin::pin!(stream);
        let mut quiet = std::pin::pin!(tokio::time::sleep(UNTIL_RESUMED));
        let mut had_events = false;
        loop {
            let event = tokio::select! {
                event = stream.try_next() => event,
                () = outages.next() => return Err(Ended::Away),
                () = &mut quiet, if self.is_lost => {
                    self.resume();
                    continue;
                }
            };
            if matches!(&event, Ok(Some(event)) if !matches!(event, WatchEvent::Error(_))) {
                self.resume();
            }
            match event {
                Ok(Some(WatchEvent::Added(object))) => self.heard(ObjectEvent::Added, object),
                Ok(Some(WatchEvent::Modified(object))) => self.heard(ObjectEvent::Modified, object),
                Ok(Some(WatchEvent::Deleted(object))) => self.heard(ObjectEvent::Deleted, object),
                Ok(Some(WatchEvent::Bookmark(bookmark))) => {
                    self.version = bookmark.metadata.resource_version;
                }
                Ok(Some(WatchEvent::Error(status))) if status.code == GONE => {
                    return Err(Ended::Expired);
                }
                Ok(Some(WatchEvent::Error(status))) => return Err(Ended::Broken(status.message)),
                Ok(None) => return Err(Ended::Closed { had_events }),
                Err(error) => return Err(Ended::Broken(reason(&error))),
            }
            had_events = true;
        }
    }

    /// Lists all objects again, and records the differences.
    async fn relist(&mut self) -> Result<(), Ended> {
        let mut outages = self.outages.since_now();
        let listed = tokio::select! {
            listed = self.list() => listed,
            () = outages.next() => return Err(Ended::Away),
        };
        let objects = listed.map_err(|error| Ended::Broken(describe(&error)))?;
        self.relisted(objects);
        Ok(())
    }

    /// Lists all objects, and sets the resource version of the list. Returns none while the API server does
    /// not have the kind.
    async fn list(&mut self) -> anyhow::Result<Vec<Value>> {
        let Some(resource) = &self.resource else { return Ok(Vec::new()) };
        let (api_version, kind) = (resource.api.api_version.clone(), resource.api.kind.clone());
        let request = Request::new(resource.path(self.namespace));
        let mut parameters = ListParams::default().limit(PAGE);
        let mut objects = Vec::new();
        let version = loop {
            let mut list: Value = self.client.request(request.list(&parameters)?).await?;
            if let Value::Array(items) = list["items"].take() {
                objects.extend(items);
            }
            match list["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => {
                    parameters = ListParams::default().limit(PAGE).continue_token(token);
                }
                _ => break version(&list),
            }
        };
        self.version = version;
        for object in &mut objects {
            // Items of a list do not have these fields.
            object["apiVersion"] = api_version.clone().into();
            object["kind"] = kind.clone().into();
        }
        Ok(objects)
    }

    fn relisted(&mut self, objects: Vec<Value>) {
        let mut before = std::mem::take(&mut self.known);
        let mut changed = Vec::new();
        for object in objects {
            let (uid, version) = (uid(&object), version(&object));
            match before.remove(&uid) {
                Some((known, same)) if known == version => {
                    self.known.insert(uid, (version, same));
                }
                _ => changed.push(object),
            }
        }
        let present: Vec<String> = changed.iter().map(uid).collect();
        for (uid, (version, object)) in before {
            if !present.contains(&uid) {
                self.tell(ObjectEvent::Missed, version, object);
            }
        }
        for object in changed {
            self.found(ObjectEvent::Found, object);
        }
        self.is_lost = false;
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

/// Whether a list can succeed when it is repeated. A list of several pages can expire between them.
fn is_temporary(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<kube::Error>()).any(|error| match error {
        kube::Error::Api(status) if status.code == GONE => true,
        error => is_transient(error),
    })
}

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}

fn version(object: &Value) -> String {
    object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
