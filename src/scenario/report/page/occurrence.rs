use serde::Serialize;

use crate::scenario::history::{FaultEntry, Gap, GapState, Moment, StepState};
use crate::scenario::outcome::{Judgement, RunReport};
use crate::scenario::report::explanation::fault_line;
use crate::scenario::report::label::Label;
use crate::scenario::report::periods::{Attempt, Period, Periods};

/// A bar of the timeline that is not an object: a step, a fault, an assertion, an outage or a gap.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Occurrence {
    name: String,
    class: &'static str,
    state: String,
    from: Moment,
    to: Moment,
    /// The decisive moment of an assertion.
    #[serde(skip_serializing_if = "Option::is_none")]
    decisive: Option<Moment>,
    /// Titles and texts for the panel.
    facts: Vec<(&'static str, String)>,
}

fn facts<const N: usize>(facts: [(&'static str, String); N]) -> Vec<(&'static str, String)> {
    facts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// One bar per attempt of each step.
pub(super) fn steps(run: &RunReport, periods: &Periods, end: Moment) -> Vec<Occurrence> {
    let mut steps = Vec::new();
    for step in &run.steps {
        let reported =
            step.started.map(|from| Attempt { from, end: step.ended.map(|to| (to, step.state)) });
        let attempts = match periods.attempts.get(&step.name) {
            Some(recorded) if !recorded.is_empty() => recorded.as_slice(),
            _ => reported.as_slice(),
        };
        for (number, attempt) in (1..).zip(attempts) {
            let (to, state) = attempt.end.unwrap_or((end, StepState::Started));
            let label = Label::from(state);
            let which = match attempts.len() {
                1 => String::new(),
                all => format!("{number} of {all}"),
            };
            steps.push(Occurrence {
                name: step.name.clone(),
                class: label.class,
                state: label.word.to_owned(),
                from: attempt.from,
                to,
                decisive: None,
                facts: facts([
                    ("Action", step.action.clone()),
                    ("Attempt", which),
                    ("Message", step.detail.clone()),
                ]),
            });
        }
    }
    steps.sort_by_key(|step| step.from);
    steps
}

pub(super) fn fault(period: &Period<FaultEntry>, end: Moment) -> Occurrence {
    Occurrence {
        name: period.of.fault.clone(),
        class: "fault",
        state: if period.to.is_some() { "healed" } else { "not healed" }.to_owned(),
        from: period.from,
        to: period.to.unwrap_or(end),
        decisive: None,
        facts: facts([("Step", period.of.step.clone()), ("Effect", fault_line(&period.of))]),
    }
}

pub(super) fn assertion(judgement: &Judgement) -> Occurrence {
    let label = Label::from(judgement.verdict);
    let (from, to) =
        judgement.span.map_or((judgement.decided, judgement.decided), |span| (span.from, span.to));
    Occurrence {
        name: judgement.assertion.clone(),
        class: label.class,
        state: label.word.to_owned(),
        from,
        to,
        decisive: Some(judgement.explanation.moment.unwrap_or(judgement.decided)),
        facts: facts([
            ("Claim", judgement.claim.clone()),
            ("Reason", judgement.explanation.summary.clone()),
            ("Decided at", judgement.decided.to_string()),
        ]),
    }
}

pub(super) fn outage(outage: &Period<String>, end: Moment) -> Occurrence {
    Occurrence {
        name: "no response".to_owned(),
        class: "outage",
        state: "does not respond".to_owned(),
        from: outage.from,
        to: outage.to.unwrap_or(end),
        decisive: None,
        facts: facts([("Reason", outage.of.clone())]),
    }
}

pub(super) fn gap(gap: &Period<Gap>, end: Moment) -> Occurrence {
    let (class, result) = match gap.of.state {
        GapState::Lost => ("gap missing", "did not end"),
        GapState::Resumed => ("gap", "no changes are missing"),
        GapState::Relisted => ("gap missing", "changes may be missing"),
    };
    Occurrence {
        name: gap.of.kind.to_string(),
        class,
        state: format!("not watched, {result}"),
        from: gap.from,
        to: gap.to.unwrap_or(end),
        decisive: None,
        facts: facts([("Reason", gap.of.reason.clone()), ("Result", result.to_owned())]),
    }
}
