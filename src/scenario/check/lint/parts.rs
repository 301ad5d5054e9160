//! All parts of a scenario with their paths.

use crate::scenario::language::{
    Action, Assertion, Filter, Inject, ObjectScope, Objects, Occurrence, Scenario, Scope,
    Selection, SelectionRef, Step, Subject, Visitor, walk_assertion, walk_filter, walk_objects,
    walk_occurrence, walk_reference, walk_scenario, walk_step,
};

/// A step with its place.
pub(super) struct StepAt<'a> {
    pub path: String,
    pub step: &'a Step,
    /// The groups around it, from the outermost.
    pub around: Vec<usize>,
}

impl<'a> StepAt<'a> {
    /// Its name; every step has one after reading.
    pub fn name(&self) -> &'a str {
        self.step.name.as_deref().unwrap_or_default()
    }

    /// The path of its action.
    pub fn action_path(&self) -> String {
        format!("{}.{}", self.path, self.step.action.name())
    }
}

/// When a step runs, compared to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Before,
    After,
    /// At the same time, or one inside the other.
    Together,
}

/// An assertion with its place.
pub(super) struct AssertionAt<'a> {
    pub path: String,
    pub assertion: &'a Assertion,
    /// The number of its step; `None` in the background.
    pub step: Option<usize>,
}

/// All parts, in the order of the file. The number of a step is its index in `steps`.
#[derive(Default)]
pub(super) struct Parts<'a> {
    /// Steps, groups before their steps.
    pub steps: Vec<StepAt<'a>>,
    pub assertions: Vec<AssertionAt<'a>>,
    pub occurrences: Vec<(String, &'a Occurrence)>,
    pub references: Vec<(String, &'a SelectionRef)>,
    /// Selections, named and inline.
    pub selections: Vec<(String, &'a Selection)>,
    pub objects: Vec<(String, &'a Objects)>,
    pub filters: Vec<(String, &'a Filter, Subject<'a>)>,
    /// CEL texts.
    pub texts: Vec<&'a str>,
    /// The groups around the current step.
    around: Vec<usize>,
}

impl<'a> Parts<'a> {
    pub fn of(scenario: &'a Scenario) -> Self {
        let mut parts = Self::default();
        walk_scenario(&mut parts, scenario);
        parts
    }

    /// The number of the step with a name.
    pub fn step(&self, name: &str) -> Option<usize> {
        self.steps.iter().position(|at| at.name() == name)
    }

    /// The `inject` steps: their number, path and action.
    pub fn injects(&self) -> impl Iterator<Item = (usize, String, &'a Inject)> {
        self.steps.iter().enumerate().filter_map(|(number, at)| match &at.step.action {
            Action::Inject(inject) => Some((number, at.action_path(), inject)),
            _ => None,
        })
    }

    /// When a step runs, compared to another one.
    pub fn order(&self, one: usize, other: usize) -> Order {
        let chain = |step: usize| {
            let mut chain = self.steps[step].around.clone();
            chain.push(step);
            chain
        };
        let (first, second) = (chain(one), chain(other));
        let common = first.iter().zip(&second).take_while(|(a, b)| a == b).count();
        let (Some(a), Some(b)) = (first.get(common), second.get(common)) else {
            return Order::Together;
        };
        let is_parallel = common
            .checked_sub(1)
            .is_some_and(|last| matches!(self.steps[first[last]].step.action, Action::Parallel(_)));
        // A background step continues while those after it run.
        let earlier = if a < b { *a } else { *b };
        if is_parallel || self.steps[earlier].step.background {
            return Order::Together;
        }
        if a < b { Order::Before } else { Order::After }
    }
}

impl<'a> Visitor<'a> for Parts<'a> {
    fn step(&mut self, path: &str, step: &'a Step) {
        let number = self.steps.len();
        self.steps.push(StepAt { path: path.to_owned(), step, around: self.around.clone() });
        self.around.push(number);
        walk_step(self, path, step);
        self.around.pop();
    }

    fn assertion(&mut self, path: &str, assertion: &'a Assertion, _: Option<&'a Step>) {
        let step = self.around.last().copied();
        self.assertions.push(AssertionAt { path: path.to_owned(), assertion, step });
        walk_assertion(self, path, assertion);
    }

    fn objects(&mut self, path: &str, objects: &'a Objects) {
        self.objects.push((path.to_owned(), objects));
        walk_objects(self, path, objects);
    }

    fn occurrence(&mut self, path: &str, occurrence: &'a Occurrence) {
        self.occurrences.push((path.to_owned(), occurrence));
        walk_occurrence(self, path, occurrence);
    }

    fn reference(&mut self, path: &str, reference: &'a SelectionRef) {
        self.references.push((path.to_owned(), reference));
        walk_reference(self, path, reference);
    }

    fn selection(&mut self, path: &str, selection: &'a Selection) {
        self.selections.push((path.to_owned(), selection));
        let scope = ObjectScope { of: Subject::Selection(selection), with_old: false };
        self.filter(path, &selection.filter, scope);
    }

    fn filter(&mut self, path: &str, filter: &'a Filter, scope: ObjectScope<'a>) {
        self.filters.push((path.to_owned(), filter, scope.of));
        walk_filter(self, path, filter, scope);
    }

    fn expression(&mut self, _: &str, text: &'a str, _: Scope<'a>) {
        self.texts.push(text);
    }
}
