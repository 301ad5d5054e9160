use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::scenario::history::{Moment, StepState};
use crate::scenario::judge::{Judgement, Verdict};

/// One run of one scenario, ended. With its record it is all that a report is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    /// The scenario's name.
    pub scenario: String,
    /// What it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The scenario's file.
    pub file: PathBuf,
    /// Which run it is: empty, or the values of the matrix and the number of the repetition, as
    /// `kubernetes=v1.36.3 #2`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// The variables, those of the matrix among them.
    pub variables: Map<String, Value>,
    /// The cluster's name.
    pub cluster: String,
    /// Kubernetes' version; empty where the cluster never came up.
    pub kubernetes: String,
    /// When the run began, by the wall clock.
    pub time: Timestamp,
    /// The verdict over all: the worst of any step or assertion.
    pub verdict: Verdict,
    /// What kept the run from its end: an error of the environment, or Ctrl-C.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took to make the cluster; `None` where it was there.
    #[serde(default, with = "microseconds::option", skip_serializing_if = "Option::is_none")]
    pub creation: Option<Duration>,
    /// How long the record is.
    #[serde(with = "microseconds")]
    pub elapsed: Duration,
    /// The record.
    pub history: PathBuf,
    /// The steps, in the order of the file; those of groups follow their group.
    pub steps: Vec<StepReport>,
    /// The verdicts: of assertions in the background, and of steps that assert or wait.
    pub judgements: Vec<Judgement>,
    /// Whether the cluster was kept, for study.
    #[serde(default)]
    pub kept: bool,
}

impl RunReport {
    /// Whether anything failed, by which the rest may have been cut short.
    pub(super) fn has_failed(&self) -> bool {
        self.judgements.iter().any(|judgement| judgement.verdict == Verdict::Fail)
            || self.steps.iter().any(|step| step.state == StepState::Failed)
    }
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// Its name.
    pub name: String,
    /// What it does, as `apply`.
    pub action: String,
    /// How deep in groups it is.
    pub depth: usize,
    /// How it ended.
    pub state: StepState,
    /// When it started; `None` where it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Moment>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Moment>,
    /// How often it was tried.
    pub attempts: u32,
    /// What came of it, for people: an error, what was injected.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl StepReport {
    /// Whether it is a group of which only its steps tell why it did not pass.
    pub(super) fn is_told_by_its_steps(&self) -> bool {
        self.detail.is_empty() || self.detail.starts_with("a step of the group")
    }
}

/// Durations in files, in the unit of a record's moments.
mod microseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_u64(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_micros)
    }

    pub(super) mod option {
        use super::{Deserialize, Deserializer, Duration, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(
            time: &Option<Duration>,
            out: S,
        ) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, out),
                None => out.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(from)?.map(Duration::from_micros))
        }
    }
}
