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
use crate::scenario::language::{
    Assertion, Condition, Scenario, Selection, SelectionRef, Step, Visitor, walk_scenario,
    walk_step,
};
use crate::yaml::{list, nearest};

/// A mistake in a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The lint rule that it breaks.
    pub rule: &'static str,
    /// Where, such as `steps[2].assert.eventually`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// The probable intention.
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
        walk_scenario(&mut compiler, scenario);
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
    fn mistake(&mut self, rule: &'static str, path: &str, message: impl Into<String>) {
        self.mistake_with(rule, path, message, None);
    }

    fn mistake_with(
        &mut self,
        rule: &'static str,
        path: &str,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) {
        let (path, message) = (path.to_owned(), message.into());
        self.invalid.push(Invalid { rule, path, message, suggestion, offset: None });
    }

    /// Compiles an expression in which nothing but `allowed` may be named.
    fn expression(&mut self, path: &str, text: &str, allowed: &[&str]) -> Option<Expression> {
        let expression = match Expression::compile(text) {
            Ok(expression) => expression,
            Err(mistakes) => {
                self.invalid.extend(mistakes.into_iter().map(|mistake| Invalid {
                    rule: "condition",
                    path: path.to_owned(),
                    message: format!("invalid CEL: {}", mistake.message),
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
                rule: "condition",
                path: path.to_owned(),
                message: format!("`{name}` does not exist; expected {}", list(allowed, "or")),
                suggestion: nearest(name, allowed).map(str::to_owned),
                offset: expression.offset_of(name),
            });
        }
        unknown.is_empty().then_some(expression)
    }
}

impl<'s> Visitor<'s> for Compiler<'s> {
    fn named_selection(&mut self, path: &str, name: &'s str, selection: &'s Selection) {
        let number = self.compile_selection(path, selection, Some(name));
        self.named.insert(name.to_owned(), number);
        if let Some(number) = number {
            self.program.named.insert(name.to_owned(), number);
        }
    }

    fn reference(&mut self, path: &str, reference: &'s SelectionRef) {
        self.selection_ref(path, reference);
    }

    fn assertion(&mut self, path: &str, assertion: &'s Assertion, step: Option<&'s Step>) {
        self.claim(path, assertion, step);
    }

    fn step(&mut self, path: &str, step: &'s Step) {
        let first = self.program.claims.len();
        walk_step(self, path, step);
        // A group is retried with all that is in it.
        let inside = self.program.claims.values_after(first);
        inside.for_each(|claim| claim.retries |= step.retries.is_some());
    }

    fn wait(&mut self, path: &str, condition: &'s Condition, step: &'s Step) {
        let Some(condition) = self.compile_condition(path, condition) else { return };
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

/// A duration such as `1m30s`.
pub(super) fn seconds(time: Duration) -> String {
    humantime::format_duration(time).to_string().replace(' ', "")
}
