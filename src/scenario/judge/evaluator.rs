use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use serde_json::Value;

use super::active_claim::ActiveClaim;
use super::claim::{Ending, Occurred};
use super::program::{
    ClaimId, ClaimPlan, KindId, ObjectEventKind, OccurrencePlan, Program, SpanStart, StepPhase,
    Trigger,
};
use super::state::{Applied, State, uid};
use super::table::Table;
use super::truth::Truth;
use crate::scenario::history::{
    ApiState, Change, Entry, FaultEntry, Gap, GapState, Moment, ObjectChange, ObjectEvent,
    StepEntry, StepState,
};
use crate::scenario::language::SelectionRef;
use crate::scenario::outcome::Judgement;

type Occurrences = BTreeMap<ClaimId, Vec<Occurred>>;

/// Judges a run entry by entry, while it goes on or afterwards. The same entries give the same verdicts.
#[derive(Debug)]
pub struct Evaluator {
    program: Arc<Program>,
    state: State,
    claims: Table<ClaimPlan, ActiveClaim>,
    wakes: BinaryHeap<Reverse<(Moment, ClaimId)>>,
    decided: Vec<Judgement>,
    has_begun: bool,
    /// The first step that was skipped: the run did not reach its end.
    skipped: Option<String>,
    is_finished: bool,
}

impl Evaluator {
    pub fn new(program: Arc<Program>) -> Self {
        Self {
            claims: program.claims.map(ActiveClaim::new),
            state: State::new(Arc::clone(&program)),
            program,
            wakes: BinaryHeap::new(),
            decided: Vec::new(),
            has_begun: false,
            skipped: None,
            is_finished: false,
        }
    }

    /// Accepts one entry of the record. The last one, `end`, decides all claims that are left.
    pub fn accept(&mut self, entry: &Entry) {
        if self.is_finished {
            return;
        }
        self.wake(entry.at);
        self.state.now = self.state.now.max(entry.at);
        match &entry.change {
            Change::Object(change) => self.object(change),
            Change::Gap(gap) => self.gap(gap),
            Change::Api(api) => self.api(api),
            Change::Step(step) => self.step(step),
            Change::Fault(fault) => self.fault(fault),
            Change::End(end) => self.finish(entry.at, end.interrupted),
            Change::Begin(_) | Change::Log(_) | Change::Verdict(_) => {}
        }
    }

    /// Decides claims whose time ended before `now`. An entry of the moment `now` itself can still follow.
    pub fn advance(&mut self, now: Moment) {
        if !self.is_finished {
            self.wake(now);
            self.state.now = self.state.now.max(now);
        }
    }

