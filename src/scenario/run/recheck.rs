use std::path::Path;
use std::sync::Arc;

use super::run_one::compile;
use super::step_log::{StepLog, of_steps_that_ran, overall};
use crate::scenario::history::{Begin, Change, Entry, StepCause, StepState};
use crate::scenario::judge::judge;
use crate::scenario::language::Scenario;
use crate::scenario::outcome::{RunReport, Verdict};

/// Judges a recorded run again, by a scenario that can have changed since. Steps keep their results, except
/// assertions.
pub fn recheck(
    history: &Path,
    file: &Path,
    begin: &Begin,
    scenario: Scenario,
    entries: &[Entry],
) -> anyhow::Result<RunReport> {
    let program = Arc::new(compile(&scenario)?);
    let judgements = judge(program, entries.iter().cloned());
    let mut log = StepLog::default();
    for entry in entries {
        if let Change::Step(step) = &entry.change {
            log.accept(step, entry.at);
        }
    }
    let mut steps = log.of(&scenario.steps);
    let judgements = of_steps_that_ran(judgements, &steps);
    for step in &mut steps {
        // The new verdict on an assertion replaces the one of the run.
        let again = judgements.iter().find(|judgement| judgement.step.as_ref() == Some(&step.name));
        if let Some(judgement) = again {
            step.state = match judgement.verdict {
                Verdict::Pass => StepState::Passed,
                Verdict::Fail => StepState::Failed,
                Verdict::Inconclusive => StepState::Inconclusive,
            };
            step.detail.clone_from(&judgement.explanation.summary);
            step.cause = StepCause::Own;
        }
    }
    let interrupted = entries.iter().rev().find_map(|entry| match &entry.change {
        Change::End(end) => Some(end.interrupted),
        _ => None,
    });
    let error = match interrupted {
        Some(false) => None,
        Some(true) => Some("the run was interrupted".to_owned()),
        None => Some("the record has no end: the run was killed".to_owned()),
    };
    let floor = if error.is_some() { Verdict::Inconclusive } else { Verdict::Pass };
    let verdict = overall(floor, &steps, &judgements);
    Ok(RunReport {
        scenario: scenario.metadata.name,
        description: scenario.metadata.description,
        file: file.to_owned(),
        variant: String::new(),
        variables: begin.variables.clone(),
        cluster: begin.cluster.clone(),
        kubernetes: begin.kubernetes.clone(),
        time: begin.time,
        verdict,
        error,
        creation: None,
        elapsed: entries.last().map(|entry| entry.at.elapsed()).unwrap_or_default(),
        history: history.to_owned(),
        steps,
        judgements,
        kept: false,
    })
}
