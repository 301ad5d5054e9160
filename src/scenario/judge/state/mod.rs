//! The state of the cluster at a moment of the record, and the truth of the conditions that claims
//! watch. A change of an object evaluates only the parts of conditions that depend on the changed fields.

mod objects;
mod truth;

use std::sync::Arc;

use serde_json::Value;

pub(super) use objects::{Applied, Objects, metadata, uid};

use self::objects::{Slot, SlotId};
use self::truth::{Counts, Leaves};
use super::compile::Leaf;
use super::expression::{Scope, VARIABLES, evaluate};
use super::program::{
    CelExpression, CelId, ConditionId, ConditionPlan, KindId, Program, SelectionId, SelectionPlan,
    Tally, TallyId,
};
use super::table::Table;
use super::truth::Truth;
use crate::scenario::history::{GapState, ObjectChange};

#[derive(Debug)]
pub(super) struct State {
    pub(super) program: Arc<Program>,
    pub(super) objects: Objects,
    selections: Table<SelectionPlan, SelectionState>,
    tallies: Table<Tally, TallyState>,
    expressions: Table<CelExpression, CelState>,
    conditions: Table<ConditionPlan, ConditionState>,
    /// Conditions to evaluate again.
    stale: Vec<ConditionId>,
}

/// Kept up to date while there is a user.
#[derive(Debug, Default)]
struct SelectionState {
    users: usize,
    /// The slots of the objects, in the order of their namespaces and names.
    members: Vec<SlotId>,
    is_member: Table<Slot, bool>,
}

#[derive(Debug, Default)]
struct TallyState {
    users: usize,
    truths: Table<Slot, Option<Truth>>,
    counts: Counts,
}

