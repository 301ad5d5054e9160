use serde::Serialize;

use super::Analysis;
use super::explanation::FailureDetails;
use super::figures::Figure;
use super::summary::{ScenarioSummary, scenario_summaries};
use crate::scenario::outcome::RunReport;

/// The version of the document's format.
const VERSION: u32 = 1;

/// `report.json`. Moments and durations are in microseconds, moments since the start of the record.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    kindrs: &'static str,
    scenarios: Vec<ScenarioSummary>,
    runs: Vec<Run<'a>>,
}

#[derive(Serialize)]
struct Run<'a> {
    #[serde(flatten)]
    report: &'a RunReport,
    figures: &'a [Figure],
    explanations: &'a [FailureDetails],
}

/// Runs as one JSON document for programs.
///
/// # Errors
/// None in practice: all keys are strings.
pub fn json(runs: &[Analysis]) -> serde_json::Result<String> {
    let document = Document {
        version: VERSION,
        kindrs: env!("CARGO_PKG_VERSION"),
        scenarios: scenario_summaries(runs),
        runs: runs
            .iter()
            .map(|Analysis { run: report, figures, failures: explanations, .. }| Run {
                report,
                figures,
                explanations,
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
    fn the_document_contains_the_whole_run() {
        let text = json(&[fixture::analysis()]).unwrap();
        insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let run: RunReport = serde_json::from_value(document["runs"][0].clone()).unwrap();
        assert_eq!(run, fixture::run());
    }
}
