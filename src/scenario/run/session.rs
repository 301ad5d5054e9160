use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::Client;
use serde_json::{Map, Value};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::faults::Faults;
use super::recorder::{Mark, Recorder};
use super::step_reports::StepReports;
use super::tidy::Tidying;
use crate::progress::Progress;
use crate::runtime::Engine;
use crate::scenario::history::{Change, StepEntry, StepState};
use crate::scenario::language::{Scenario, Step};
use crate::scenario::outcome::StepReport;

/// A scenario under way on a cluster that is up.
pub(super) struct Session {
    pub engine: Arc<dyn Engine>,
    pub cluster: String,
    pub client: Client,
    pub scenario: Scenario,
    pub variables: Map<String, Value>,
    /// The folder of the scenario's file.
    pub folder: PathBuf,
    pub recorder: Arc<Recorder>,
    pub progress: Progress,
    pub faults: Faults,
    pub tidying: Tidying,
    /// Whether the steps are to end now, whatever they are at.
    pub stop: CancellationToken,
    /// Why they are to end.
    pub reason: Mutex<Option<Stop>>,
    /// Steps in the background.
    pub background: Mutex<JoinSet<()>>,
    reports: Mutex<StepReports>,
}

/// Why the steps end before the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// A step failed.
    Step,
    /// An assertion of the background failed.
    Assertion(String),
    /// The scenario's deadline has passed.
    Deadline(String),
    /// The record cannot be written.
    Record(String),
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

/// What a session is made of.
pub(super) struct Parts {
    pub engine: Arc<dyn Engine>,
    pub cluster: String,
    pub client: Client,
    pub scenario: Scenario,
    pub variables: Map<String, Value>,
    pub folder: PathBuf,
    pub recorder: Arc<Recorder>,
    pub progress: Progress,
}

impl Session {
    pub fn new(parts: Parts) -> Self {
        let Parts { engine, cluster, client, scenario, variables, folder, recorder, progress } =
            parts;
        Self {
            engine,
            cluster,
            client,
            scenario,
            variables,
            folder,
            recorder,
            progress,
            faults: Faults::default(),
            tidying: Tidying::default(),
            stop: CancellationToken::new(),
            reason: Mutex::default(),
            background: Mutex::default(),
            reports: Mutex::default(),
        }
    }

    /// Ends the steps; the first reason counts.
    pub fn end_steps(&self, reason: Stop) {
        lock(&self.reason).get_or_insert(reason);
        self.stop.cancel();
    }

    /// The namespace for what names none.
    pub fn namespace<'a>(&'a self, own: Option<&'a str>) -> &'a str {
        own.unwrap_or(&self.scenario.namespace)
    }

    /// Records a step's start or end, and keeps it for the report.
    pub fn tell(&self, step: &str, state: StepState, attempt: u32, detail: &str) -> Mark {
        let entry = StepEntry { step: step.to_owned(), state, attempt, detail: detail.to_owned() };
        let mark = self.recorder.record(Change::Step(Box::new(entry.clone())));
        lock(&self.reports).accept(&entry, mark.at);
        mark
    }

    /// How often a step was tried so far: more often than its own retries where its group was.
    pub fn attempts(&self, step: &str) -> u32 {
        lock(&self.reports).attempts(step)
    }

    /// What came of the steps so far.
    pub fn reports(&self, steps: &[Step]) -> Vec<StepReport> {
        lock(&self.reports).of(steps)
    }
}

/// A lock that no panic of another makes unusable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