#[derive(Debug)]
struct CelState {
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
        let expression = || CelState { users: 0, truth: Truth::False, is_stale: false };
        Self {
            objects: Objects::new(&program.kinds),
            selections: Table::for_each_of(&program.selections, SelectionState::default),
            tallies: Table::for_each_of(&program.tallies, TallyState::default),
            expressions: Table::for_each_of(&program.expressions, expression),
            conditions: Table::for_each_of(&program.conditions, condition),
            stale: Vec::new(),
            program,
        }
    }

    /// The truth of a watched condition, by the objects in the record so far.
    pub(super) fn truth(&self, condition: ConditionId) -> Truth {
        self.conditions[condition].truth
    }

    /// The objects of a selection, in the order of their namespaces and names.
    pub(super) fn members(&self, selection: SelectionId) -> Vec<&Arc<Value>> {
        let kind = self.program.selections[selection].kind;
        let state = &self.selections[selection];
        if state.users == 0 {
            return self.select(selection);
        }
        let mut members = Vec::with_capacity(state.members.len());
        members.extend(state.members.iter().filter_map(|slot| self.objects.object(kind, *slot)));
        members
    }

    /// The same, for a selection without a user.
    pub(super) fn select(&self, selection: SelectionId) -> Vec<&Arc<Value>> {
        let plan = &self.program.selections[selection];
        let mut found: Vec<_> = self
            .objects
            .of_kind(plan.kind)
            .filter(|(_, object)| plan.has(object, &self.program))
            .collect();
        found.sort_by_key(|(slot, _)| self.objects.key(plan.kind, *slot));
        found.into_iter().map(|(_, object)| object).collect()
    }

    /// Adds the variables and the selections that an expression names; names in `scope` hide them.
    pub(super) fn scope<'s>(
        &'s self,
        scope: Scope<'s>,
        names: impl Iterator<Item = impl AsRef<str>>,
    ) -> Scope<'s> {
        let mut scope = scope.with(VARIABLES, &self.program.variables);
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

    pub(super) fn gap(&mut self, kind: KindId, state: GapState) {
        self.objects.gap(kind, state);
    }

    pub(super) fn api(&mut self, available: bool) {
        self.objects.api(available);
    }

    pub(super) fn apply(&mut self, kind: KindId, change: &ObjectChange) -> Vec<Applied> {
        let mut applied = self.objects.apply(kind, change);
        let program = Arc::clone(&self.program);
        // Where an object took the name of another, only the new one is in selections.
        if let Some(last) = applied.last_mut() {
            for selection in &program.uses.selections_of_kind[kind] {
                if self.selections[*selection].users > 0 {
                    self.update_selection(&program, *selection, last);
                }
            }
        }
        applied
    }

    fn update_selection(
        &mut self,
        program: &Program,
        selection: SelectionId,
        applied: &mut Applied,
    ) {
        let plan = &program.selections[selection];
        let (slot, paths) = (applied.slot, &program.paths[plan.kind]);
        let before = self.selections[selection].is_member.get_or_default(slot);
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
        for (expression, dependence) in &program.uses.expressions_of_selection[selection] {
            let is_used = self.expressions[*expression].users > 0;
            if is_used && !(stays && applied.is_same(dependence, paths)) {
                self.expressions[*expression].is_stale = true;
                self.mark_stale(&program.uses.conditions_of_expression[*expression]);
            }
        }
        if was != is {
            self.mark_stale(&program.uses.conditions_of_selection[selection]);
        }
    }

    /// Returns whether the object was a member.
    fn set_member(
        &mut self,
        program: &Program,
        selection: SelectionId,
        slot: SlotId,
        is: bool,
    ) -> bool {
        let kind = program.selections[selection].kind;
        let state = &mut self.selections[selection];
        let was = state.is_member.replace(slot, is);
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
        tally: TallyId,
        slot: SlotId,
        object: Option<&Value>,
    ) {
        let plan = &program.tallies[tally];
        let predicate = &program.predicates[plan.predicate];
        let truth = object.map(|object| predicate.test(object, None, &program.variables));
        let state = &mut self.tallies[tally];
        let was = state.truths.replace(slot, truth);
        if was == truth {
            return;
        }
        let counts = &mut state.counts;
        if let Some(was) = was {
            counts.all -= 1;
            counts.matching -= usize::from(was == Truth::True);
            counts.errors -= usize::from(was == Truth::Error);
        }
        if let Some(is) = truth {
            counts.all += 1;
            counts.matching += usize::from(is == Truth::True);
            counts.errors += usize::from(is == Truth::Error);
        }
        self.mark_stale(&program.uses.conditions_of_tally[tally]);
    }

    fn mark_stale(&mut self, conditions: &[ConditionId]) {
        for condition in conditions {
            let state = &mut self.conditions[*condition];
            if state.users > 0 && !state.is_stale {
                state.is_stale = true;
                self.stale.push(*condition);
            }
        }
    }

    /// Evaluates stale conditions, and returns those whose truth changed.
    pub(super) fn refresh(&mut self) -> Vec<ConditionId> {
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

    fn compute(&mut self, condition: ConditionId) -> Truth {
        let program = Arc::clone(&self.program);
        let node = &program.conditions[condition].node;
        node.for_each_leaf(&mut |leaf| {
            if let Leaf::Cel(expression) = leaf
                && self.expressions[expression].is_stale
            {
                self.expressions[expression].truth = self.evaluate_cel(&program, expression);
                self.expressions[expression].is_stale = false;
            }
        });
        node.truth(self)
    }

    fn evaluate_cel(&self, program: &Program, expression: CelId) -> Truth {
        let plan = &program.expressions[expression];
        let scope = self.scope(Scope::default(), plan.selections.iter().map(|(name, _)| name));
        evaluate(&plan.root, &scope).into()
    }

    /// Keeps a condition up to date from now on.
    pub(super) fn watch(&mut self, condition: ConditionId) {
        self.conditions[condition].users += 1;
        if self.conditions[condition].users > 1 {
            return;
        }
        let program = Arc::clone(&self.program);
        program.conditions[condition].node.for_each_leaf(&mut |leaf| match leaf {
            Leaf::Tally(tally) => self.watch_tally(&program, tally),
            Leaf::Size(selection) => self.watch_selection(&program, selection),
            Leaf::Cel(expression) => {
                for (_, selection) in &program.expressions[expression].selections {
                    self.watch_selection(&program, *selection);
                }
                let state = &mut self.expressions[expression];
                state.users += 1;
                state.is_stale = state.is_stale || state.users == 1;
            }
        });
        self.conditions[condition].truth = self.compute(condition);
        self.conditions[condition].is_stale = false;
        self.stale.retain(|stale| *stale != condition);
    }

    /// Removes one watcher of a condition.
    pub(super) fn unwatch(&mut self, condition: ConditionId) {
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
            Leaf::Cel(expression) => {
                for (_, selection) in &program.expressions[expression].selections {
                    self.unwatch_selection(*selection);
                }
                self.expressions[expression].users -= 1;
            }
        });
    }

    fn watch_selection(&mut self, program: &Program, selection: SelectionId) {
        self.selections[selection].users += 1;
        if self.selections[selection].users > 1 {
            return;
        }
        let plan = &program.selections[selection];
        let slots: Vec<SlotId> = self
            .objects
            .of_kind(plan.kind)
            .filter(|(_, object)| plan.has(object, program))
            .map(|(slot, _)| slot)
            .collect();
        for slot in slots {
            self.set_member(program, selection, slot, true);
        }
    }

    fn unwatch_selection(&mut self, selection: SelectionId) {
        let state = &mut self.selections[selection];
        state.users -= 1;
        if state.users == 0 {
            *state = SelectionState::default();
        }
    }

    fn watch_tally(&mut self, program: &Program, tally: TallyId) {
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
    fn counts(&self, tally: TallyId) -> Counts {
        self.tallies[tally].counts
    }

    fn size(&self, selection: SelectionId) -> usize {
        self.selections[selection].members.len()
    }

    fn cel(&self, expression: CelId) -> Truth {
        self.expressions[expression].truth
    }
}
