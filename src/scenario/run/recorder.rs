use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::lock::lock;
use crate::scenario::history::{
    Begin, Change, End, Entry, KindName, Moment, ObjectEvent, VerdictEntry, Writer,
};
use crate::scenario::judge::{Evaluator, Program, in_order};
use crate::scenario::language::SelectionRef;
use crate::scenario::outcome::{Judgement, Verdict};

/// The longest time to wait for a watch that is behind the API server's answers.
const LONGEST_LAG: Duration = Duration::from_secs(2);

/// Collects everything that happens, in one order: each change gets its moment, and goes to the record and
/// to the evaluator.
pub(super) struct Recorder {
    program: Arc<Program>,
    started: Instant,
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

/// A change of an object that the API server has confirmed.
pub(super) struct Written {
    pub kind: KindName,
    pub state: WrittenState,
}

pub(super) enum WrittenState {
    /// The object has this resource version. Resource versions are compared as numbers:
    /// <https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/5504-comparable-resource-version>.
    Version(u64),
    Deleted(String),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub at: Moment,
    /// The number of verdicts before it.
    verdicts: usize,
}

struct State {
    writer: Writer,
    evaluator: Evaluator,
    judgements: Vec<Judgement>,
    /// The latest resource version of each kind that a watch has delivered.
    latest: HashMap<KindName, u64>,
    deleted: HashSet<String>,
    /// The first failure to write. The record is incomplete.
    broken: Option<std::io::Error>,
    has_ended: bool,
}

impl Recorder {
    /// Creates a record at `path`.
    pub fn begin(path: &Path, program: Arc<Program>, begin: Begin) -> std::io::Result<Self> {
        let state = State {
            writer: Writer::create(path)?,
            evaluator: Evaluator::new(program.clone()),
            judgements: Vec::new(),
            latest: HashMap::new(),
            deleted: HashSet::new(),
            broken: None,
            has_ended: false,
        };
        let (changes, _) = watch::channel(0);
        let recorder = Self { program, started: Instant::now(), state: Mutex::new(state), changes };
        recorder.record(Change::Begin(Box::new(begin)));
        Ok(recorder)
    }

    /// Records a change that happened now, and returns its place. Does nothing after the end.
    pub fn record(&self, change: Change) -> Mark {
        let mut state = lock(&self.state);
        let at = self.now();
        let mark = Mark { at, verdicts: state.judgements.len() };
        if !state.has_ended {
            state.write(Entry { at, change });
            state.collect(at);
        }
        drop(state);
        self.changes.send_modify(|count| *count += 1);
        mark
    }