    /// The next moment after which [`Self::advance`] can decide a claim.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.claims.values().filter_map(|claim| claim.wake).min()
    }

    /// Until when a run goes on after its last step, because an `after` assertion waits.
    pub fn waits_until(&self) -> Option<Moment> {
        self.claims.values().filter_map(ActiveClaim::last_wait).max()
    }

    /// Returns the verdicts since the last call. If a step is retried, its last verdict counts.
    pub fn take_decided(&mut self) -> Vec<Judgement> {
        std::mem::take(&mut self.decided)
    }

    /// Returns the current objects of a selection of the scenario, ordered by namespace and name;
    /// `None` for a selection that is not in the scenario.
    pub fn select(&self, selection: &SelectionRef) -> Option<Vec<Arc<Value>>> {
        let id = self.program.selection(selection)?;
        Some(self.state.select(id).into_iter().cloned().collect())
    }

    /// Decides all claims that are left: the run ended at `at`, or was `interrupted`.
    pub fn finish(&mut self, at: Moment, interrupted: bool) {
        if self.is_finished {
            return;
        }
        // No entry follows, not even one of the same moment.
        self.wake(Moment(at.0.saturating_add(1)));
        self.state.now = self.state.now.max(at);
        self.is_finished = true;
        let cut_short = match (&self.skipped, interrupted) {
            (_, true) => Some("the run was interrupted before the verdict".to_owned()),
            (Some(step), _) => {
                Some(format!("the run ended before the verdict: step {step:?} never started"))
            }
            _ => None,
        };
        for (id, claim) in self.claims.iter_mut() {
            let plan = &self.program.claims[id];
            let lasts_to_the_end = plan.step.is_none() && plan.to.is_none();
            if lasts_to_the_end && cut_short.is_none() {
                self.decided.extend(claim.end(&mut self.state, &Ending::Run));
            }
            let why = match (&cut_short, &plan.to) {
                (Some(why), _) => why.clone(),
                (None, Some(to)) => {
                    format!("the run ended before the verdict: step {to:?} did not end")
                }
                (None, None) => "the run ended before the verdict".to_owned(),
            };
            self.decided.extend(claim.cut_short(&mut self.state, &why));
            claim.wake = None;
        }
        self.wakes.clear();
    }

    fn wake(&mut self, now: Moment) {
        while let Some(Reverse((at, id))) = self.wakes.peek().copied() {
            if at >= now {
                return;
            }
            self.wakes.pop();
            if self.claims[id].wake != Some(at) {
                continue;
            }
            self.state.now = self.state.now.max(at);
            self.decided.extend(self.claims[id].woken(&mut self.state));
            self.claims[id].wake = None;
            self.schedule(id);
        }
    }

    fn schedule(&mut self, id: ClaimId) {
        let next = self.claims[id].next_wake();
        let claim = &mut self.claims[id];
        if next != claim.wake {
            claim.wake = next;
            self.wakes.extend(next.map(|at| Reverse((at, id))));
        }
    }

    /// Passes occurrences to their claims, and also updates the claims whose conditions changed.
    fn update(&mut self, mut occurred: Occurrences) {
        for condition in self.state.refresh() {
            for claim in &self.program.uses.claims_of_condition[condition] {
                occurred.entry(*claim).or_default();
            }
        }
        for (id, occurred) in occurred {
            self.decided.extend(self.claims[id].update(&mut self.state, occurred));
            self.schedule(id);
        }
    }

    fn kind(&self, name: &str) -> Option<KindId> {
        self.program.kinds.find(|kind| *kind.0 == *name)
    }

    fn object(&mut self, change: &ObjectChange) {
        let Some(kind) = self.kind(&change.kind.0) else { return };
        let mut applied = self.state.apply(kind, change);
        let mut occurred = Occurrences::new();
        let paths = &self.program.paths[kind];
        for applied in &mut applied {
            for selection in &self.program.uses.selections_of_kind[kind] {
                let uses = &self.program.uses.occurrences_of_selection[*selection];
                for (id, occurrence, dependence) in uses {
                    if !self.claims[*id].is_watching() {
                        continue;
                    }
                    let plan = &self.program.claims[*id].occurrences[*occurrence];
                    let is_of_change = matches!(
                        plan.trigger,
                        Trigger::Object { event: ObjectEventKind::Changed, .. }
                    );
                    if !is_of_change && applied.is_same(dependence, paths) {
                        continue;
                    }
                    if let Some(object) = self.happened(plan, applied) {
                        let is_doubtful =
                            matches!(applied.event, ObjectEvent::Found | ObjectEvent::Missed);
                        let object = Some(object);
                        let happened = Occurred { occurrence: *occurrence, object, is_doubtful };
                        occurred.entry(*id).or_default().push(happened);
                    }
                }
            }
        }
        self.update(occurred);
    }

    fn happened(&self, plan: &OccurrencePlan, applied: &Applied) -> Option<Arc<Value>> {
        let Trigger::Object { event, selection, predicate } = plan.trigger else { return None };
        let selection = &self.program.selections[selection];
        let has = |object: &Value| selection.has(object, &self.program);
        let is_match = |object: &Value, old: Option<&Value>| {
            let predicate = &self.program.predicates[predicate];
            predicate.test(object, old, &self.program.variables) == Truth::True
        };
        let (old, new) = (applied.old.as_ref(), applied.new.as_ref());
        let reported = &applied.reported;
        let happened = match event {
            ObjectEventKind::Created => {
                let is_new = matches!(applied.event, ObjectEvent::Added | ObjectEvent::Found);
                is_new && old.is_none() && has(reported) && is_match(reported, None)
            }
            ObjectEventKind::Deleted => {
                new.is_none() && has(old.unwrap_or(reported)) && is_match(reported, None)
            }
            ObjectEventKind::Changed => match (old, new) {
                (Some(old), Some(new)) => {
                    (has(new) || has(old)) && old != new && is_match(new, Some(old))
                }
                _ => false,
            },
            ObjectEventKind::Becomes => {
                let matches = |object: &Arc<Value>| has(object) && is_match(object, None);
                applied.event != ObjectEvent::Initial
                    && new.is_some_and(matches)
                    && !old.is_some_and(matches)
            }
        };
        debug_assert!(old.is_none_or(|old| uid(old) == uid(reported)));
        happened.then(|| Arc::clone(reported))
    }

    fn gap(&mut self, gap: &Gap) {
        let Some(kind) = self.kind(&gap.kind.0) else { return };
        self.state.objects.gap(kind, gap.state);
        let name = &gap.kind;
        let note = match gap.state {
            GapState::Lost => format!("the watch of {name} was lost{}", in_brackets(&gap.reason)),
            GapState::Resumed => format!("the watch of {name} resumed, no change was missed"),
            GapState::Relisted => {
                format!("{name} was listed again; changes in between were not seen")
            }
        };
        let relisted = (gap.state == GapState::Relisted).then_some(kind);
        self.visibility_changed(relisted, &note);
    }

    fn api(&mut self, api: &ApiState) {
        self.state.objects.api(api.available);
        let note = match api.available {
            true => "the API server answered again".to_owned(),
            false => format!("the API server did not answer{}", in_brackets(&api.reason)),
        };
        self.visibility_changed(None, &note);
    }

    fn visibility_changed(&mut self, relisted: Option<KindId>, note: &str) {
        let note = format!("at {}: {note}", self.state.now);
        let mut watching = BTreeMap::new();
        for (id, claim) in self.claims.iter_mut() {
            if claim.is_watching() {
                claim.visibility_changed(&self.state, relisted, &note);
                watching.insert(id, Vec::new());
            }
        }
        self.update(watching);
    }

    fn step(&mut self, step: &StepEntry) {
        let program = Arc::clone(&self.program);
        let starts = step.state == StepState::Started;
        let is_first = starts && !self.has_begun;
        self.has_begun |= starts;
        let ends =
            matches!(step.state, StepState::Passed | StepState::Failed | StepState::Inconclusive);
        if step.state == StepState::Skipped && self.skipped.is_none() {
            self.skipped = Some(step.step.clone());
        }
        let starts_own = |plan: &ClaimPlan| starts && plan.step.as_ref() == Some(&step.step);
        let mut occurred = Occurrences::new();
        for (id, plan) in program.claims.iter() {
            let begins = match &plan.from {
                SpanStart::FirstStep => is_first,
                SpanStart::Step(from) => starts && *from == step.step,
                SpanStart::OwnStep => false,
            };
            if begins && self.claims[id].is_waiting() {
                self.claims[id].begin(&mut self.state);
                occurred.entry(id).or_default();
            }
            if starts_own(plan) && plan.from == SpanStart::OwnStep {
                let judgement = self.claims[id].step_started(&mut self.state, step.attempt);
                self.decided.extend(judgement);
                occurred.entry(id).or_default();
            }
        }
        add_occurrences(&program, &mut occurred, |trigger| match trigger {
            Trigger::Step { step: name, phase } if *name == step.step => match phase {
                StepPhase::Started => starts && step.attempt <= 1,
                StepPhase::Finished => ends,
            },
            _ => false,
        });
        self.update(occurred);
        for (id, plan) in program.claims.iter() {
            if starts_own(plan) && plan.from != SpanStart::OwnStep {
                let judgement = self.claims[id].step_started(&mut self.state, step.attempt);
                self.decided.extend(judgement);
                self.schedule(id);
            }
            if ends && plan.to.as_ref() == Some(&step.step) {
                let ending = Ending::Step(step.step.clone());
                self.decided.extend(self.claims[id].end(&mut self.state, &ending));
                self.schedule(id);
            }
        }
    }

    fn fault(&mut self, fault: &FaultEntry) {
        let mut occurred = Occurrences::new();
        add_occurrences(&self.program, &mut occurred, |trigger| match trigger {
            Trigger::Fault { step, state } => *step == fault.step && *state == fault.state,
            _ => false,
        });
        self.update(occurred);
    }
}

