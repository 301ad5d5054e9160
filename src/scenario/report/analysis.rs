use serde::Serialize;

use super::explanation::{FailureDetails, failures};
use super::figures::{Figure, figures};
use super::lifetime::Lifetimes;
use super::periods::Periods;
use crate::scenario::history::{Entry, Moment};
use crate::scenario::outcome::{Judgement, RunReport};

/// A run and everything that the reports derive from its record.
#[derive(Debug, Serialize)]
pub struct Analysis {
    #[serde(flatten)]
    pub(super) run: RunReport,
    #[serde(skip)]
    pub(super) lifetimes: Lifetimes,
    #[serde(skip)]
    pub(super) periods: Periods,
    pub(super) figures: Vec<Figure>,
    /// The steps and assertions that failed or are inconclusive, failures first.
    #[serde(rename = "explanations")]
    pub(super) failures: Vec<FailureDetails>,
}

impl Analysis {
    /// Analyzes a run. Without a record there are no figures, and failures lack their context.
    pub fn new(run: RunReport, history: &[Entry]) -> Self {
        let lifetimes = Lifetimes::of(history);
        let periods = Periods::of(history);
        let figures = match history {
            [] => Vec::new(),
            _ => figures(&run, &lifetimes, &periods),
        };
        let failures = failures(&run, &lifetimes, history);
        Self { run, lifetimes, periods, figures, failures }
    }

    pub fn run(&self) -> &RunReport {
        &self.run
    }

    pub(super) fn end(&self) -> Moment {
        self.lifetimes.end.max(Moment::default() + self.run.elapsed)
    }

    /// The assertions that are not steps.
    pub(super) fn background_judgements(&self) -> impl Iterator<Item = &Judgement> {
        self.run.judgements.iter().filter(|judgement| judgement.step.is_none())
    }

    /// The details of the step or assertion with this name, if it did not pass.
    pub(super) fn failure(&self, name: &str) -> Option<&FailureDetails> {
        self.failures.iter().find(|failure| failure.name == name)
    }
}