    pub fn now(&self) -> Moment {
        Moment(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Notifies of every line and every verdict.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub fn select(&self, selection: &SelectionRef) -> Vec<Arc<Value>> {
        lock(&self.state).evaluator.select(selection).unwrap_or_default()
    }

    /// Waits until no `after` assertion waits for something that must follow.
    pub async fn followed(&self) {
        self.until(|state| state.evaluator.waits_until().is_none().then_some(())).await;
    }

    /// Waits until a confirmed change of an object is in the record, so that the next steps see it. Gives
    /// up after a while, because a watch can be lost. Does not wait for kinds that are not recorded.
    pub async fn caught_up(&self, written: &Written) {
        let caught_up = self.until(|state| state.has(written).then_some(()));
        let _ = tokio::time::timeout(LONGEST_LAG, caught_up).await;
    }

    /// Waits for the verdict on a step that started at `since`. Verdicts on earlier tries do not count.
    pub async fn decided(&self, step: &str, since: Mark) -> Judgement {
        self.until(|state| {
            // A deadline before the start of the step can be reported together with the start.
            let is_it = |judgement: &&Judgement| {
                judgement.step.as_deref() == Some(step) && judgement.decided >= since.at
            };
            state.judgements.iter().skip(since.verdicts).find(is_it).cloned()
        })
        .await
    }

    /// Waits until an assertion fails for which `stops` is true.
    pub async fn breached(&self, stops: impl Fn(&Judgement) -> bool) -> Judgement {
        let is_it = |judgement: &&Judgement| judgement.verdict == Verdict::Fail && stops(judgement);
        self.until(|state| state.judgements.iter().find(is_it).cloned()).await
    }

    /// Waits until a line of the record cannot be written, and returns why.
    pub async fn broken(&self) -> String {
        self.until(|state| state.broken.as_ref().map(ToString::to_string)).await
    }

    async fn until<T>(&self, find: impl Fn(&State) -> Option<T>) -> T {
        let mut changes = self.changes();
        loop {
            if let Some(found) = find(&lock(&self.state)) {
                return found;
            }
            // The sender lives as long as the recorder.
            let _ = changes.changed().await;
        }
    }

    /// Decides assertions when their time ends, until the task is aborted.
    pub async fn keep_time(&self) {
        let mut changes = self.changes();
        loop {
            let deadline = lock(&self.state).evaluator.next_deadline();
            let left = match deadline {
                // An entry at the deadline itself is still in time.
                Some(deadline) => deadline - self.now() + Duration::from_micros(1),
                None => Duration::MAX,
            };
            tokio::select! {
                () = sleep(left) => {
                    let mut state = lock(&self.state);
                    let now = self.now();
                    if !state.has_ended {
                        state.evaluator.advance(now);
                        state.collect(now);
                    }
                    drop(state);
                    self.changes.send_modify(|count| *count += 1);
                }
                _ = changes.changed() => {}
            }
        }
    }

    /// Ends the record and decides all remaining assertions. Returns the last verdict on each assertion, in
    /// the order of the scenario, and the first failure to write the record.
    pub fn end(&self, interrupted: bool) -> (Vec<Judgement>, std::io::Result<()>) {
        let mut state = lock(&self.state);
        let at = self.now();
        state.has_ended = true;
        state.evaluator.finish(at, interrupted);
        state.collect(at);
        let lines = state.writer.lines().clone();
        state.write_line(&Entry { at, change: Change::End(End { interrupted, lines }) });
        state.flush();
        let judgements = in_order(&self.program, std::mem::take(&mut state.judgements));
        (judgements, state.broken.take().map_or(Ok(()), Err))
    }
}

impl State {
    fn write(&mut self, entry: Entry) {
        self.write_line(&entry);
        self.evaluator.accept(&entry);
        if let Change::Object(change) = &entry.change {
            let version: u64 = change.resource_version.parse().unwrap_or_default();
            let latest = self.latest.entry(change.kind.clone()).or_default();
            *latest = version.max(*latest);
            if matches!(change.event, ObjectEvent::Deleted | ObjectEvent::Missed) {
                let uid = change.object["metadata"]["uid"].as_str().unwrap_or_default();
                self.deleted.insert(uid.to_owned());
            }
        }
    }

    fn has(&self, written: &Written) -> bool {
        match (self.latest.get(&written.kind), &written.state) {
            (None, _) => true,
            (Some(latest), WrittenState::Version(version)) => latest >= version,
            (Some(_), WrittenState::Deleted(uid)) => self.deleted.contains(uid),
        }
    }

    fn write_line(&mut self, entry: &Entry) {
        if let Err(error) = self.writer.write(entry) {
            self.broken.get_or_insert(error);
        }
    }

    fn collect(&mut self, at: Moment) {
        for judgement in self.evaluator.take_decided() {
            let verdict = VerdictEntry {
                assertion: judgement.assertion.clone(),
                verdict: judgement.verdict,
                summary: judgement.explanation.summary.clone(),
            };
            self.write_line(&Entry { at, change: Change::Verdict(Box::new(verdict)) });
            self.judgements.push(judgement);
        }
        self.flush();
    }

    /// Keeps the record complete even if the process is killed.
    fn flush(&mut self) {
        if let Err(error) = self.writer.flush() {
            self.broken.get_or_insert(error);
        }
    }
}

async fn sleep(time: Duration) {
    if time == Duration::MAX {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(time).await;
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
