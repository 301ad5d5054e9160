//! A claim while it is judged. It waits for its span to begin, watches its conditions, and reports one
//! verdict for each try of its step.

use std::sync::Arc;

use super::claim::{Decision, Ending, Monitor, Observed, Occurred, View, Visibility, monitor};
use super::program::{ClaimId, ClaimPlan, ConditionId, KindId, OccurrenceId, SpanStart, Trigger};
use super::state::State;
use super::truth::Truth;
use crate::scenario::history::Moment;
use crate::scenario::outcome::{Judgement, Span, Verdict};

#[derive(Debug)]
pub(super) struct ActiveClaim {
    id: ClaimId,
    phase: Phase,
    from: Moment,
    /// Whether the verdict is due: the claim's step has started, or the claim is in the background.
    is_due: bool,
    /// Whether the verdict on the current try is reported.
    is_reported: bool,
    limit: Option<Moment>,
    monitor: Box<dyn Monitor>,
    visibility: Visibility,
    edges: Vec<Edge>,
    /// The verdict that no later try can change.
    settled: Option<Decision>,
    /// When the evaluator calls [`Self::woken`] next.
    pub(super) wake: Option<Moment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Watching,
    /// Nothing can change the verdict any more.
    Done,
}

/// An occurrence that happens when a condition begins to hold.
#[derive(Debug)]
struct Edge {
    condition: ConditionId,
    occurrence: OccurrenceId,
    /// Whether the condition held when its truth was last known.
    held: bool,
    /// Whether the condition can have begun to hold in a gap.
    is_doubtful: bool,
}

impl ActiveClaim {
    pub(super) fn new(id: ClaimId, plan: &ClaimPlan) -> Self {
        Self {
            id,
            phase: Phase::Waiting,
            from: Moment::default(),
            is_due: false,
            is_reported: false,
            limit: None,
            monitor: monitor(plan),
            visibility: Visibility::default(),
            edges: Vec::new(),
            settled: None,
            wake: None,
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.phase == Phase::Waiting
    }

    pub(super) fn is_watching(&self) -> bool {
        self.phase == Phase::Watching
    }

    /// Until when the claim goes on after the end of its span.
    pub(super) fn last_wait(&self) -> Option<Moment> {
        self.monitor.last_wait().filter(|_| self.is_watching())
    }

    /// Whether the claim goes on after its verdict, for the next try of its step.
    fn is_kept(plan: &ClaimPlan) -> bool {
        plan.retries && plan.from != SpanStart::OwnStep
    }

    pub(super) fn begin(&mut self, state: &mut State) {
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.id];
        self.stop(state);
        *self = Self::new(self.id, plan);
        self.phase = Phase::Watching;
        self.from = state.now;
        plan.conditions.iter().for_each(|condition| state.watch(*condition));
        for (id, occurrence) in plan.occurrences.iter() {
            if let Trigger::Holds(condition) = occurrence.trigger {
                let held = state.truth(condition) == Truth::True;
                self.edges.push(Edge { condition, occurrence: id, held, is_doubtful: false });
            }
        }
        if state.objects.are_unknown(&plan.kinds) {
            self.visibility.is_lost = true;
            self.visibility.notes.push("a watch was already lost when the span began".to_owned());
        }
        if plan.step.is_none() {
            self.is_due = true;
            self.limit = plan.limit.map(|limit| state.now + limit);
        }
    }

