use serde::Serialize;

use super::pending::{PendingPod, pending_pods};
use super::surroundings::{Scope, Surrounding, surroundings};
use crate::scenario::history::{Entry, Moment, StepState};
use crate::scenario::judge::{Breach, Judgement, ObjectName, Verdict};
use crate::scenario::outcome::{RunReport, StepReport};
use crate::scenario::report::lives::Lives;
use crate::scenario::report::object;

/// All that goes with a step or an assertion that did not pass.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// The assertion's or step's name.
    pub name: String,
    /// What it is.
    pub cause: Cause,
    /// Its verdict: fail or inconclusive.
    pub verdict: Verdict,
    /// What it says; empty for a step that asserts nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub claim: String,
    /// Why, in one sentence.
    pub summary: String,
    /// The moment that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moment: Option<Moment>,
    /// How the condition's parts came out then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// The objects that were not as expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectThen>,
    /// How many more of them there are.
    pub more_objects: usize,
    /// What was not seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Pods that no node took, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<PendingPod>,
    /// Events, logs, faults and steps around the moment, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub around: Vec<Surrounding>,
    /// How many more of them there are.
    pub more_around: usize,
}

/// What did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// An assertion, in the background or as a step.
    Assertion,
    /// A step that does something.
    Step,
}

/// An object that was not as expected; the whole of it is with the judgement.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectThen {
    /// Which object.
    pub object: ObjectName,
    /// What it was at, in a few words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// What was expected against what there was, a line each.
    pub differences: Vec<String>,
}

/// What goes with every step and assertion of a run that failed or is inconclusive: failures first,
/// each in the run's order. What another failure has cut short is explained by that one.
pub fn explanations(run: &RunReport, history: &[Entry]) -> Vec<Details> {
    let lives = Lives::of(history);
    let judged = run
        .judgements
        .iter()
        .filter(|judgement| judgement.verdict != Verdict::Pass && !is_cut_short(judgement, run));
    let mut all: Vec<Details> =
        judged.map(|judgement| of_judgement(judgement, &lives, history)).collect();
    all.extend(run.steps.iter().filter_map(|step| of_step(step, run, &lives, history)));
    all.sort_by_key(|details| std::cmp::Reverse(details.verdict));
    all
}

/// Whether an assertion is undecided only because the run came to its end before.
fn is_cut_short(judgement: &Judgement, run: &RunReport) -> bool {
    let explanation = &judgement.explanation;
    judgement.verdict == Verdict::Inconclusive
        && explanation.breaches.is_empty()
        && explanation.unknown.is_empty()
        && (judgement.span.is_none() || run.has_failed())
}

fn of_judgement(judgement: &Judgement, lives: &Lives, history: &[Entry]) -> Details {
    let explanation = &judgement.explanation;
    let moment = explanation.moment.unwrap_or(judgement.decided);
    let breaches = explanation.breaches.as_slice();
    // What is not known has no object that would tell why: what was in the way of knowing does.
    let is_unknown = judgement.verdict == Verdict::Inconclusive && breaches.is_empty();
    let scope = if is_unknown { Scope::Run } else { Scope::Cluster };
    let (around, more_around) = surroundings(moment, breaches, scope, lives, history);
    Details {
        name: judgement.assertion.clone(),
        cause: Cause::Assertion,
        verdict: judgement.verdict,
        claim: judgement.claim.clone(),
        summary: explanation.summary.clone(),
        moment: Some(moment),
        parts: explanation.parts.clone(),
        objects: explanation.breaches.iter().map(object_then).collect(),
        more_objects: explanation.more,
        unknown: explanation.unknown.clone(),
        pending: match scope {
            Scope::Run => Vec::new(),
            Scope::Cluster => pending_pods(moment, breaches, lives),
        },
        around,
        more_around,
    }
}

fn object_then(breach: &Breach) -> ObjectThen {
    ObjectThen {
        object: breach.object.clone(),
        state: object::state(object::short_kind(&breach.object.kind), &breach.then),
        differences: breach.differences.clone(),
    }
}

/// A step that has no verdict of its own: what it did failed.
fn of_step(
    step: &StepReport,
    run: &RunReport,
    lives: &Lives,
    history: &[Entry],
) -> Option<Details> {
    let verdict = match step.state {
        StepState::Failed => Verdict::Fail,
        StepState::Inconclusive => Verdict::Inconclusive,
        _ => return None,
    };
    let is_group = step.action == "parallel" || step.action == "steps";
    let is_judged = run.judgements.iter().any(|judgement| {
        judgement.step.as_ref() == Some(&step.name) && judgement.verdict != Verdict::Pass
    });
    let is_cut_short = verdict == Verdict::Inconclusive && run.has_failed();
    if is_judged || is_cut_short || (is_group && step.is_explained_by_its_steps()) {
        return None;
    }
    let moment = step.ended.unwrap_or(lives.end);
    let (around, more_around) = surroundings(moment, &[], Scope::Cluster, lives, history);
    Some(Details {
        name: step.name.clone(),
        cause: Cause::Step,
        verdict,
        claim: String::new(),
        summary: match step.detail.as_str() {
            "" => format!("the step {} failed", step.action),
            detail => detail.to_owned(),
        },
        moment: Some(moment),
        parts: Vec::new(),
        objects: Vec::new(),
        more_objects: 0,
        unknown: Vec::new(),
        pending: Vec::new(),
        around,
        more_around,
    })
}
