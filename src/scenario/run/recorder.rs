use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::scenario::history::{
    Begin, Change, End, Entry, KindName, Moment, ObjectEvent, VerdictEntry, Writer,
};
use crate::scenario::judge::{Evaluator, Judgement, Program, Verdict, in_order};
use crate::scenario::language::SelectionRef;

/// How long a watch may be behind the API server's answers.
const LONGEST_LAG: Duration = Duration::from_secs(2);

/// Where all that happens comes together: it gets its moment, goes into the record and before the
/// evaluator, in one order.
pub(super) struct Recorder {
    program: Arc<Program>,
    started: Instant,
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

/// What the API server has made of an object.
pub(super) struct Written {
    pub kind: KindName,
    pub state: WrittenState,
}

/// The state of a written object.
pub(super) enum WrittenState {
    /// It has this resource version. They are compared as numbers:
    /// <https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/5504-comparable-resource-version>.
    Version(u64),
    /// The object with this unique identifier is gone.
    Gone(String),
}

/// A place in the record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// When that is.
    pub at: Moment,
    /// How many verdicts were told before.
    verdicts: usize,
}

struct State {
    writer: Writer<BufWriter<File>>,
    evaluator: Evaluator,
    judgements: Vec<Judgement>,
    /// The latest resource version of each kind that a watch has told of.
    latest: HashMap<KindName, u64>,
    /// The unique identifiers of objects that are gone.
    gone: HashSet<String>,
    /// The first failure to write: the record is not complete.
    broken: Option<std::io::Error>,
    /// Whether the record has its last line.
    has_ended: bool,
}

impl Recorder {
    /// A record at `path` that begins now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin(path: &Path, program: Arc<Program>, begin: Begin) -> std::io::Result<Self> {
        let state = State {
            writer: Writer::create(path)?,
            evaluator: Evaluator::new(program.clone()),
            judgements: Vec::new(),
            latest: HashMap::new(),
            gone: HashSet::new(),
            broken: None,
            has_ended: false,
        };
        let (changes, _) = watch::channel(0);
        let recorder = Self { program, started: Instant::now(), state: Mutex::new(state), changes };
        recorder.record(Change::Begin(Box::new(begin)));
        Ok(recorder)
    }

    /// Records something that happened now; returns its place. After the end nothing is recorded.
    pub fn record(&self, change: Change) -> Mark {
        let mut state = self.lock();
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

    /// The moment that it is.
    pub fn now(&self) -> Moment {
        Moment(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Tells of every change of the record or of a verdict.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The objects of a selection of the scenario as they are now.
    pub fn select(&self, selection: &SelectionRef) -> Vec<Arc<Value>> {
        self.lock().evaluator.select(selection).unwrap_or_default()
    }

    /// Waits until nothing that has happened waits for what must follow it.
    pub async fn followed(&self) {
        let mut changes = self.changes();
        while self.lock().evaluator.waits_until().is_some() {
            let _ = changes.changed().await;
        }
    }

    /// Waits until the record has an object's change that the API server has told of already, so that
    /// what follows sees it; not for ever, should its watch be lost, and not at all for a kind that is
    /// not recorded.
    pub async fn caught_up(&self, written: &Written) {
        let mut changes = self.changes();
        let caught_up = async {
            while !self.lock().has(written) {
                let _ = changes.changed().await;
            }
        };
        let _ = tokio::time::timeout(LONGEST_LAG, caught_up).await;
    }

    /// Waits until the assertion of a step is decided that started at `since`: the verdict of an earlier
    /// try does not count.
    pub async fn decided(&self, step: &str, since: Mark) -> Judgement {
        let mut changes = self.changes();
        loop {
            if let Some(judgement) = self.judgement(step, since) {
                return judgement;
            }
            // The sender lives as long as this does.
            let _ = changes.changed().await;
        }
    }

    /// Waits until an assertion of the background fails whose failure ends the run.
    pub async fn breached(&self, stops: impl Fn(&Judgement) -> bool) -> Judgement {
        let mut changes = self.changes();
        loop {
            let found = self
                .lock()
                .judgements
                .iter()
                .find(|judgement| judgement.verdict == Verdict::Fail && stops(judgement))
                .cloned();
            if let Some(judgement) = found {
                return judgement;
            }
            let _ = changes.changed().await;
        }
    }

    /// Waits until a line of the record cannot be written; returns why.
    pub async fn broken(&self) -> String {
        let mut changes = self.changes();
        loop {
            if let Some(error) = &self.lock().broken {
                return error.to_string();
            }
            let _ = changes.changed().await;
        }
    }

    /// Decides assertions whose time is up when it is, for ever.
    pub async fn keep_time(&self) {
        let mut changes = self.changes();
        loop {
            let deadline = self.lock().evaluator.next_deadline();
            let left = match deadline {
                // A deadline itself still counts.
                Some(deadline) => deadline - self.now() + Duration::from_micros(1),
                None => Duration::MAX,
            };
            tokio::select! {
                () = sleep(left) => {
                    let mut state = self.lock();
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

    /// Ends the record and decides all the rest; returns the verdicts, each assertion's last one in the
    /// order of the scenario, and what kept a line of the record from being written.
    pub fn end(&self, interrupted: bool) -> (Vec<Judgement>, std::io::Result<()>) {
        let mut state = self.lock();
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

    fn judgement(&self, step: &str, since: Mark) -> Option<Judgement> {
        let state = self.lock();
        // What was decided before it, by time alone, is told with it.
        let mut later = state.judgements.iter().skip(since.verdicts);
        later
            .find(|judgement| {
                judgement.step.as_deref() == Some(step) && judgement.decided >= since.at
            })
            .cloned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
                self.gone.insert(uid.to_owned());
            }
        }
    }

    fn has(&self, written: &Written) -> bool {
        match (self.latest.get(&written.kind), &written.state) {
            (None, _) => true,
            (Some(latest), WrittenState::Version(version)) => latest >= version,
            (Some(_), WrittenState::Gone(uid)) => self.gone.contains(uid),
        }
    }

    fn write_line(&mut self, entry: &Entry) {
        if let Err(error) = self.writer.write(entry) {
            self.broken.get_or_insert(error);
        }
    }

    /// Takes what the evaluator has decided, and records it.
    fn collect(&mut self, at: Moment) {
        for judgement in self.evaluator.take_decided() {
            let verdict = VerdictEntry {
                assertion: judgement.assertion.clone(),
                verdict: judgement.verdict.to_string(),
                summary: judgement.explanation.summary.clone(),
            };
            self.write_line(&Entry { at, change: Change::Verdict(Box::new(verdict)) });
            self.judgements.push(judgement);
        }
        self.flush();
    }

    /// Nothing is lost with the process.
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
