use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::{node_loss, readiness, run};
use crate::scenario::outcome::RunReport;
use crate::scenario::report::format;
use crate::scenario::report::lifetime::Lifetimes;
use crate::scenario::report::periods::Periods;

/// A measured figure of a run. Displays as `Node worker: time to NotReady`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    pub name: &'static str,
    /// The object, such as `Node worker`. Empty for the whole run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// `None` for an event that was expected but is not in the record.
    pub value: Option<f64>,
    pub unit: Unit,
    /// How the figure is measured: from where to where.
    pub method: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    Seconds,
    Count,
    Percent,
}

impl Figure {
    pub(super) fn time(
        name: &'static str,
        of: &str,
        time: Option<Duration>,
        method: impl Into<String>,
    ) -> Self {
        let value = time.map(|time| time.as_secs_f64());
        Self { name, of: of.to_owned(), value, unit: Unit::Seconds, method: method.into() }
    }

    /// A count over the whole run.
    pub(super) fn count(name: &'static str, count: usize, method: impl Into<String>) -> Self {
        // A double is exact for every count up to 2^53.
        let value = Some(count as f64);
        Self { name, of: String::new(), value, unit: Unit::Count, method: method.into() }
    }

    /// The value for people, such as `8.0 s`, `3` or `95.71%`.
    pub fn shown(&self) -> String {
        match (self.value, self.unit) {
            (None, _) => "did not happen".to_owned(),
            (Some(value), Unit::Seconds) => {
                format::duration(Duration::try_from_secs_f64(value).unwrap_or_default())
            }
            (Some(value), Unit::Count) => format!("{value:.0}"),
            (Some(value), Unit::Percent) => format::percent(value),
        }
    }

    /// What the figure is about, for people.
    pub fn subject(&self) -> &str {
        if self.of.is_empty() { "whole run" } else { &self.of }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of.as_str() {
            "" => out.write_str(self.name),
            of => write!(out, "{of}: {}", self.name),
        }
    }
}

/// All figures of a run: of lost nodes, of workloads created in the run, and of the whole run.
pub fn figures(run: &RunReport, lifetimes: &Lifetimes, periods: &Periods) -> Vec<Figure> {
    let mut figures = node_loss::figures(lifetimes, &periods.faults);
    figures.extend(readiness::figures(lifetimes));
    figures.extend(run::figures(run, lifetimes, periods));
    figures
}

#[cfg(test)]
mod tests {
    use crate::scenario::history::Moment;
    use crate::scenario::report::{Analysis, fixture};

    #[test]
    fn measures_a_lost_node_a_workload_and_the_whole_run() {
        let lines = fixture::analysis()
            .figures
            .into_iter()
            .map(|figure| format!("{figure} = {} ({})", figure.shown(), figure.method));
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn an_expected_event_that_did_not_happen_has_no_value() {
        let mut history = fixture::history();
        history.retain(|entry| entry.at < Moment(26_000_000));
        let figures = Analysis::new(fixture::run(), &history).figures;
        let all_ready = figures.iter().find(|figure| figure.name == "time to all ready").unwrap();
        assert_eq!(all_ready.of, "Node demo-worker");
        assert_eq!(all_ready.value, None);
        assert_eq!(all_ready.shown(), "did not happen");
    }

    #[test]
    fn a_run_without_a_record_has_no_figures() {
        assert_eq!(Analysis::new(fixture::run(), &[]).figures, []);
    }
}
