use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

use super::breach::{breaches, part, share};
use super::object;
use crate::scenario::judge::expression::{
    Expression, Fold, Macro, Scope, evaluate, evaluate_json, macro_call, variables_of, write,
};
use crate::scenario::judge::program::KindId;
use crate::scenario::judge::state::State;
use crate::scenario::outcome::Explanation;

pub(super) fn explain(state: &State, expression: &Expression, expected: bool) -> Explanation {
    let mut explainer = Explainer { state, explanation: Explanation::default() };
    explainer.walk(expression.root(), expected);
    explainer.explanation
}

pub(super) fn error(state: &State, expression: &Expression) -> String {
    let explainer = Explainer { state, explanation: Explanation::default() };
    match explainer.truth(expression.root()) {
        Ok(_) => String::new(),
        Err(error) => error,
    }
}

struct Explainer<'s> {
    state: &'s State,
    explanation: Explanation,
}

impl<'s> Explainer<'s> {
    fn scope(&self, expression: &IdedExpr) -> Scope<'s> {
        self.state.scope(Scope::default(), variables_of(expression).into_iter())
    }

    fn truth(&self, expression: &IdedExpr) -> Result<bool, String> {
        evaluate(expression, &self.scope(expression))
    }

    fn value(&self, expression: &IdedExpr) -> Result<Value, String> {
        evaluate_json(expression, &self.scope(expression))
    }

    fn reason(&mut self, summary: impl FnOnce() -> String) {
        if self.explanation.summary.is_empty() {
            self.explanation.summary = summary();
        }
    }

    fn part(&mut self, text: &str, value: &Result<Value, String>) {
        let line = part(text, value);
        if !self.explanation.parts.contains(&line) {
            self.explanation.parts.push(line);
        }
    }

    /// Adds the values of an expression's parts, and the reasons why parts are not `expected`.
    fn walk(&mut self, expression: &IdedExpr, expected: bool) {
        if let Expr::Call(call) = &expression.expr {
            match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                    self.walk(left, expected);
                    self.walk(right, expected);
                    return;
                }
                (operators::LOGICAL_NOT, [operand]) => return self.walk(operand, !expected),
                (operators::CONDITIONAL, [condition, then, otherwise]) => {
                    let truth = self.truth(condition);
                    self.part(&write(condition), &truth.clone().map(Value::Bool));
                    match truth {
                        Ok(true) => self.walk(then, expected),
                        Ok(false) => self.walk(otherwise, expected),
                        Err(error) => {
                            self.reason(|| format!("{} has no value: {error}", write(condition)))
                        }
                    }
                    return;
                }
                _ => {}
            }
        }
        let truth = self.truth(expression);
        let text = write(expression);
        self.part(&text, &truth.clone().map(Value::Bool));
        if truth == Ok(expected) {
            return;
        }
        if let Some(found) = macro_call(expression) {
            self.macro_call(&found, expected);
        } else if let Expr::Call(call) = &expression.expr
            && let [left, right] = call.args.as_slice()
        {
            self.comparison(left, right);
        }
        let outcome = match truth {
            Ok(truth) => format!("{text} is {truth}"),
            Err(error) => format!("{text} has no value: {error}"),
        };
        self.reason(|| outcome);
    }

    /// Adds the objects that decide an `all`, `exists` or `exists_one`.
    fn macro_call(&mut self, found: &Macro<'_>, expected: bool) {
        let Some((kind, label, objects)) = self.objects(found.range) else { return };
        let all = objects.len();
        let holds = |object: &&Arc<Value>| self.holds(found, object) == Ok(true);
        let (matching, others): (Vec<_>, Vec<_>) = objects.into_iter().partition(holds);
        let body = write(found.body);
        let (summary, culprits, wanted) = match (found.fold, expected) {
            (Fold::All, true) => {
                let share = share(others.len(), all, &label);
                (format!("{body} is not true for {share}"), others, true)
            }
            (Fold::Exists, true) if all == 0 => {
                (format!("there are no objects of {label}"), others, true)
            }
            (Fold::Exists, true) => (format!("{body} is true for none of {label}"), others, true),
            (Fold::ExistsOne, true) if matching.is_empty() => {
                (format!("{body} is true for none of {label}"), others, true)
            }
            (Fold::All | Fold::Exists | Fold::ExistsOne, _) => {
                let share = share(matching.len(), all, &label);
                (format!("{body} is true for {share}"), matching, false)
            }
            (Fold::Map | Fold::Filter, _) => return,
        };
        self.reason(|| summary);
        self.breaches(kind, &culprits, found, wanted);
    }

    fn breaches(
        &mut self,
        kind: KindId,
        objects: &[&'s Arc<Value>],
        found: &Macro<'_>,
        wanted: bool,
    ) {
        if !self.explanation.breaches.is_empty() {
            return;
        }
        let (named, more) = breaches(self.state, kind, objects, |object| {
            object::differences(self.state, found.body, found.variable, object, wanted)
        });
        self.explanation.breaches = named;
        self.explanation.more = more;
    }

    fn holds(&self, found: &Macro<'_>, object: &Value) -> Result<bool, String> {
        let own = Scope::default().with(found.variable, object);
        let names = variables_of(found.body);
        evaluate(found.body, &self.state.scope(own, names.into_iter()))
    }

    /// The objects of a selection, or of a filter over a selection.
    fn objects(&self, expression: &IdedExpr) -> Option<(KindId, String, Vec<&'s Arc<Value>>)> {
        if let Expr::Ident(name) = &expression.expr {
            let selection = *self.state.program.named.get(name)?;
            let kind = self.state.program.selections[selection].kind;
            return Some((kind, name.clone(), self.state.members(selection)));
        }
        let found = macro_call(expression).filter(|found| found.fold == Fold::Filter)?;
        let (kind, label, mut objects) = self.objects(found.range)?;
        objects.retain(|object| self.holds(&found, object) == Ok(true));
        Some((kind, label, objects))
    }

    /// Adds the values of both sides. If one side counts objects, adds those that are missing or too many.
    fn comparison(&mut self, left: &IdedExpr, right: &IdedExpr) {
        let values = [left, right].map(|side| (side, self.value(side)));
        for (side, value) in &values {
            if !matches!(side.expr, Expr::Literal(_)) {
                self.part(&write(side), value);
            }
        }
        let [(_, Ok(one)), (_, Ok(other))] = &values else { return };
        let (side, found, wanted) = match (&left.expr, &right.expr) {
            (_, Expr::Literal(LiteralValue::Int(_))) => (left, one.as_i64(), other.as_i64()),
            (Expr::Literal(LiteralValue::Int(_)), _) => (right, other.as_i64(), one.as_i64()),
            _ => return,
        };
        let sized = match &side.expr {
            Expr::Call(call) if call.func_name == "size" => {
                call.target.as_deref().or_else(|| call.args.first())
            }
            _ => None,
        };
        let Some(filter) = sized.and_then(macro_call).filter(|found| found.fold == Fold::Filter)
        else {
            return;
        };
        let Some((kind, label, objects)) = self.objects(filter.range) else { return };
        let (found, wanted) = (found.unwrap_or_default(), wanted.unwrap_or_default());
        let all = objects.len();
        let holds = |object: &&Arc<Value>| self.holds(&filter, object) == Ok(true);
        let (matching, others): (Vec<_>, Vec<_>) = objects.into_iter().partition(holds);
        let body = write(filter.body);
        let share = share(matching.len(), all, &label);
        self.reason(|| format!("{body} is true for {share}"));
        let too_few = found < wanted;
        let culprits = if too_few { others } else { matching };
        self.breaches(kind, &culprits, &filter, too_few);
    }
}
