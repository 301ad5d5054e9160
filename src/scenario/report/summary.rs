use std::fmt;

use serde::Serialize;

use super::{Analysis, format};
use crate::plural::plural;
use crate::scenario::outcome::Verdict;

/// All runs of one scenario. Displays as `1 of 2 passed (50%), 1 failed; 1 step retried`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScenarioSummary {
    pub(super) scenario: String,
    runs: usize,
    passed: usize,
    failed: usize,
    inconclusive: usize,
    /// The share of the runs that passed, from 0 to 1.
    pass_rate: f64,
    /// The number of retried steps over all runs.
    retried_steps: usize,
}

/// The summaries of all scenarios, in the order of their first runs.
pub(super) fn scenario_summaries(runs: &[Analysis]) -> Vec<ScenarioSummary> {
    let mut scenarios: Vec<ScenarioSummary> = Vec::new();
    for Analysis { run, .. } in runs {
        let place = scenarios.iter().position(|known| known.scenario == run.scenario);
        let place = place.unwrap_or_else(|| {
            let scenario = run.scenario.clone();
            scenarios.push(ScenarioSummary { scenario, ..ScenarioSummary::default() });
            scenarios.len() - 1
        });
        let scenario = &mut scenarios[place];
        scenario.runs += 1;
        match run.verdict {
            Verdict::Pass => scenario.passed += 1,
            Verdict::Fail => scenario.failed += 1,
            Verdict::Inconclusive => scenario.inconclusive += 1,
        }
        scenario.pass_rate = scenario.passed as f64 / scenario.runs as f64;
        scenario.retried_steps += run.steps.iter().filter(|step| step.attempts > 1).count();
    }
    scenarios
}

impl fmt::Display for ScenarioSummary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = format::percent((self.pass_rate * 100.0).round());
        write!(out, "{} of {} passed ({rate})", self.passed, self.runs)?;
        if self.failed > 0 {
            write!(out, ", {} failed", self.failed)?;
        }
        if self.inconclusive > 0 {
            write!(out, ", {} inconclusive", self.inconclusive)?;
        }
        if self.retried_steps > 0 {
            write!(out, "; {} retried", plural(self.retried_steps, "step"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    #[test]
    fn counts_runs_and_retries_by_scenario() {
        let mut other = fixture::passed();
        other.scenario = "other".to_owned();
        other.steps.clear();
        let runs = [fixture::run(), other, fixture::passed()].map(|run| Analysis::new(run, &[]));
        let summaries = scenario_summaries(&runs).into_iter();
        let lines: Vec<String> =
            summaries.map(|summary| format!("{}: {summary}", summary.scenario)).collect();
        assert_eq!(
            lines,
            [
                "self-healing: 1 of 2 passed (50%), 1 failed; 2 steps retried",
                "other: 1 of 1 passed (100%)",
            ]
        );
    }
}
