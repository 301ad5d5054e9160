use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use kube::Client;
use serde_json::{Map, Value};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::active_faults::Faults;
use super::cleanup::Cleanup;
use super::lock::lock;
use super::recorder::{Mark, Recorder};
use super::step_log::StepLog;
use crate::progress::Progress;
use crate::runtime::Engine;
use crate::scenario::history::{Change, StepCause, StepEntry, StepState};
use crate::scenario::language::{Scenario, Step};
use crate::scenario::outcome::StepReport;

/// A running scenario on a cluster that is ready.
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
    pub state: RunState,
}

/// What changes while the scenario runs.
#[derive(Default)]
pub(super) struct RunState {
    pub faults: Faults,
    pub cleanup: Cleanup,
    /// Cancelled when all steps must end now.
    pub stop: CancellationToken,
    pub reason: Mutex<Option<Stop>>,
    pub background: Mutex<JoinSet<()>>,
    step_log: Mutex<StepLog>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    StepFailed,
    AssertionFailed(String),
    Deadline(String),
    RecordFailed(String),
    Interrupted,
}

impl Session {
    /// Ends the steps. The first reason counts.
    pub fn end_steps(&self, reason: Stop) {
        lock(&self.state.reason).get_or_insert(reason);
        self.state.stop.cancel();
    }

    /// The namespace of a step: its own, or the scenario's.
    pub fn namespace<'a>(&'a self, own: Option<&'a str>) -> &'a str {
        own.unwrap_or(&self.scenario.namespace)
    }

    /// Records the start or the end of a step, and keeps it for the report.
    pub fn record_step(&self, step: &str, state: StepState, attempt: u32, detail: &str) -> Mark {
        self.record_step_end(step, state, attempt, detail, StepCause::Own)
    }

    /// The same, for a state that can have another cause.
    pub fn record_step_end(
        &self,
        step: &str,
        state: StepState,
        attempt: u32,
        detail: &str,
        cause: StepCause,
    ) -> Mark {
        let (step, detail) = (step.to_owned(), detail.to_owned());
        let entry = StepEntry { step, state, attempt, detail, cause };
        let mark = self.recorder.record(Change::Step(Box::new(entry.clone())));
        lock(&self.state.step_log).accept(&entry, mark.at);
        mark
    }

    /// How often a step was tried so far. Retries of its group count too.
    pub fn attempts(&self, step: &str) -> u32 {
        lock(&self.state.step_log).attempts(step)
    }

    pub fn reports(&self, steps: &[Step]) -> Vec<StepReport> {
        lock(&self.state.step_log).of(steps)
    }
}
