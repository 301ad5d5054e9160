//! All parts of a scenario with their paths.

use crate::scenario::language::{
    Action, Assertion, Condition, Inject, Objects, Occurrence, Part, Scenario, Selection,
    SelectionRef, Step,
};
use crate::yaml::join;

/// A step with its place.
pub(super) struct StepAt<'a> {
    pub path: String,
    pub step: &'a Step,
    /// The steps around it, from the outermost.
    pub around: Vec<usize>,
}

impl<'a> StepAt<'a> {
    /// Its name; every step has one once it is read.
    pub fn name(&self) -> &'a str {
        self.step.name.as_deref().unwrap_or_default()
    }
}

/// What steps of the same run are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Before,
    After,
    /// At the same time, or one within the other.
    Together,
}

/// An assertion with its place.
pub(super) struct AssertionAt<'a> {
    pub path: String,
    pub assertion: &'a Assertion,
    /// The number of its step; `None` in the background.
    pub step: Option<usize>,
}

/// All parts, in the order of the file. The numbers of steps are their places in `steps`.
#[derive(Default)]
pub(super) struct Walk<'a> {
    /// Steps, each before those within it.
    pub steps: Vec<StepAt<'a>>,
    pub assertions: Vec<AssertionAt<'a>>,
    pub conditions: Vec<(String, &'a Condition)>,
    pub occurrences: Vec<(String, &'a Occurrence)>,
    pub references: Vec<(String, &'a SelectionRef)>,
    /// Selections, named and in place.
    pub selections: Vec<(String, &'a Selection)>,
    pub objects: Vec<(String, &'a Objects)>,
    pub injects: Vec<(usize, String, &'a Inject)>,
    /// CEL texts.
    pub texts: Vec<(String, &'a str)>,
}

/// Everything in a scenario.
pub(super) fn walk(scenario: &Scenario) -> Walk<'_> {
    let mut walk = Walk::default();
    for (name, selection) in &scenario.selections {
        walk.selection(join("selections", name), selection);
    }
    for (index, reference) in scenario.record.logs.iter().enumerate() {
        walk.reference(format!("record.logs[{index}]"), reference);
    }
    for (index, assertion) in scenario.assertions.iter().enumerate() {
        walk.assertion(format!("assertions[{index}]"), assertion, None);
    }
    walk.steps("steps", &scenario.steps, &[]);
    walk
}

impl<'a> Walk<'a> {
    /// The number of the step with a name.
    pub fn step(&self, name: &str) -> Option<usize> {
        self.steps.iter().position(|at| at.name() == name)
    }

    /// When a step runs, seen from another.
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
            .is_some_and(|last| self.steps[first[last]].step.parallel.is_some());
        // A background step runs on while those after it do.
        let earlier = if a < b { *a } else { *b };
        if is_parallel || self.steps[earlier].step.background {
            return Order::Together;
        }
        if a < b { Order::Before } else { Order::After }
    }

    fn steps(&mut self, path: &str, steps: &'a [Step], around: &[usize]) {
        for (index, step) in steps.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let number = self.steps.len();
            self.steps.push(StepAt { path: path.clone(), step, around: around.to_vec() });
            let mut within = around.to_vec();
            within.push(number);
            for (field, action) in step.actions() {
                self.action(format!("{path}.{field}"), action, number, &within);
            }
        }
    }

    fn action(&mut self, path: String, action: Action<'a>, number: usize, within: &[usize]) {
        if let Action::Inject(inject) = action {
            self.injects.push((number, path.clone(), inject));
        }
        let Some((path, part)) = action.part(&path) else { return };
        match part {
            Part::Assertion(assertion) => self.assertion(path, assertion, Some(number)),
            Part::Steps(steps) => self.steps(&path, steps, within),
            part => self.part(path, part),
        }
    }

    fn part(&mut self, path: String, part: Part<'a>) {
        match part {
            Part::Objects(objects) => self.objects(path, objects),
            Part::Condition(condition) => self.condition(path, condition),
            Part::Occurrence(occurrence) => self.occurrence(path, occurrence),
            // Those know their step.
            Part::Assertion(_) | Part::Steps(_) => {}
        }
    }

    fn objects(&mut self, path: String, objects: &'a Objects) {
        if let Some(reference) = &objects.select {
            self.reference(format!("{path}.select"), reference);
        }
        self.objects.push((path, objects));
    }

    fn assertion(&mut self, path: String, assertion: &'a Assertion, step: Option<usize>) {
        for (path, part) in assertion.parts(&path) {
            self.part(path, part);
        }
        self.assertions.push(AssertionAt { path, assertion, step });
    }

    fn condition(&mut self, path: String, condition: &'a Condition) {
        match condition {
            Condition::Cel(text) => self.texts.push((path.clone(), text)),
            Condition::Quantified(quantified) => {
                for (field, reference) in [
                    ("all", &quantified.all),
                    ("any", &quantified.any),
                    ("none", &quantified.none),
                    ("count", &quantified.count),
                ] {
                    if let Some(reference) = reference {
                        self.reference(format!("{path}.{field}"), reference);
                    }
                }
                self.filter(&path, quantified.filter.as_deref());
            }
        }
        self.conditions.push((path, condition));
    }

    fn occurrence(&mut self, path: String, occurrence: &'a Occurrence) {
        for (field, reference) in [
            ("created", &occurrence.created),
            ("deleted", &occurrence.deleted),
            ("changed", &occurrence.changed),
            ("becomes", &occurrence.becomes),
        ] {
            if let Some(reference) = reference {
                self.reference(format!("{path}.{field}"), reference);
            }
        }
        if let Some(condition) = &occurrence.holds {
            self.condition(format!("{path}.holds"), condition);
        }
        self.filter(&path, occurrence.filter.as_deref());
        self.occurrences.push((path, occurrence));
    }

    fn reference(&mut self, path: String, reference: &'a SelectionRef) {
        if let SelectionRef::Inline(selection) = reference {
            self.selection(path.clone(), selection);
        }
        self.references.push((path, reference));
    }

    fn selection(&mut self, path: String, selection: &'a Selection) {
        self.filter(&path, selection.filter.as_deref());
        self.selections.push((path, selection));
    }

    fn filter(&mut self, path: &str, text: Option<&'a str>) {
        self.texts.extend(text.map(|text| (format!("{path}.where"), text)));
    }
}
