//! What the timeline shows besides objects: steps, faults, assertions, and what was not seen.

use std::collections::HashMap;

use serde::Serialize;

use crate::scenario::history::{Change, Entry, FaultState, GapState, Moment, StepState};
use crate::scenario::outcome::RunReport;
use crate::scenario::report::explain::fault_line;
use crate::scenario::report::figures::{outages, unwatched};
use crate::scenario::report::text::{step_word, verdict_word};

/// A bar or a mark with what there is to tell of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Occurrence {
    /// Its name.
    name: String,
    /// The class by which it is drawn.
    class: String,
    /// Its state in a word.
    word: String,
    from: Moment,
    to: Moment,
    /// For an assertion, when its verdict was certain.
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<Moment>,
    /// More about it: a title and a text each.
    facts: Vec<(String, String)>,
}

fn fact(facts: &mut Vec<(String, String)>, title: &str, text: &str) {
    if !text.is_empty() {
        facts.push((title.to_owned(), text.to_owned()));
    }
}

/// One try of a step.
struct Try {
    from: Moment,
    /// When and how it ended; `None` where it did not.
    ended: Option<(Moment, StepState)>,
}

fn tries(history: &[Entry]) -> HashMap<&str, Vec<Try>> {
    let mut tries: HashMap<&str, Vec<Try>> = HashMap::new();
    for entry in history {
        let Change::Step(step) = &entry.change else { continue };
        let tries = tries.entry(&step.step).or_default();
        match (step.state, tries.last_mut()) {
            (StepState::Started, _) => tries.push(Try { from: entry.at, ended: None }),
            (state, Some(last)) => {
                last.ended.get_or_insert((entry.at, state));
            }
            (_, None) => {}
        }
    }
    tries
}

/// Every step that started: a bar for each try.
pub(super) fn steps(run: &RunReport, history: &[Entry], end: Moment) -> Vec<Occurrence> {
    let mut tries = tries(history);
    let mut steps = Vec::new();
    for step in &run.steps {
        let mut told = tries.remove(step.name.as_str()).unwrap_or_default();
        if told.is_empty() {
            let ended = step.ended.map(|to| (to, step.state));
            told.extend(step.started.map(|from| Try { from, ended }));
        }
        let number = told.len();
        for (place, Try { from, ended }) in told.into_iter().enumerate() {
            let (to, state) = ended.unwrap_or((end, StepState::Started));
            let mut facts = Vec::new();
            fact(&mut facts, "Does", &step.action);
            if number > 1 {
                fact(&mut facts, "Try", &format!("{} of {number}", place + 1));
            }
            fact(&mut facts, "Tells", &step.detail);
            let class = match state {
                StepState::Passed => "pass",
                StepState::Failed => "fail",
                StepState::Retried => "retried",
                StepState::Started | StepState::Inconclusive | StepState::Skipped => "inconclusive",
            };
            steps.push(Occurrence {
                name: step.name.clone(),
                class: class.to_owned(),
                word: step_word(state).to_owned(),
                from,
                to,
                mark: None,
                facts,
            });
        }
    }
    steps.sort_by_key(|step| step.from);
    steps
}

/// Every fault, from its injection to its healing.
pub(super) fn faults(history: &[Entry], end: Moment) -> Vec<Occurrence> {
    let mut faults = Vec::new();
    let mut open: HashMap<&str, usize> = HashMap::new();
    for entry in history {
        let Change::Fault(fault) = &entry.change else { continue };
        match fault.state {
            FaultState::Injected => {
                open.insert(&fault.id, faults.len());
                let mut facts = Vec::new();
                fact(&mut facts, "Step", &fault.step);
                fact(&mut facts, "Does", &fault_line(fault));
                faults.push(Occurrence {
                    name: fault.fault.clone(),
                    class: "fault".to_owned(),
                    word: "not healed".to_owned(),
                    from: entry.at,
                    to: end,
                    mark: None,
                    facts,
                });
            }
            FaultState::Healed => {
                let place = open.remove(fault.id.as_str());
                if let Some(fault) = place.and_then(|place| faults.get_mut(place)) {
                    fault.to = entry.at;
                    fault.word = "healed".to_owned();
                }
            }
        }
    }
    faults
}

/// Every assertion with its span and the moment at which its verdict was certain.
pub(super) fn assertions(run: &RunReport) -> Vec<Occurrence> {
    run.judgements
        .iter()
        .map(|judgement| {
            let span = judgement.span.map(|span| (span.from, span.to));
            let (from, to) = span.unwrap_or((judgement.decided, judgement.decided));
            let mark = judgement.explanation.moment.unwrap_or(judgement.decided);
            let mut facts = Vec::new();
            fact(&mut facts, "Says", &judgement.claim);
            fact(&mut facts, "Because", &judgement.explanation.summary);
            fact(&mut facts, "Certain at", &judgement.decided.to_string());
            Occurrence {
                name: judgement.assertion.clone(),
                class: judgement.verdict.to_string(),
                word: verdict_word(judgement.verdict).to_owned(),
                from,
                to,
                mark: Some(mark),
                facts,
            }
        })
        .collect()
}

/// When the API server did not answer.
pub(super) fn api(history: &[Entry], end: Moment) -> Vec<Occurrence> {
    let reason = |from: Moment| {
        history.iter().find_map(|entry| match &entry.change {
            Change::Api(api) if entry.at == from && !api.available => Some(api.reason.clone()),
            _ => None,
        })
    };
    let outages = outages(end, history).into_iter();
    outages
        .map(|(from, to)| {
            let mut facts = Vec::new();
            fact(&mut facts, "Because", &reason(from).unwrap_or_default());
            Occurrence {
                name: "no answer".to_owned(),
                class: "outage".to_owned(),
                word: "does not answer".to_owned(),
                from,
                to,
                mark: None,
                facts,
            }
        })
        .collect()
}

/// When a kind was not watched.
pub(super) fn gaps(history: &[Entry], end: Moment) -> Vec<Occurrence> {
    let gaps = unwatched(end, history).into_iter();
    gaps.map(|gap| {
        let mut facts = Vec::new();
        fact(&mut facts, "Because", &gap.reason);
        let word = match gap.ended {
            GapState::Lost => "did not end",
            GapState::Resumed => "nothing is missing",
            GapState::Relisted => "events may be missing",
        };
        fact(&mut facts, "After it", word);
        Occurrence {
            name: gap.kind.to_string(),
            class: if gap.ended == GapState::Resumed { "gap" } else { "gap missing" }.to_owned(),
            word: format!("not watched; {word}"),
            from: gap.from,
            to: gap.to,
            mark: None,
            facts,
        }
    })
    .collect()
}
