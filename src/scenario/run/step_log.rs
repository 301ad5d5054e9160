use std::collections::BTreeMap;

use crate::scenario::history::{Moment, StepCause, StepEntry, StepState};
use crate::scenario::language::Step;
use crate::scenario::outcome::{Judgement, StepReport, Verdict};

/// The results of steps, collected from the record's lines about them.
#[derive(Debug, Default)]
pub(super) struct StepLog(BTreeMap<String, StepReport>);

impl StepLog {
    pub fn accept(&mut self, entry: &StepEntry, at: Moment) {
        let report =
            self.0.entry(entry.step.clone()).or_insert_with(|| skipped(entry.step.clone()));
        report.state = entry.state;
        report.attempts = entry.attempt;
        match entry.state {
            StepState::Started => {
                report.started.get_or_insert(at);
            }
            StepState::Skipped => {}
            _ => {
                report.ended = Some(at);
                report.detail.clone_from(&entry.detail);
                report.cause = entry.cause;
            }
        }
    }

    pub fn attempts(&self, step: &str) -> u32 {
        self.0.get(step).map_or(0, |report| report.attempts)
    }

    /// Returns the reports of `steps` in order, with the steps of a group after the group. A step without a
    /// line was skipped.
    pub fn of(&self, steps: &[Step]) -> Vec<StepReport> {
        let mut reports = Vec::new();
        self.collect(steps, 0, &mut reports);
        reports
    }

    fn collect(&self, steps: &[Step], depth: usize, into: &mut Vec<StepReport>) {
        for step in steps {
            let name = step.name.clone().unwrap_or_default();
            let action = step.action.name().to_owned();
            let report = self.0.get(&name).cloned().unwrap_or_else(|| skipped(name));
            into.push(StepReport { action, depth, ..report });
            self.collect(step.children(), depth + 1, into);
        }
    }
}

/// The worst verdict of a run, and at least `floor`.
pub(super) fn overall(floor: Verdict, steps: &[StepReport], judgements: &[Judgement]) -> Verdict {
    let steps = steps.iter().map(|step| verdict_of(step.state));
    steps.chain(judgements.iter().map(|judgement| judgement.verdict)).fold(floor, Verdict::max)
}

fn verdict_of(state: StepState) -> Verdict {
    match state {
        StepState::Failed => Verdict::Fail,
        StepState::Inconclusive | StepState::Started | StepState::Retried => Verdict::Inconclusive,
        StepState::Passed | StepState::Skipped => Verdict::Pass,
    }
}

/// Drops the judgements on steps that never started.
pub(super) fn of_steps_that_ran(
    mut judgements: Vec<Judgement>,
    steps: &[StepReport],
) -> Vec<Judgement> {
    judgements.retain(|judgement| {
        let is_skipped = |step: &StepReport| {
            step.state == StepState::Skipped && judgement.step.as_ref() == Some(&step.name)
        };
        !steps.iter().any(is_skipped)
    });
    judgements
}

fn skipped(name: String) -> StepReport {
    StepReport {
        name,
        action: String::new(),
        depth: 0,
        state: StepState::Skipped,
        started: None,
        ended: None,
        attempts: 0,
        detail: String::new(),
        cause: StepCause::Own,
    }
}
