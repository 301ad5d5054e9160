//! From a scenario to a program: everything is resolved, and every mistake is found.

mod assertion;
mod condition;
mod occurrence;
mod selection;
mod uses;

pub(super) use self::condition::Leaf;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde_json::Value;

use super::program::{ClaimPlan, Program, Rule, SelectionId, SpanStart};
use super::table::Table;
use crate::scenario::judge::expression::Expression;
use crate::scenario::language::{Condition, Objects, Part, Scenario, Step};
use crate::yaml::{list, nearest};

/// A mistake in a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Where, as `steps[2].assert.eventually`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What may have been meant.
    pub suggestion: Option<String>,
    /// The part of the text at `path` that is wrong, in characters.
    pub offset: Option<Range<usize>>,
}

impl Program {
    /// Compiles a scenario, in which every step and every assertion in the background has its name.
    ///
    /// # Errors
    /// All mistakes in selections, conditions and assertions.
    pub fn compile(scenario: &Scenario) -> Result<Self, Vec<Invalid>> {
        let mut compiler = Compiler {
            scenario,
            program: Self {
                variables: Value::Object(scenario.variables.clone()),
                ..Self::default()
            },
            named: BTreeMap::new(),
            invalid: Vec::new(),
        };
        compiler.scenario();
        let Compiler { mut program, invalid, .. } = compiler;
        if !invalid.is_empty() {
            return Err(invalid);
        }
        program.link();
        Ok(program)
    }
}

struct Compiler<'s> {
    scenario: &'s Scenario,
    program: Program,
    /// Named selections; `None` for one with a mistake, which is told once.
    named: BTreeMap<String, Option<SelectionId>>,
    invalid: Vec<Invalid>,
}

impl Compiler<'_> {
    fn mistake(&mut self, path: &str, message: impl Into<String>) {
        self.mistake_with(path, message, None);
    }

    fn mistake_with(&mut self, path: &str, message: impl Into<String>, suggestion: Option<String>) {
        let (path, message) = (path.to_owned(), message.into());
        self.invalid.push(Invalid { path, message, suggestion, offset: None });
    }

    /// Compiles an expression in which nothing but `allowed` may be named.
    fn expression(&mut self, path: &str, text: &str, allowed: &[&str]) -> Option<Expression> {
        let expression = match Expression::compile(text) {
            Ok(expression) => expression,
            Err(mistakes) => {
                self.invalid.extend(mistakes.into_iter().map(|mistake| Invalid {
                    path: path.to_owned(),
                    message: format!("this is no CEL: {}", mistake.message),
                    suggestion: None,
                    offset: mistake.offset,
                }));
                return None;
            }
        };
        let unknown: Vec<_> = expression
            .variables()
            .iter()
            .filter(|name| !allowed.contains(&name.as_str()))
            .collect();
        for name in &unknown {
            self.invalid.push(Invalid {
                path: path.to_owned(),
                message: format!("there is no `{name}` here: expected {}", list(allowed, "or")),
                suggestion: nearest(name, allowed).map(str::to_owned),
                offset: expression.offset_of(name),
            });
        }
        unknown.is_empty().then_some(expression)
    }

    fn scenario(&mut self) {
        let scenario = self.scenario;
        for (name, selection) in &scenario.selections {
            let path = format!("selections.{name}");
            let number = self.selection(&path, selection, Some(name));
            self.named.insert(name.clone(), number);
            if let Some(number) = number {
                self.program.named.insert(name.clone(), number);
            }
        }
        for (index, logs) in scenario.record.logs.iter().enumerate() {
            self.selection_ref(&format!("record.logs[{index}]"), logs);
        }
        for (index, assertion) in scenario.assertions.iter().enumerate() {
            self.assertion(&format!("assertions[{index}]"), assertion, None);
        }
        self.steps("steps", &scenario.steps);
    }

    fn steps(&mut self, path: &str, steps: &[Step]) {
        for (index, step) in steps.iter().enumerate() {
            self.step(&format!("{path}[{index}]"), step);
        }
    }

    fn step(&mut self, path: &str, step: &Step) {
        for (field, action) in step.actions() {
            let Some((path, part)) = action.part(&format!("{path}.{field}")) else { continue };
            match part {
                Part::Assertion(assertion) => self.assertion(&path, assertion, Some(step)),
                Part::Condition(condition) => self.wait(&path, condition, step),
                Part::Objects(objects) => self.target(&path, objects),
                Part::Steps(steps) => {
                    let first = self.program.claims.len();
                    self.steps(&path, steps);
                    // A group is tried again with all that is in it.
                    let inside = self.program.claims.values_after(first);
                    inside.for_each(|claim| claim.retries |= step.retries.is_some());
                }
                // An action has none of its own.
                Part::Occurrence(_) => {}
            }
        }
    }

    fn target(&mut self, path: &str, target: &Objects) {
        if let Some(selection) = &target.select {
            self.selection_ref(&format!("{path}.select"), selection);
        }
    }

    /// A step that goes on when a condition holds.
    fn wait(&mut self, path: &str, condition: &Condition, step: &Step) {
        let Some(condition) = self.condition(path, condition) else { return };
        let name = step.name.clone().unwrap_or_default();
        let limit = step.deadline().0;
        let plan = &self.program.conditions[condition];
        let text = format!("eventually {} within {}", plan.text, seconds(limit));
        let kinds = plan.kinds.clone();
        self.program.claims.push(ClaimPlan {
            name: name.clone(),
            from: SpanStart::OwnStep,
            step: Some(name),
            text,
            rule: Rule::Eventually { condition },
            to: None,
            limit: Some(limit),
            looks_back: false,
            retries: step.retries.is_some(),
            occurrences: Table::default(),
            conditions: vec![condition],
            kinds,
        });
    }
}

/// A time as people write it.
pub(super) fn seconds(time: Duration) -> String {
    humantime::format_duration(time).to_string().replace(' ', "")
}
