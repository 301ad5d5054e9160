//! A claim during a run: from its span's beginning to its verdict, and, where its step is tried
//! again, to the next one.

use std::sync::Arc;

use super::claim::{Decision, Ending, Look, Monitor, Occurred, Sight, Sighted};
use super::plan::{ClaimPlan, Program, What};
use super::state::{State, Truth};
use super::verdict::{Judgement, Span, Verdict};
use crate::scenario::history::Moment;

/// A claim of a program, while it is judged.
#[derive(Debug)]
pub(super) struct Running {
    number: usize,
    phase: Phase,
    /// The beginning of its span.
    from: Moment,
    /// Whether its verdict is due: its step has started, or it is in the background.
    is_due: bool,
    /// Whether the verdict has been told, of this try where its step is tried again.
    is_told: bool,
    limit: Option<Moment>,
    monitor: Monitor,
    sight: Sight,
    edges: Vec<Edge>,
    /// What is certain, however often its step is tried again.
    settled: Option<Decision>,
    /// When it is to be woken next.
    pub(super) wake: Option<Moment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The span has not begun.
    Waiting,
    /// Its conditions are watched.
    Watching,
    /// Nothing that happens counts any more.
    Done,
}

/// A condition whose beginning to hold is an occurrence.
#[derive(Debug)]
struct Edge {
    condition: usize,
    index: usize,
    /// Whether it held when it was last known.
    held: bool,
    /// Whether it may have begun to hold in a gap.
    is_doubtful: bool,
}

impl Running {
    pub(super) fn new(number: usize, plan: &ClaimPlan) -> Self {
        Self {
            number,
            phase: Phase::Waiting,
            from: Moment::default(),
            is_due: false,
            is_told: false,
            limit: None,
            monitor: Monitor::new(plan),
            sight: Sight::default(),
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

    /// Until when it looks on after its span's end.
    pub(super) fn last_wait(&self) -> Option<Moment> {
        match &self.monitor {
            Monitor::After(after) if self.is_watching() => after.last_wait(),
            _ => None,
        }
    }

    /// Whether it goes on being watched after its verdict, for the next try of its step.
    fn is_kept(plan: &ClaimPlan) -> bool {
        plan.retries && plan.from != plan.step
    }

    /// Begins the span.
    pub(super) fn begin(&mut self, state: &mut State, now: Moment) {
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.number];
        self.stop(state);
        *self = Self::new(self.number, plan);
        self.phase = Phase::Watching;
        self.from = now;
        plan.conditions.iter().for_each(|condition| state.watch(*condition));
        for (index, occurrence) in plan.occurrences.iter().enumerate() {
            if let What::Holds(condition) = occurrence.what {
                let held = state.truth(condition) == Truth::True;
                self.edges.push(Edge { condition, index, held, is_doubtful: false });
            }
        }
        if state.objects.are_unknown(&plan.kinds) {
            self.sight.is_lost = true;
            self.sight.notes.push("sight was lost already when the span began".to_owned());
        }
        if plan.step.is_none() {
            self.is_due = true;
            self.limit = plan.limit.map(|limit| now + limit);
        }
    }

    /// Its step starts, for the first time or again.
    pub(super) fn step_started(
        &mut self,
        state: &mut State,
        now: Moment,
        attempt: u32,
    ) -> Option<Judgement> {
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.number];
        if plan.from == plan.step && (attempt > 1 || self.is_waiting()) {
            self.begin(state, now);
        } else if self.is_waiting() {
            return None;
        }
        self.is_due = true;
        self.is_told = false;
        if let Some(settled) = self.settled.clone() {
            return Some(self.tell(plan, now, settled));
        }
        if plan.looks_back {
            return self.end(state, now, &Ending::OwnStart);
        }
        self.limit = plan.limit.map(|limit| now + limit);
        None
    }

