use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use serde_json::Value;

use super::claim::{Ending, Occurred};
use super::plan::{ObjectEventKind, OccurrencePlan, Program, What};
use super::running::Running;
use super::state::{Applied, State, Truth, uid};
use super::verdict::Judgement;
use crate::scenario::history::{
    ApiState, Change, Entry, FaultEntry, Gap, GapState, Moment, ObjectChange, ObjectEvent,
    StepEntry, StepState,
};
use crate::scenario::language::SelectionRef;

/// Judges a run while it goes on, entry by entry. The same entries give the same verdicts.
#[derive(Debug)]
pub struct Evaluator {
    program: Arc<Program>,
    state: State,
    claims: Vec<Running>,
    now: Moment,
    wakes: BinaryHeap<Reverse<(Moment, usize)>>,
    decided: Vec<Judgement>,
    has_begun: bool,
    /// The first step that was skipped, by which the run did not come to its end.
    skipped: Option<String>,
    is_finished: bool,
}

impl Evaluator {
    /// For a run that begins.
    pub fn new(program: Arc<Program>) -> Self {
        let claims = program.claims.iter().enumerate();
        Self {
            claims: claims.map(|(number, plan)| Running::new(number, plan)).collect(),
            state: State::new(Arc::clone(&program)),
            program,
            now: Moment::default(),
            wakes: BinaryHeap::new(),
            decided: Vec::new(),
            has_begun: false,
            skipped: None,
            is_finished: false,
        }
    }

