//! Several runs of one scenario, taken together.

use serde::Serialize;

use crate::scenario::judge::Verdict;
use crate::scenario::outcome::RunReport;

/// What came of all runs of one scenario: of a matrix, or repeated.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioRuns {
    /// The scenario's name.
    pub scenario: String,
    /// How often it ran.
    pub runs: usize,
    /// How many of the runs passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// How many are inconclusive.
    pub inconclusive: usize,
    /// Share of the runs that passed, 0 to 1.
    pub pass_rate: f64,
    /// How many steps, of all runs, were tried again.
    pub retried_steps: usize,
}

/// The runs by scenario, in the order in which they first come.
pub fn scenario_runs(runs: &[&RunReport]) -> Vec<ScenarioRuns> {
    let mut scenarios: Vec<ScenarioRuns> = Vec::new();
    for run in runs {
        let place = scenarios.iter().position(|known| known.scenario == run.scenario);
        let place = place.unwrap_or_else(|| {
            scenarios.push(ScenarioRuns {
                scenario: run.scenario.clone(),
                runs: 0,
                passed: 0,
                failed: 0,
                inconclusive: 0,
                pass_rate: 0.0,
                retried_steps: 0,
            });
            scenarios.len() - 1
        });
        let scenario = &mut scenarios[place];
        scenario.runs += 1;
        match run.verdict {
            Verdict::Pass => scenario.passed += 1,
            Verdict::Fail => scenario.failed += 1,
            Verdict::Inconclusive => scenario.inconclusive += 1,
        }
        // Counts of runs are far below 2^53.
        scenario.pass_rate = scenario.passed as f64 / scenario.runs as f64;
        scenario.retried_steps += run.steps.iter().filter(|step| step.attempts > 1).count();
    }
    scenarios
}

impl ScenarioRuns {
    /// As `1 of 2 passed (50 %), 1 failed; 1 step tried again`.
    pub fn summary(&self) -> String {
        let mut text =
            format!("{} of {} passed ({:.0} %)", self.passed, self.runs, self.pass_rate * 100.0);
        if self.failed > 0 {
            text.push_str(&format!(", {} failed", self.failed));
        }
        if self.inconclusive > 0 {
            text.push_str(&format!(", {} inconclusive", self.inconclusive));
        }
        match self.retried_steps {
            0 => {}
            1 => text.push_str("; 1 step tried again"),
            steps => text.push_str(&format!("; {steps} steps tried again")),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    #[test]
    fn runs_count_by_scenario_with_their_retries() {
        let mut other = fixture::passed();
        other.scenario = "other".to_owned();
        other.steps.clear();
        let (failed, passed) = (fixture::run(), fixture::passed());
        let scenarios = scenario_runs(&[&failed, &other, &passed]);
        let summaries: Vec<String> = scenarios
            .iter()
            .map(|scenario| format!("{}: {}", scenario.scenario, scenario.summary()))
            .collect();
        assert_eq!(
            summaries,
            [
                "self-healing: 1 of 2 passed (50 %), 1 failed; 2 steps tried again",
                "other: 1 of 1 passed (100 %)",
            ]
        );
    }
}
