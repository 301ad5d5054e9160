use serde::Serialize;

use super::nearby::{NearbyEntry, Scope, nearby};
use super::pending_pod::{PendingPod, pending_pods};
use crate::scenario::history::{Entry, Moment, StepState};
use crate::scenario::outcome::{Breach, Judgement, ObjectName, RunReport, StepReport, Verdict};
use crate::scenario::report::fields::short_kind;
use crate::scenario::report::lifetime::Lifetimes;
use crate::scenario::report::status::status;

/// Everything known about a step or an assertion that failed or is inconclusive.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureDetails {
    pub name: String,
    pub cause: Cause,
    /// Fail or inconclusive.
    pub verdict: Verdict,
    /// The text of the assertion. Empty for a step that asserts nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub claim: String,
    pub summary: String,
    pub moment: Moment,
    /// The values of the condition's parts at that moment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// The objects that were not as expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<UnexpectedObject>,
    /// The number of such objects that are left out.
    pub more_objects: usize,
    /// What was not observed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Pods that were not scheduled, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<PendingPod>,
    /// Entries of the record shortly before and after the moment, in order.
    #[serde(rename = "around", skip_serializing_if = "Vec::is_empty")]
    pub nearby: Vec<NearbyEntry>,
    /// The number of such entries that are left out.
    #[serde(rename = "moreAround")]
    pub more_nearby: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// An assertion, in the background or as a step.
    Assertion,
    /// A step that asserts nothing.
    Step,
}

/// An object that was not as expected at the decisive moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnexpectedObject {
    pub object: ObjectName,
    /// The object's status in a few words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// The expected and the found values, one line per field.
    pub differences: Vec<String>,
}

impl FailureDetails {
    /// The unscheduled pods that are not among the unexpected objects.
    pub fn other_pending(&self) -> impl Iterator<Item = &PendingPod> {
        self.pending
            .iter()
            .filter(|pod| self.objects.iter().all(|object| object.object.uid != pod.pod.uid))
    }

    /// The unscheduled pod that is this object.
    pub fn pending_of(&self, object: &UnexpectedObject) -> Option<&PendingPod> {
        self.pending.iter().find(|pod| pod.pod.uid == object.object.uid)
    }
}

/// The details of all steps and assertions that failed or are inconclusive: failures first,
/// otherwise in the order of the run. Leaves out what another failure cut short.
pub fn failures(run: &RunReport, lifetimes: &Lifetimes, history: &[Entry]) -> Vec<FailureDetails> {
    let judged = run
        .judgements
        .iter()
        .filter(|judgement| judgement.verdict != Verdict::Pass && !is_cut_short(judgement, run));
    let mut all: Vec<FailureDetails> =
        judged.map(|judgement| of_judgement(judgement, lifetimes, history)).collect();
    all.extend(run.steps.iter().filter_map(|step| of_step(step, run, lifetimes, history)));
    all.sort_by_key(|failure| std::cmp::Reverse(failure.verdict));
    all
}

/// Whether an assertion is undecided only because the run ended early.
fn is_cut_short(judgement: &Judgement, run: &RunReport) -> bool {
    let explanation = &judgement.explanation;
    judgement.verdict == Verdict::Inconclusive
        && explanation.breaches.is_empty()
        && explanation.unknown.is_empty()
        && (judgement.span.is_none() || run.has_failed())
}

fn of_judgement(judgement: &Judgement, lifetimes: &Lifetimes, history: &[Entry]) -> FailureDetails {
    let explanation = &judgement.explanation;
    let moment = explanation.moment.unwrap_or(judgement.decided);
    let breaches = explanation.breaches.as_slice();
    // No object explains why something is unknown. The interruption of the watch does.
    let is_unknown = judgement.verdict == Verdict::Inconclusive && breaches.is_empty();
    let scope = if is_unknown { Scope::Run } else { Scope::Cluster };
    let (nearby, more_nearby) = nearby(moment, breaches, scope, lifetimes, history);
    FailureDetails {
        name: judgement.assertion.clone(),
        cause: Cause::Assertion,
        verdict: judgement.verdict,
        claim: judgement.claim.clone(),
        summary: explanation.summary.clone(),
        moment,
        parts: explanation.parts.clone(),
        objects: breaches.iter().map(unexpected).collect(),
        more_objects: explanation.more,
        unknown: explanation.unknown.clone(),
        pending: match scope {
            Scope::Run => Vec::new(),
            Scope::Cluster => pending_pods(moment, breaches, lifetimes),
        },
        nearby,
        more_nearby,
    }
}

fn unexpected(breach: &Breach) -> UnexpectedObject {
    UnexpectedObject {
        object: breach.object.clone(),
        state: status(short_kind(&breach.object.kind), &breach.then),
        differences: breach.differences.clone(),
    }
}

/// The details of a step that failed without a verdict of its own.
fn of_step(
    step: &StepReport,
    run: &RunReport,
    lifetimes: &Lifetimes,
    history: &[Entry],
) -> Option<FailureDetails> {
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
    let moment = step.ended.unwrap_or(lifetimes.end);
    let (nearby, more_nearby) = nearby(moment, &[], Scope::Cluster, lifetimes, history);
    Some(FailureDetails {
        name: step.name.clone(),
        cause: Cause::Step,
        verdict,
        claim: String::new(),
        summary: match step.detail.as_str() {
            "" => format!("the {} step failed", step.action),
            detail => detail.to_owned(),
        },
        moment,
        parts: Vec::new(),
        objects: Vec::new(),
        more_objects: 0,
        unknown: Vec::new(),
        pending: Vec::new(),
        nearby,
        more_nearby,
    })
}