    /// Takes in one entry of the record. The last one, `end`, decides all that is left.
    pub fn accept(&mut self, entry: &Entry) {
        if self.is_finished {
            return;
        }
        self.wake(entry.at);
        self.now = self.now.max(entry.at);
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

    /// Decides what time alone decides, up to `now` and without it: an entry of that very moment may
    /// still come.
    pub fn advance(&mut self, now: Moment) {
        if !self.is_finished {
            self.wake(now);
            self.now = self.now.max(now);
        }
    }

    /// The next moment after which time alone decides something.
    pub fn next_deadline(&self) -> Option<Moment> {
        let wakes = self.claims.iter().filter_map(|claim| claim.wake);
        wakes.min()
    }

    /// Until when `after` assertions wait for what must follow: a run that has done its steps goes on
    /// until then.
    pub fn waits_until(&self) -> Option<Moment> {
        self.claims.iter().filter_map(Running::last_wait).max()
    }

    /// What has been decided since the last call. Of a step that is tried again, the later verdict is
    /// the one that counts.
    pub fn take_decided(&mut self) -> Vec<Judgement> {
        std::mem::take(&mut self.decided)
    }

    /// The objects that a selection of the scenario has now, in the order of namespace and name;
    /// `None` for a selection that is not in the scenario.
    pub fn select(&self, selection: &SelectionRef) -> Option<Vec<Arc<Value>>> {
        let number = self.program.selection(selection)?;
        Some(self.state.select(number).into_iter().cloned().collect())
    }

    /// Decides all that is left: the run ended at `at`, before its time where it was `interrupted`.
    pub fn finish(&mut self, at: Moment, interrupted: bool) {
        if self.is_finished {
            return;
        }
        // Nothing comes any more, of that very moment neither.
        self.wake(Moment(at.0.saturating_add(1)));
        self.now = self.now.max(at);
        self.is_finished = true;
        let cut_short = match (&self.skipped, interrupted) {
            (_, true) => Some("the run was cut short before this was decided".to_owned()),
            (Some(step), _) => {
                Some(format!("the run ended before this was decided: step {step:?} never started"))
            }
            _ => None,
        };
        for number in 0..self.claims.len() {
            let plan = &self.program.claims[number];
            let claim = &mut self.claims[number];
            let lasts_to_the_end = plan.step.is_none() && plan.to.is_none();
            if lasts_to_the_end && cut_short.is_none() {
                self.decided.extend(claim.end(&mut self.state, self.now, &Ending::Run));
            }
            let why = match (&cut_short, &plan.to) {
                (Some(why), _) => why.clone(),
                (None, Some(to)) => {
                    format!("the run ended before this was decided: step {to:?} did not end")
                }
                (None, None) => "the run ended before this was decided".to_owned(),
            };
            self.decided.extend(claim.cut_short(&mut self.state, self.now, &why));
            claim.wake = None;
        }
        self.wakes.clear();
    }

    /// Decides what is due before `now`.
    fn wake(&mut self, now: Moment) {
        while let Some(Reverse((at, number))) = self.wakes.peek().copied() {
            if at >= now {
                return;
            }
            self.wakes.pop();
            if self.claims[number].wake != Some(at) {
                continue;
            }
            self.now = self.now.max(at);
            self.decided.extend(self.claims[number].woken(&mut self.state, at));
            self.claims[number].wake = None;
            self.schedule(number);
        }
    }

    fn schedule(&mut self, number: usize) {
        let next = self.claims[number].next_wake();
        let claim = &mut self.claims[number];
        if next != claim.wake {
            claim.wake = next;
            self.wakes.extend(next.map(|at| Reverse((at, number))));
        }
    }

    /// Tells claims what happened, and those whose conditions changed that they did.
    fn update(&mut self, mut occurred: BTreeMap<usize, Vec<Occurred>>) {
        for condition in self.state.refresh() {
            for claim in &self.program.uses.claims_of_condition[condition] {
                occurred.entry(*claim).or_default();
            }
        }
        for (number, occurred) in occurred {
            self.decided.extend(self.claims[number].update(&mut self.state, self.now, occurred));
            self.schedule(number);
        }
    }

    fn kind(&self, name: &str) -> Option<usize> {
        self.program.kinds.iter().position(|kind| *kind.0 == *name)
    }

    fn object(&mut self, change: &ObjectChange) {
        let Some(kind) = self.kind(&change.kind.0) else { return };
        let mut applied = self.state.apply(kind, change);
        let mut occurred: BTreeMap<usize, Vec<Occurred>> = BTreeMap::new();
        let paths = &self.program.paths[kind];
        for applied in &mut applied {
            for selection in &self.program.uses.selections_of_kind[kind] {
                let uses = &self.program.uses.occurrences_of_selection[*selection];
                for (number, index, dependence) in uses {
                    if !self.claims[*number].is_watching() {
                        continue;
                    }
                    let plan = &self.program.claims[*number].occurrences[*index];
                    let is_of_change =
                        matches!(plan.what, What::Object { event: ObjectEventKind::Changed, .. });
                    if !is_of_change && applied.is_same(dependence, paths) {
                        continue;
                    }
                    if let Some(object) = self.happened(plan, applied) {
                        let is_doubtful =
                            matches!(applied.event, ObjectEvent::Found | ObjectEvent::Missed);
                        let object = Some(object);
                        let happened = Occurred { index: *index, object, is_doubtful };
                        occurred.entry(*number).or_default().push(happened);
                    }
                }
            }
        }
        self.update(occurred);
    }

    /// The object to which what a plan is about has just happened.
    fn happened(&self, plan: &OccurrencePlan, applied: &Applied) -> Option<Arc<Value>> {
        let What::Object { event, selection, predicate } = plan.what else { return None };
        let selection = &self.program.selections[selection];
        let has = |object: &Value| selection.has(object, &self.program);
        let is_as_asked = |object: &Value, old: Option<&Value>| {
            let predicate = &self.program.predicates[predicate];
            predicate.test(object, old, &self.program.variables) == Truth::True
        };
        let (old, new) = (applied.old.as_ref(), applied.new.as_ref());
        let told = &applied.told;
        let happened = match event {
            ObjectEventKind::Created => {
                let is_new = matches!(applied.event, ObjectEvent::Added | ObjectEvent::Found);
                is_new && old.is_none() && has(told) && is_as_asked(told, None)
            }
            ObjectEventKind::Deleted => {
                new.is_none() && has(old.unwrap_or(told)) && is_as_asked(told, None)
            }
            ObjectEventKind::Changed => match (old, new) {
                (Some(old), Some(new)) => {
                    (has(new) || has(old)) && old != new && is_as_asked(new, Some(old))
                }
                _ => false,
            },
            ObjectEventKind::Becomes => {
                let matches = |object: &Arc<Value>| has(object) && is_as_asked(object, None);
                applied.event != ObjectEvent::Initial
                    && new.is_some_and(matches)
                    && !old.is_some_and(matches)
            }
        };
        debug_assert!(old.is_none_or(|old| uid(old) == uid(told)));
        happened.then(|| Arc::clone(told))
    }

    fn gap(&mut self, gap: &Gap) {
        let Some(kind) = self.kind(&gap.kind.0) else { return };
        self.state.gap(kind, gap.state);
        let name = &gap.kind;
        let reason = match gap.reason.as_str() {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        let note = match gap.state {
            GapState::Lost => format!("at {}: the watch of {name} was lost{reason}", self.now),
            GapState::Resumed => {
                format!("at {}: the watch of {name} went on where it was", self.now)
            }
            GapState::Relisted => format!(
                "at {}: all of {name} was listed anew; what happened in between was not seen",
                self.now
            ),
        };
        let relisted = (gap.state == GapState::Relisted).then_some(kind);
        self.sight_changed(relisted, &note);
    }

    fn api(&mut self, api: &ApiState) {
        self.state.api(api.available);
        let reason = match api.reason.as_str() {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        let note = match api.available {
            true => format!("at {}: the API server answered again", self.now),
            false => format!("at {}: the API server did not answer{reason}", self.now),
        };
        self.sight_changed(None, &note);
    }

    fn sight_changed(&mut self, relisted: Option<usize>, note: &str) {
        let mut watching = BTreeMap::new();
        for (number, claim) in self.claims.iter_mut().enumerate() {
            if claim.is_watching() {
                claim.sight_changed(&self.state, self.now, relisted, note);
                watching.insert(number, Vec::new());
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
        let named = |name: &Option<String>| name.as_deref() == Some(step.step.as_str());
        let mut occurred: BTreeMap<usize, Vec<Occurred>> = BTreeMap::new();
        for (number, plan) in program.claims.iter().enumerate() {
            let begins = match &plan.from {
                None => is_first,
                from => starts && named(from) && plan.from != plan.step,
            };
            if begins && self.claims[number].is_waiting() {
                self.claims[number].begin(&mut self.state, self.now);
                occurred.entry(number).or_default();
            }
            if starts && named(&plan.step) && plan.from == plan.step {
                let judgement =
                    self.claims[number].step_started(&mut self.state, self.now, step.attempt);
                self.decided.extend(judgement);
                occurred.entry(number).or_default();
            }
            for (index, occurrence) in plan.occurrences.iter().enumerate() {
                if let What::Step { step: about, started } = &occurrence.what
                    && *about == step.step
                    && ((*started && starts && step.attempt <= 1) || (!*started && ends))
                {
                    let happened = Occurred { index, object: None, is_doubtful: false };
                    occurred.entry(number).or_default().push(happened);
                }
            }
        }
        self.update(occurred);
        for (number, plan) in program.claims.iter().enumerate() {
            if starts && named(&plan.step) && plan.from != plan.step {
                let judgement =
                    self.claims[number].step_started(&mut self.state, self.now, step.attempt);
                self.decided.extend(judgement);
                self.schedule(number);
            }
            if ends && named(&plan.to) {
                let ending = Ending::Step(step.step.clone());
                self.decided.extend(self.claims[number].end(&mut self.state, self.now, &ending));
                self.schedule(number);
            }
        }
    }

    fn fault(&mut self, fault: &FaultEntry) {
        let program = Arc::clone(&self.program);
        let mut occurred: BTreeMap<usize, Vec<Occurred>> = BTreeMap::new();
        for (number, plan) in program.claims.iter().enumerate() {
            for (index, occurrence) in plan.occurrences.iter().enumerate() {
                if let What::Fault { step, state } = &occurrence.what
                    && *step == fault.step
                    && *state == fault.state
                {
                    let happened = Occurred { index, object: None, is_doubtful: false };
                    occurred.entry(number).or_default().push(happened);
                }
            }
        }
        self.update(occurred);
    }
}

/// Judges a whole record: the last verdict of each claim, in the order of the scenario. A record
/// without its `end` is one that was cut short.
pub fn judge(program: Arc<Program>, entries: impl IntoIterator<Item = Entry>) -> Vec<Judgement> {
    let mut evaluator = Evaluator::new(Arc::clone(&program));
    for entry in entries {
        evaluator.accept(&entry);
    }
    evaluator.finish(evaluator.now, true);
    in_order(&program, evaluator.take_decided())
}

/// The last judgement of each assertion, in the order of the scenario: those of the background first.
pub fn in_order(program: &Program, decided: Vec<Judgement>) -> Vec<Judgement> {
    let place = |judgement: &Judgement| {
        let is_it = |plan: &super::plan::ClaimPlan| {
            plan.name == judgement.assertion && plan.step == judgement.step
        };
        program.claims.iter().position(is_it)
    };
    let mut last: BTreeMap<Option<usize>, Judgement> = BTreeMap::new();
    for judgement in decided {
        last.insert(place(&judgement), judgement);
    }
    last.into_values().collect()
}