    /// The claim's step starts, for the first time or for a retry.
    pub(super) fn step_started(&mut self, state: &mut State, attempt: u32) -> Option<Judgement> {
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.id];
        if plan.from == SpanStart::OwnStep && (attempt > 1 || self.is_waiting()) {
            self.begin(state);
        } else if self.is_waiting() {
            return None;
        }
        self.is_due = true;
        self.is_reported = false;
        if let Some(settled) = self.settled.clone() {
            return Some(self.report(plan, state.now, settled));
        }
        if plan.looks_back {
            return self.end(state, &Ending::OwnStart);
        }
        self.limit = plan.limit.map(|limit| state.now + limit);
        None
    }

    /// Something happened, or the truth of a condition changed.
    pub(super) fn update(
        &mut self,
        state: &mut State,
        mut occurred: Vec<Occurred>,
    ) -> Option<Judgement> {
        if !self.is_watching() {
            return None;
        }
        let view = View::new(state, self.id, &self.visibility, self.from);
        for edge in &mut self.edges {
            let Observed::Known(truth) = view.observe(edge.condition) else {
                continue;
            };
            let holds = truth == Truth::True;
            if holds && !edge.held {
                let (occurrence, is_doubtful) = (edge.occurrence, edge.is_doubtful);
                occurred.push(Occurred { occurrence, object: None, is_doubtful });
            }
            edge.held = holds;
            edge.is_doubtful = false;
        }
        occurred.sort_by_key(|occurred| occurred.occurrence);
        let decision = self.monitor.update(&view, &occurred);
        self.settle(state, decision?)
    }

    pub(super) fn visibility_changed(
        &mut self,
        state: &State,
        relisted: Option<KindId>,
        note: &str,
    ) {
        if !self.is_watching() {
            return;
        }
        let plan = &state.program.claims[self.id];
        let is_lost = state.objects.are_unknown(&plan.kinds);
        let was_lost = std::mem::replace(&mut self.visibility.is_lost, is_lost);
        if was_lost && !is_lost {
            self.visibility.regained = Some(state.now);
        }
        let relisted = relisted.filter(|kind| plan.kinds.contains(kind));
        if was_lost != is_lost || relisted.is_some() {
            self.visibility.notes.push(note.to_owned());
        }
        let Some(kind) = relisted else { return };
        self.visibility.is_incomplete = true;
        for edge in &mut self.edges {
            edge.is_doubtful |= state.program.conditions[edge.condition].kinds.contains(&kind);
        }
        let view = View::new(state, self.id, &self.visibility, self.from);
        self.monitor.relisted(&view, kind);
    }

    pub(super) fn next_wake(&self) -> Option<Moment> {
        if !self.is_watching() {
            return None;
        }
        let limit = self.limit.filter(|_| !self.is_reported);
        [self.monitor.timer(), limit].into_iter().flatten().min()
    }

    /// A deadline of the claim passes now.
    pub(super) fn woken(&mut self, state: &mut State) -> Option<Judgement> {
        if !self.is_watching() {
            return None;
        }
        // What lasted long enough exactly at the time limit was in time.
        if self.monitor.timer() == Some(state.now) {
            let view = View::new(state, self.id, &self.visibility, self.from);
            let decision = self.monitor.expired(&view);
            return self.settle(state, decision?);
        }
        (self.limit == Some(state.now)).then(|| self.end(state, &Ending::Limit)).flatten()
    }

    pub(super) fn end(&mut self, state: &mut State, ending: &Ending) -> Option<Judgement> {
        if !self.is_watching() || self.is_reported {
            return None;
        }
        self.limit = None;
        let decision =
            self.monitor.end(&View::new(state, self.id, &self.visibility, self.from), ending);
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.id];
        let judgement = self.report(plan, state.now, decision?);
        if !Self::is_kept(plan) {
            self.stop(state);
        }
        Some(judgement)
    }

    /// The record ends before the verdict.
    pub(super) fn cut_short(&mut self, state: &mut State, why: &str) -> Option<Judgement> {
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.id];
        let has_span = !self.is_waiting() && (self.is_due || plan.step.is_none());
        if self.is_reported || (self.phase == Phase::Done && self.settled.is_none()) {
            return None;
        }
        let why = if has_span { why } else { "the span never began" };
        let decision = Decision::new(Verdict::Inconclusive, why);
        let mut judgement = self.report(plan, state.now, decision);
        judgement.span = judgement.span.filter(|_| has_span);
        self.stop(state);
        Some(judgement)
    }

    fn settle(&mut self, state: &mut State, decision: Decision) -> Option<Judgement> {
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.id];
        self.stop(state);
        let judgement = (self.is_due && !self.is_reported)
            .then(|| self.report(plan, state.now, decision.clone()));
        if judgement.is_none() || Self::is_kept(plan) {
            self.settled = Some(decision);
        }
        judgement
    }

    fn report(&mut self, plan: &ClaimPlan, now: Moment, decision: Decision) -> Judgement {
        self.is_reported = true;
        let Decision { verdict, mut explanation } = decision;
        if verdict == Verdict::Inconclusive {
            explanation.unknown.clone_from(&self.visibility.notes);
        }
        Judgement {
            assertion: plan.name.clone(),
            step: plan.step.clone(),
            claim: plan.text.clone(),
            verdict,
            span: Some(Span { from: self.from, to: now }),
            decided: now,
            explanation,
        }
    }

    fn stop(&mut self, state: &mut State) {
        if self.is_watching() {
            let program = Arc::clone(&state.program);
            let plan = &program.claims[self.id];
            plan.conditions.iter().for_each(|condition| state.unwatch(*condition));
            self.phase = Phase::Done;
        }
    }
}
