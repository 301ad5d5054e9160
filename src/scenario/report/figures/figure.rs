use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::{count, node_loss, readiness};
use crate::scenario::history::Entry;
use crate::scenario::outcome::RunReport;
use crate::scenario::report::lives::Lives;

/// A measured figure of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// What it measures, as `time to NotReady`.
    pub name: String,
    /// What it is about, as `Node worker`; empty for the run as a whole.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// The value; `None` for what was due and did not happen in the record.
    pub value: Option<f64>,
    /// The value's unit.
    pub unit: Unit,
    /// How it is measured: from what to what.
    pub method: String,
}

/// A figure's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// A number of things.
    Count,
    /// Hundredths of the whole.
    Percent,
}

impl Figure {
    /// A time; `None` when it did not come to an end.
    pub(super) fn time(name: &str, of: &str, time: Option<Duration>, method: String) -> Self {
        let value = time.map(|time| time.as_secs_f64());
        Self { name: name.to_owned(), of: of.to_owned(), value, unit: Unit::Seconds, method }
    }

    /// A number of things in the whole run.
    pub(super) fn count(name: &str, count: u64, method: &str) -> Self {
        Self {
            name: name.to_owned(),
            of: String::new(),
            // A double holds every count up to 2^53.
            value: Some(count as f64),
            unit: Unit::Count,
            method: method.to_owned(),
        }
    }

    /// The value for people, as `8.0 s`, `3` or `95.71 %`.
    pub fn shown(&self) -> String {
        match (self.value, self.unit) {
            (None, _) => "not in the record".to_owned(),
            (Some(value), Unit::Seconds) => format!("{value:.1} s"),
            (Some(value), Unit::Count) => format!("{value:.0}"),
            (Some(value), Unit::Percent) => format!("{value:.2} %"),
        }
    }
}

impl fmt::Display for Figure {
    /// As `Node worker: time to NotReady`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of.as_str() {
            "" => out.write_str(&self.name),
            of => write!(out, "{of}: {}", self.name),
        }
    }
}

/// All figures that apply to a run: those of lost nodes, of workloads made in it, of the whole. None
/// without a record.
pub fn figures(run: &RunReport, history: &[Entry]) -> Vec<Figure> {
    if history.is_empty() {
        return Vec::new();
    }
    let lives = Lives::of(history);
    let mut figures = node_loss::figures(&lives, history);
    figures.extend(readiness::figures(&lives));
    figures.extend(count::figures(run, &lives, history));
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    fn listed(figures: &[Figure]) -> String {
        let lines = figures
            .iter()
            .map(|figure| format!("{figure} = {} ({})", figure.shown(), figure.method));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_lost_node_a_workload_and_the_whole_run_are_measured() {
        insta::assert_snapshot!(listed(&figures(&fixture::run(), &fixture::history())));
    }

    #[test]
    fn what_was_due_and_never_came_has_no_value() {
        let mut history = fixture::history();
        history.retain(|entry| entry.at < fixture::at(26_000));
        let figures = figures(&fixture::run(), &history);
        let all_ready = figures.iter().find(|figure| figure.name == "time to all ready").unwrap();
        assert_eq!(all_ready.of, "Node demo-worker");
        assert_eq!(all_ready.value, None);
        assert_eq!(all_ready.shown(), "not in the record");
    }

    #[test]
    fn a_run_without_a_record_has_none() {
        assert_eq!(figures(&fixture::run(), &[]), []);
    }
}