    /// Takes in what happened and what holds now.
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
        let look = look(&program, state, &self.sight, self.from, now, self.number);
        for edge in &mut self.edges {
            let Sighted::Known(truth) = look.value(edge.condition) else {
                continue;
            };
            let holds = truth == Truth::True;
            if holds && !edge.held {
                let (index, is_doubtful) = (edge.index, edge.is_doubtful);
                occurred.push(Occurred { index, object: None, is_doubtful });
            }
            edge.held = holds;
            edge.is_doubtful = false;
        }
        occurred.sort_by_key(|occurred| occurred.index);
        let decision = self.monitor.update(&look, &occurred);
        self.settle(state, now, decision?)
    }

    /// Sight was lost, came back, or something was listed anew.
    pub(super) fn sight_changed(
        &mut self,
        state: &State,
        now: Moment,
        relisted: Option<usize>,
        note: &str,
    ) {
        if !self.is_watching() {
            return;
        }
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.number];
        let is_lost = state.objects.are_unknown(&plan.kinds);
        let was_lost = std::mem::replace(&mut self.sight.is_lost, is_lost);
        if was_lost && !is_lost {
            self.sight.back = Some(now);
        }
        let relisted = relisted.filter(|kind| plan.kinds.contains(kind));
        if was_lost != is_lost || relisted.is_some() {
            self.sight.notes.push(note.to_owned());
        }
        let Some(kind) = relisted else { return };
        self.sight.is_incomplete = true;
        for edge in &mut self.edges {
            edge.is_doubtful |= program.conditions[edge.condition].kinds.contains(&kind);
        }
        let look = look(&program, state, &self.sight, self.from, now, self.number);
        self.monitor.relisted(&look, kind);
    }

    /// When the next thing is due without anything happening.
    pub(super) fn next_wake(&self) -> Option<Moment> {
        if !self.is_watching() {
            return None;
        }
        let limit = self.limit.filter(|_| !self.is_told);
        [self.monitor.timer(), limit].into_iter().flatten().min()
    }

    /// The moment that it was to be woken at is over.
    pub(super) fn woken(&mut self, state: &mut State, at: Moment) -> Option<Judgement> {
        if !self.is_watching() {
            return None;
        }
        // What lasted long enough just when the time was over did so in time.
        if self.monitor.timer() == Some(at) {
            let program = Arc::clone(&state.program);
            let look = look(&program, state, &self.sight, self.from, at, self.number);
            let decision = self.monitor.expired(&look);
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
        if !self.is_watching() || self.is_told {
            return None;
        }
        self.limit = None;
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.number];
        let look = look(&program, state, &self.sight, self.from, now, self.number);
        let decision = self.monitor.end(&look, ending);
        let judgement = self.tell(plan, now, decision?);
        if !Self::is_kept(plan) {
            self.stop(state);
        }
        Some(judgement)
    }

    /// Nothing comes any more.
    pub(super) fn cut_short(
        &mut self,
        state: &mut State,
        now: Moment,
        why: &str,
    ) -> Option<Judgement> {
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.number];
        let has_span = !self.is_waiting() && (self.is_due || plan.step.is_none());
        if self.is_told || (self.phase == Phase::Done && self.settled.is_none()) {
            return None;
        }
        let decision = Decision {
            verdict: Verdict::Inconclusive,
            explanation: super::verdict::Explanation {
                summary: if has_span { why.to_owned() } else { "it never began".to_owned() },
                ..super::verdict::Explanation::default()
            },
        };
        let mut judgement = self.tell(plan, now, decision);
        if !has_span {
            judgement.span = None;
        }
        self.stop(state);
        Some(judgement)
    }

    fn settle(&mut self, state: &mut State, now: Moment, decision: Decision) -> Option<Judgement> {
        let program = Arc::clone(&state.program);
        let plan = &program.claims[self.number];
        self.stop(state);
        let judgement =
            (self.is_due && !self.is_told).then(|| self.tell(plan, now, decision.clone()));
        if judgement.is_none() || Self::is_kept(plan) {
            self.settled = Some(decision);
        }
        judgement
    }

    fn tell(&mut self, plan: &ClaimPlan, now: Moment, decision: Decision) -> Judgement {
        self.is_told = true;
        let Decision { verdict, mut explanation } = decision;
        if verdict == Verdict::Inconclusive {
            explanation.unknown.clone_from(&self.sight.notes);
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

    /// Watches no longer.
    fn stop(&mut self, state: &mut State) {
        if self.is_watching() {
            let program = Arc::clone(&state.program);
            let plan = &program.claims[self.number];
            plan.conditions.iter().for_each(|condition| state.unwatch(*condition));
            self.phase = Phase::Done;
        }
    }
}

fn look<'a>(
    program: &'a Program,
    state: &'a State,
    sight: &'a Sight,
    from: Moment,
    now: Moment,
    number: usize,
) -> Look<'a> {
    Look { state, plan: &program.claims[number], sight, from, now }
}
