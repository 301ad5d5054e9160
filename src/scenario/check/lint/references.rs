//! Rules about names of steps.

use super::linter::Linter;
use super::walk::Order;
use crate::scenario::language::{Assertion, Occurrence};

impl Linter<'_> {
    pub(super) fn references(&mut self) {
        let assertions: Vec<(String, &Assertion, Option<usize>)> = self
            .walk
            .assertions
            .iter()
            .map(|at| (at.path.clone(), at.assertion, at.step))
            .collect();
        for (path, assertion, step) in assertions {
            self.span(&path, assertion, step);
        }
        let occurrences: Vec<(String, &Occurrence)> =
            self.walk.occurrences.iter().map(|(path, o)| (path.clone(), *o)).collect();
        for (path, occurrence) in occurrences {
            let phase = occurrence.step.as_ref();
            for (field, name) in [
                ("step.started", phase.and_then(|phase| phase.started.as_ref())),
                ("step.finished", phase.and_then(|phase| phase.finished.as_ref())),
            ] {
                if let Some(name) = name {
                    self.named_step(&format!("{path}.{field}"), name);
                }
            }
            for (field, name) in
                [("injected", &occurrence.injected), ("healed", &occurrence.healed)]
            {
                if let Some(name) = name {
                    self.named_fault(&format!("{path}.{field}"), name);
                }
            }
        }
    }

    fn span(&mut self, path: &str, assertion: &Assertion, step: Option<usize>) {
        let mut named = |field: &str, name: &Option<String>| {
            let name = name.as_ref()?;
            self.named_step(&format!("{path}.{field}"), name)
        };
        let (from, to) = (named("from", &assertion.from), named("to", &assertion.to));
        if let (Some(from), Some(to), None) = (from, to, step)
            && from != to
            && self.walk.order(to, from) == Order::Before
        {
            let message = format!(
                "`{}` comes before `{}`, with which the span begins",
                self.walk.steps[to].name(),
                self.walk.steps[from].name()
            );
            self.report("span-reversed", format!("{path}.to"), message);
        }
        if let (Some(from), Some(own)) = (from, step)
            && from != own
            && self.walk.order(from, own) == Order::After
        {
            let message = format!(
                "`{}` comes after this step, which cannot look back at it",
                self.walk.steps[from].name()
            );
            self.report("span-reversed", format!("{path}.from"), message);
        }
    }

    /// The number of the `inject` step that a field names; anything else is noted.
    pub(super) fn named_fault(&mut self, path: &str, name: &str) -> Option<usize> {
        let step = self.named_step(path, name)?;
        if self.walk.steps[step].step.inject.is_some() {
            return Some(step);
        }
        let faults: Vec<&str> =
            self.walk.injects.iter().map(|(step, ..)| self.walk.steps[*step].name()).collect();
        let message = match faults.as_slice() {
            [] => format!("the step `{name}` injects no fault, and no other does"),
            faults => format!(
                "the step `{name}` injects no fault; there is {}",
                crate::yaml::list(faults, "and")
            ),
        };
        self.report("no-fault", path, message);
        None
    }
}
