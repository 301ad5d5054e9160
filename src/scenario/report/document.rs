//! Reports for programs: one JSON document.

use serde::Serialize;

use super::runs::{ScenarioRuns, scenario_runs};
use super::{Details, Figure, explanations, figures};
use crate::scenario::history::Entry;
use crate::scenario::outcome::RunReport;

/// Version of the document's format.
const VERSION: u32 = 1;

/// `report.json`. Moments and durations are in microseconds, moments from the record's begin.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    kindrs: &'static str,
    scenarios: Vec<ScenarioRuns>,
    runs: Vec<Run<'a>>,
}

#[derive(Serialize)]
struct Run<'a> {
    #[serde(flatten)]
    report: &'a RunReport,
    figures: Vec<Figure>,
    explanations: Vec<Details>,
}

/// All of some runs as JSON: each run's report with its figures and explanations.
///
/// # Errors
/// None that is known of: all keys are texts.
pub fn json(runs: &[(RunReport, Vec<Entry>)]) -> serde_json::Result<String> {
    let document = Document {
        version: VERSION,
        kindrs: env!("CARGO_PKG_VERSION"),
        scenarios: scenario_runs(&runs.iter().map(|(run, _)| run).collect::<Vec<_>>()),
        runs: runs
            .iter()
            .map(|(report, history)| Run {
                report,
                figures: figures(report, history),
                explanations: explanations(report, history),
            })
            .collect(),
    };
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    #[test]
    fn the_document_has_all_of_a_run() {
        let text = json(&[(fixture::run(), fixture::history())]).unwrap();
        insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let run: RunReport = serde_json::from_value(document["runs"][0].clone()).unwrap();
        assert_eq!(run, fixture::run());
    }
}
