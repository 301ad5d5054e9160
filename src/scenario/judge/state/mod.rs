//! The cluster as it is known at a moment, and what is true of it. Kept up change by change: only what
//! a change touches is evaluated.

mod objects;
mod truth;

use std::sync::Arc;

use serde_json::Value;

pub(super) use objects::{Applied, Objects, metadata, uid};
pub(super) use truth::{Counts, Truth};

use self::truth::Leaves;
use super::compile::Leaf;
use super::plan::Program;
use crate::scenario::history::{GapState, ObjectChange};
use crate::scenario::judge::expression::{Scope, evaluate};

#[derive(Debug)]
pub(super) struct State {
    pub(super) program: Arc<Program>,
    pub(super) objects: Objects,
    selections: Vec<SelectionState>,
    tallies: Vec<TallyState>,
    wholes: Vec<WholeState>,
    conditions: Vec<ConditionState>,
    /// Conditions whose truth may be another.
    stale: Vec<usize>,
}

/// What has no user is not kept up.
#[derive(Debug, Default)]
struct SelectionState {
    users: usize,
    /// The slots of its objects, in the order of their namespaces and names.
    members: Vec<usize>,
    is_member: Vec<bool>,
}

#[derive(Debug, Default)]
struct TallyState {
    users: usize,
    truths: Vec<Option<Truth>>,
    counts: Counts,
}

#[derive(Debug)]
struct WholeState {
    users: usize,
    truth: Truth,
    is_stale: bool,
}

#[derive(Debug)]
struct ConditionState {
    users: usize,
    truth: Truth,
    is_stale: bool,
}

impl State {
    pub(super) fn new(program: Arc<Program>) -> Self {
        let condition = || ConditionState { users: 0, truth: Truth::False, is_stale: false };
        let whole = || WholeState { users: 0, truth: Truth::False, is_stale: false };
        Self {
            objects: Objects::new(program.kinds.len()),
            selections: filled(program.selections.len(), SelectionState::default),
            tallies: filled(program.tallies.len(), TallyState::default),
            wholes: filled(program.wholes.len(), whole),
            conditions: filled(program.conditions.len(), condition),
            stale: Vec::new(),
            program,
        }
    }

    /// What holds of a condition, as far as is known.
    pub(super) fn truth(&self, condition: usize) -> Truth {
        self.conditions[condition].truth
    }

    /// The objects of a selection, in the order of their namespaces and names.
    pub(super) fn members(&self, selection: usize) -> Vec<&Arc<Value>> {
        let kind = self.program.selections[selection].kind;
        let state = &self.selections[selection];
        if state.users == 0 {
            return self.select(selection);
        }
        let mut members = Vec::with_capacity(state.members.len());
        members.extend(state.members.iter().filter_map(|slot| self.objects.object(kind, *slot)));
        members
    }

    /// The same, looked up anew.
    pub(super) fn select(&self, selection: usize) -> Vec<&Arc<Value>> {
        let plan = &self.program.selections[selection];
        let mut found: Vec<_> = self
            .objects
            .of_kind(plan.kind)
            .filter(|(_, object)| plan.has(object, &self.program))
            .collect();
        found.sort_by_key(|(slot, _)| self.objects.key(plan.kind, *slot));
        found.into_iter().map(|(_, object)| object).collect()
    }

