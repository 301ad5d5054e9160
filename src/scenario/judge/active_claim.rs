//! A claim while it is judged. It waits for its span to begin, watches its conditions, and reports one
//! verdict for each try of its step.

use std::sync::Arc;

use super::claim::{Decision, Ending, Monitor, Observed, Occurred, View, Visibility};
use super::program::{
    ClaimId, ClaimPlan, ConditionId, KindId, OccurrenceId, Program, SpanStart, Trigger,
};
use super::state::State;
use super::truth::Truth;
use super::verdict::{Explanation, Judgement, Span, Verdict};
use crate::scenario::history::Moment;

#[derive(Debug)]
pub(super) struct ActiveClaim {
    id: ClaimId,
    phase: Phase,
    /// The beginning of the span.
    from: Moment,
    /// Whether the verdict is due: the claim's step has started, or the claim is in the background.
    is_due: bool,
    /// Whether the verdict on the current try is reported.
    is_reported: bool,
    limit: Option<Moment>,
    monitor: Monitor,
    visibility: Visibility,
    edges: Vec<Edge>,
    /// The verdict that no later try can change.
    settled: Option<Decision>,
    /// When the evaluator calls [`Self::woken`] next.
    pub(super) wake: Option<Moment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The span has not begun.
    Waiting,
    /// The conditions are watched.
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
            monitor: Monitor::new(plan),
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
        match &self.monitor {
            Monitor::After(after) if self.is_watching() => after.last_wait(),
            _ => None,
        }
    }

    /// Whether the claim goes on after its verdict, for the next try of its step.
    fn is_kept(plan: &ClaimPlan) -> bool {
        plan.retries && plan.from != SpanStart::OwnStep
    }

    /// Begins the span.
    pub(super) fn begin(&mut self, state: &mut State, now: Moment) {
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.id];
        self.stop(state);
        *self = Self::new(self.id, plan);
        self.phase = Phase::Watching;
        self.from = now;
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
            self.limit = plan.limit.map(|limit| now + limit);
        }
    }

    /// The claim's step starts, for the first time or for a retry.
    pub(super) fn step_started(
        &mut self,
        state: &mut State,
        now: Moment,
        attempt: u32,
    ) -> Option<Judgement> {
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.id];
        if plan.from == SpanStart::OwnStep && (attempt > 1 || self.is_waiting()) {
            self.begin(state, now);
        } else if self.is_waiting() {
            return None;
        }
        self.is_due = true;
        self.is_reported = false;
        if let Some(settled) = self.settled.clone() {
            return Some(self.report(plan, now, settled));
        }
        if plan.looks_back {
            return self.end(state, now, &Ending::OwnStart);
        }
        self.limit = plan.limit.map(|limit| now + limit);
        None
    }

    /// Something happened, or the truth of a condition changed.
    pub(super) fn update(
        &mut self,
        state: &mut State,
        now: Moment,
        mut occurred: Vec<Occurred>,
    ) -> Option<Judgement> {
        if !self.is_watching() {
            return None;
        }
        let program = Arc::clone(&state.program);
        let view = view(&program, state, &self.visibility, self.from, now, self.id);
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
        self.settle(state, now, decision?)
    }

    /// A watch was lost, resumed, or listed its objects again.
    pub(super) fn visibility_changed(
        &mut self,
        state: &State,
        now: Moment,
        relisted: Option<KindId>,
        note: &str,
    ) {
        if !self.is_watching() {
            return;
        }
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.id];
        let is_lost = state.objects.are_unknown(&plan.kinds);
        let was_lost = std::mem::replace(&mut self.visibility.is_lost, is_lost);
        if was_lost && !is_lost {
            self.visibility.regained = Some(now);
        }
        let relisted = relisted.filter(|kind| plan.kinds.contains(kind));
        if was_lost != is_lost || relisted.is_some() {
            self.visibility.notes.push(note.to_owned());
        }
        let Some(kind) = relisted else { return };
        self.visibility.is_incomplete = true;
        for edge in &mut self.edges {
            edge.is_doubtful |= program.conditions[edge.condition].kinds.contains(&kind);
        }
        let view = view(&program, state, &self.visibility, self.from, now, self.id);
        self.monitor.relisted(&view, kind);
    }

    /// When the claim's next deadline passes.
    pub(super) fn next_wake(&self) -> Option<Moment> {
        if !self.is_watching() {
            return None;
        }
        let limit = self.limit.filter(|_| !self.is_reported);
        [self.monitor.timer(), limit].into_iter().flatten().min()
    }

    /// The deadline `at` has passed.
    pub(super) fn woken(&mut self, state: &mut State, at: Moment) -> Option<Judgement> {
        if !self.is_watching() {
            return None;
        }
        // What lasted long enough exactly at the time limit was in time.
        if self.monitor.timer() == Some(at) {
            let program = Arc::clone(&state.program);
            let view = view(&program, state, &self.visibility, self.from, at, self.id);
            let decision = self.monitor.expired(&view);
            return decision.and_then(|decision| self.settle(state, at, decision));
        }
        (self.limit == Some(at)).then(|| self.end(state, at, &Ending::Limit)).flatten()
    }

    /// The span is over.
    pub(super) fn end(
        &mut self,
        state: &mut State,
        now: Moment,
        ending: &Ending,
    ) -> Option<Judgement> {
        if !self.is_watching() || self.is_reported {
            return None;
        }
        self.limit = None;
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.id];
        let view = view(&program, state, &self.visibility, self.from, now, self.id);
        let decision = self.monitor.end(&view, ending);
        let judgement = self.report(plan, now, decision?);
        if !Self::is_kept(plan) {
            self.stop(state);
        }
        Some(judgement)
    }

    /// The record ends before the verdict.
    pub(super) fn cut_short(
        &mut self,
        state: &mut State,
        now: Moment,
        why: &str,
    ) -> Option<Judgement> {
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.id];
        let has_span = !self.is_waiting() && (self.is_due || plan.step.is_none());
        if self.is_reported || (self.phase == Phase::Done && self.settled.is_none()) {
            return None;
        }
        let decision = Decision {
            verdict: Verdict::Inconclusive,
            explanation: Explanation {
                summary: if has_span { why.to_owned() } else { "the span never began".to_owned() },
                ..Explanation::default()
            },
        };
        let mut judgement = self.report(plan, now, decision);
        if !has_span {
            judgement.span = None;
        }
        self.stop(state);
        Some(judgement)
    }

    fn settle(&mut self, state: &mut State, now: Moment, decision: Decision) -> Option<Judgement> {
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.id];
        self.stop(state);
        let judgement =
            (self.is_due && !self.is_reported).then(|| self.report(plan, now, decision.clone()));
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

    /// Stops watching the conditions.
    fn stop(&mut self, state: &mut State) {
        if self.is_watching() {
            let program = Arc::clone(&state.program);
            let plan = &program.claims[self.id];
            plan.conditions.iter().for_each(|condition| state.unwatch(*condition));
            self.phase = Phase::Done;
        }
    }
}

fn view<'a>(
    program: &'a Program,
    state: &'a State,
    visibility: &'a Visibility,
    from: Moment,
    now: Moment,
    id: ClaimId,
) -> View<'a> {
    View { state, plan: &program.claims[id], visibility, from, now }
}