/// Adds the occurrences, not about objects, for which `happens` is true.
fn add_occurrences(program: &Program, to: &mut Occurrences, happens: impl Fn(&Trigger) -> bool) {
    for (id, plan) in program.claims.iter() {
        for (occurrence, about) in plan.occurrences.iter() {
            if happens(&about.trigger) {
                let happened = Occurred { occurrence, object: None, is_doubtful: false };
                to.entry(id).or_default().push(happened);
            }
        }
    }
}

/// Such as ` (connection reset)`; empty without a reason.
fn in_brackets(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}

/// Judges a complete record. Returns the last verdict on each claim, in the order of the scenario. A
/// record without its `end` counts as interrupted.
pub fn judge(program: Arc<Program>, entries: impl IntoIterator<Item = Entry>) -> Vec<Judgement> {
    let mut evaluator = Evaluator::new(Arc::clone(&program));
    for entry in entries {
        evaluator.accept(&entry);
    }
    evaluator.finish(evaluator.state.now, true);
    in_order(&program, evaluator.take_decided())
}

/// Returns the last judgement of each assertion: those in the background first, as in the scenario.
pub fn in_order(program: &Program, decided: Vec<Judgement>) -> Vec<Judgement> {
    let place = |judgement: &Judgement| {
        let claims = &program.claims;
        claims.find(|plan| plan.name == judgement.assertion && plan.step == judgement.step)
    };
    let last: BTreeMap<_, _> =
        decided.into_iter().map(|judgement| (place(&judgement), judgement)).collect();
    last.into_values().collect()
}