    /// The variables and all selections that an expression names; what `scope` has goes before them.
    pub(super) fn scope<'s>(
        &'s self,
        scope: Scope<'s>,
        names: impl Iterator<Item = impl AsRef<str>>,
    ) -> Scope<'s> {
        let mut scope = scope.with("vars", &self.program.variables);
        for name in names {
            let name = name.as_ref();
            if let Some((name, selection)) = self.program.named.get_key_value(name) {
                let members = self.members(*selection);
                let mut objects: Vec<&Value> = Vec::with_capacity(members.len());
                objects.extend(members.into_iter().map(AsRef::<Value>::as_ref));
                scope = scope.with_objects(name, objects);
            }
        }
        scope
    }

    pub(super) fn gap(&mut self, kind: usize, state: GapState) {
        self.objects.gap(kind, state);
    }

    pub(super) fn api(&mut self, available: bool) {
        self.objects.api(available);
    }

    /// Takes in what happened to an object.
    pub(super) fn apply(&mut self, kind: usize, change: &ObjectChange) -> Vec<Applied> {
        let mut applied = self.objects.apply(kind, change);
        let program = Arc::clone(&self.program);
        // Where an object took another's name, only the new one counts, of which nothing is as it was.
        if let Some(last) = applied.last_mut() {
            for selection in &program.uses.selections_of_kind[kind] {
                if self.selections[*selection].users > 0 {
                    self.update_selection(&program, *selection, last);
                }
            }
        }
        applied
    }

    fn update_selection(&mut self, program: &Program, selection: usize, applied: &mut Applied) {
        let plan = &program.selections[selection];
        let (slot, paths) = (applied.slot, &program.paths[plan.kind]);
        let before = self.selections[selection].is_member.get(slot).copied().unwrap_or_default();
        let is = if applied.is_same(&program.uses.membership[selection], paths) {
            before
        } else {
            applied.new.as_ref().is_some_and(|object| plan.has(object, program))
        };
        let was = self.set_member(program, selection, slot, is);
        if !was && !is {
            return;
        }
        let stays = was && is;
        for tally in &program.uses.tallies_of_selection[selection] {
            let is_used = self.tallies[*tally].users > 0;
            if is_used && !(stays && applied.is_same(&program.uses.tallies[*tally], paths)) {
                let object = applied.new.as_deref().filter(|_| is);
                self.update_tally(program, *tally, slot, object);
            }
        }
        for (whole, dependence) in &program.uses.wholes_of_selection[selection] {
            let is_used = self.wholes[*whole].users > 0;
            if is_used && !(stays && applied.is_same(dependence, paths)) {
                self.wholes[*whole].is_stale = true;
                self.mark_stale(&program.uses.conditions_of_whole[*whole]);
            }
        }
        if was != is {
            self.mark_stale(&program.uses.conditions_of_selection[selection]);
        }
    }

    /// Returns whether it was a member.
    fn set_member(&mut self, program: &Program, selection: usize, slot: usize, is: bool) -> bool {
        let kind = program.selections[selection].kind;
        let state = &mut self.selections[selection];
        if state.is_member.len() <= slot {
            state.is_member.resize(slot + 1, false);
        }
        let was = std::mem::replace(&mut state.is_member[slot], is);
        if was != is {
            let key = self.objects.key(kind, slot);
            let place =
                state.members.binary_search_by_key(&key, |slot| self.objects.key(kind, *slot));
            match (is, place) {
                (true, Err(place)) => state.members.insert(place, slot),
                (false, Ok(place)) => {
                    state.members.remove(place);
                }
                _ => {}
            }
        }
        was
    }

    fn update_tally(
        &mut self,
        program: &Program,
        tally: usize,
        slot: usize,
        object: Option<&Value>,
    ) {
        let plan = &program.tallies[tally];
        let predicate = &program.predicates[plan.predicate];
        let truth = object.map(|object| predicate.test(object, None, &program.variables));
        let state = &mut self.tallies[tally];
        if state.truths.len() <= slot {
            state.truths.resize(slot + 1, None);
        }
        let was = std::mem::replace(&mut state.truths[slot], truth);
        if was == truth {
            return;
        }
        let counts = &mut state.counts;
        if let Some(was) = was {
            counts.all -= 1;
            counts.yes -= usize::from(was == Truth::True);
            counts.errors -= usize::from(was == Truth::Error);
        }
        if let Some(is) = truth {
            counts.all += 1;
            counts.yes += usize::from(is == Truth::True);
            counts.errors += usize::from(is == Truth::Error);
        }
        self.mark_stale(&program.uses.conditions_of_tally[tally]);
    }

    fn mark_stale(&mut self, conditions: &[usize]) {
        for condition in conditions {
            let state = &mut self.conditions[*condition];
            if state.users > 0 && !state.is_stale {
                state.is_stale = true;
                self.stale.push(*condition);
            }
        }
    }

    /// Evaluates what is stale, and returns the conditions whose truth is another now.
    pub(super) fn refresh(&mut self) -> Vec<usize> {
        let mut changed = Vec::new();
        for condition in std::mem::take(&mut self.stale) {
            let truth = self.compute(condition);
            let state = &mut self.conditions[condition];
            state.is_stale = false;
            if std::mem::replace(&mut state.truth, truth) != truth {
                changed.push(condition);
            }
        }
        changed
    }

    fn compute(&mut self, condition: usize) -> Truth {
        let program = Arc::clone(&self.program);
        let node = &program.conditions[condition].node;
        node.for_each_leaf(&mut |leaf| {
            if let Leaf::Whole(whole) = leaf
                && self.wholes[whole].is_stale
            {
                self.wholes[whole].truth = self.evaluate_whole(&program, whole);
                self.wholes[whole].is_stale = false;
            }
        });
        node.truth(self)
    }

    fn evaluate_whole(&self, program: &Program, whole: usize) -> Truth {
        let plan = &program.wholes[whole];
        let scope = self.scope(Scope::default(), plan.selections.iter().map(|(name, _)| name));
        evaluate(&plan.root, &scope).into()
    }

    /// Keeps a condition up from now on.
    pub(super) fn watch(&mut self, condition: usize) {
        self.conditions[condition].users += 1;
        if self.conditions[condition].users > 1 {
            return;
        }
        let program = Arc::clone(&self.program);
        program.conditions[condition].node.for_each_leaf(&mut |leaf| match leaf {
            Leaf::Tally(tally) => self.watch_tally(&program, tally),
            Leaf::Size(selection) => self.watch_selection(&program, selection),
            Leaf::Whole(whole) => {
                for (_, selection) in &program.wholes[whole].selections {
                    self.watch_selection(&program, *selection);
                }
                let state = &mut self.wholes[whole];
                state.users += 1;
                state.is_stale = state.is_stale || state.users == 1;
            }
        });
        self.conditions[condition].truth = self.compute(condition);
        self.conditions[condition].is_stale = false;
        self.stale.retain(|stale| *stale != condition);
    }

    /// No longer keeps a condition up for one that watched it.
    pub(super) fn unwatch(&mut self, condition: usize) {
        self.conditions[condition].users -= 1;
        if self.conditions[condition].users > 0 {
            return;
        }
        let program = Arc::clone(&self.program);
        program.conditions[condition].node.for_each_leaf(&mut |leaf| match leaf {
            Leaf::Tally(tally) => {
                let state = &mut self.tallies[tally];
                state.users -= 1;
                if state.users == 0 {
                    *state = TallyState::default();
                }
                self.unwatch_selection(program.tallies[tally].selection);
            }
            Leaf::Size(selection) => self.unwatch_selection(selection),
            Leaf::Whole(whole) => {
                for (_, selection) in &program.wholes[whole].selections {
                    self.unwatch_selection(*selection);
                }
                self.wholes[whole].users -= 1;
            }
        });
    }

    fn watch_selection(&mut self, program: &Program, selection: usize) {
        self.selections[selection].users += 1;
        if self.selections[selection].users > 1 {
            return;
        }
        let plan = &program.selections[selection];
        let slots: Vec<usize> = self
            .objects
            .of_kind(plan.kind)
            .filter(|(_, object)| plan.has(object, program))
            .map(|(slot, _)| slot)
            .collect();
        for slot in slots {
            self.set_member(program, selection, slot, true);
        }
    }

    fn unwatch_selection(&mut self, selection: usize) {
        let state = &mut self.selections[selection];
        state.users -= 1;
        if state.users == 0 {
            *state = SelectionState::default();
        }
    }

    fn watch_tally(&mut self, program: &Program, tally: usize) {
        let selection = program.tallies[tally].selection;
        self.watch_selection(program, selection);
        self.tallies[tally].users += 1;
        if self.tallies[tally].users > 1 {
            return;
        }
        let kind = program.selections[selection].kind;
        for slot in self.selections[selection].members.clone() {
            if let Some(object) = self.objects.object(kind, slot).cloned() {
                self.update_tally(program, tally, slot, Some(&object));
            }
        }
    }
}

impl Leaves for State {
    fn counts(&self, tally: usize) -> Counts {
        self.tallies[tally].counts
    }

    fn size(&self, selection: usize) -> usize {
        self.selections[selection].members.len()
    }

    fn whole(&self, whole: usize) -> Truth {
        self.wholes[whole].truth
    }
}

fn filled<T>(length: usize, value: impl FnMut() -> T) -> Vec<T> {
    std::iter::repeat_with(value).take(length).collect()
}
