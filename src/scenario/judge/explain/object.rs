use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

use super::breach::part;
use crate::scenario::judge::expression::{
    Scope, evaluate, evaluate_json, path, variables_of, write,
};
use crate::scenario::judge::pattern::{at_path, difference, path_text, shortened};
use crate::scenario::judge::state::State;

/// An object, and the variable that stands for it in an expression.
struct Asked<'a> {
    state: &'a State,
    variable: &'a str,
    object: &'a Value,
}

/// Explains why an expression over one object is not `expected`, with one line for each part.
pub(super) fn differences(
    state: &State,
    body: &IdedExpr,
    variable: &str,
    object: &Value,
    expected: bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    Asked { state, variable, object }.collect(body, expected, &mut lines);
    lines
}

impl Asked<'_> {
    fn scope(&self, expression: &IdedExpr) -> Scope<'_> {
        let own = Scope::default().with(self.variable, self.object);
        self.state.scope(own, variables_of(expression).into_iter())
    }

    fn truth(&self, expression: &IdedExpr) -> Result<bool, String> {
        evaluate(expression, &self.scope(expression))
    }

    fn value(&self, expression: &IdedExpr) -> Result<Value, String> {
        evaluate_json(expression, &self.scope(expression))
    }

    fn collect(&self, expression: &IdedExpr, expected: bool, lines: &mut Vec<String>) {
        if self.truth(expression) == Ok(expected) {
            return;
        }
        let Expr::Call(call) = &expression.expr else {
            lines.push(self.leaf(expression, expected));
            return;
        };
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                self.collect(left, expected, lines);
                self.collect(right, expected, lines);
            }
            (operators::LOGICAL_NOT, [operand]) => self.collect(operand, !expected, lines),
            (operators::CONDITIONAL, [condition, then, otherwise]) => match self.truth(condition) {
                Ok(true) => self.collect(then, expected, lines),
                Ok(false) => self.collect(otherwise, expected, lines),
                Err(_) => lines.push(self.leaf(condition, true)),
            },
            _ => lines.push(
                self.call(call, expected).unwrap_or_else(|| self.plain(expression, expected)),
            ),
        }
    }

    fn leaf(&self, expression: &IdedExpr, expected: bool) -> String {
        if let Some(fields) = path(expression, self.variable) {
            return self.at(&fields, &expected.to_string());
        }
        if let Expr::Select(select) = &expression.expr
            && select.test
            && let Some(mut fields) = path(&select.operand, self.variable)
        {
            fields.push(&select.field);
            return self.at(&fields, if expected { "a value" } else { "nothing" });
        }
        self.plain(expression, expected)
    }

    /// A comparison of a field or of a condition's status; `None` for any other call.
    fn call(&self, call: &CallExpr, expected: bool) -> Option<String> {
        match (call.func_name.as_str(), call.args.as_slice(), &call.target) {
            ("ready", [object], None) => {
                let status = if expected { "True" } else { "a status other than True" };
                path(object, self.variable)?.is_empty().then(|| self.status("Ready", status))
            }
            (operator, [left, right], None) => {
                let sign = expectation(operator, expected)?;
                if let Some(name) = self.condition_name(left) {
                    let literal = self.literal(right)?;
                    let status = format!("{sign}{}", literal.trim_matches('"'));
                    return Some(self.status(&name, &status));
                }
                if let Some(fields) = path(left, self.variable) {
                    return Some(self.at(&fields, &format!("{sign}{}", self.literal(right)?)));
                }
                let (literal, fields) = (self.literal(left)?, path(right, self.variable)?);
                matches!(operator, operators::EQUALS | operators::NOT_EQUALS)
                    .then(|| self.at(&fields, &format!("{sign}{literal}")))
            }
            _ => None,
        }
    }

    /// The type of the condition in `condition(object, type)`.
    fn condition_name(&self, expression: &IdedExpr) -> Option<String> {
        let Expr::Call(call) = &expression.expr else { return None };
        let [object, name] = call.args.as_slice() else { return None };
        let is_own = path(object, self.variable).is_some_and(|fields| fields.is_empty());
        match (&name.expr, call.func_name.as_str()) {
            (Expr::Literal(LiteralValue::String(name)), "condition") if is_own => {
                Some(name.inner().to_owned())
            }
            _ => None,
        }
    }

    /// The value of an expression that does not read the object, in JSON.
    fn literal(&self, expression: &IdedExpr) -> Option<String> {
        if variables_of(expression).contains(self.variable) {
            return None;
        }
        self.value(expression).ok().map(|value| shortened(&value))
    }

    fn at(&self, fields: &[&str], expected: &str) -> String {
        difference(&path_text(fields), expected, at_path(self.object, fields))
    }

    /// A status condition, such as `condition Ready: expected True, found False (ContainersNotReady)`.
    fn status(&self, name: &str, expected: &str) -> String {
        let conditions = at_path(self.object, &["status", "conditions"]).and_then(Value::as_array);
        let found = conditions.into_iter().flatten().find(|condition| condition["type"] == name);
        let Some(found) = found else {
            return format!("condition {name}: expected {expected}, found nothing");
        };
        let field = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default();
        let why = match (field("reason"), field("message")) {
            ("", "") => String::new(),
            (why, "") | ("", why) => format!(" ({why})"),
            (reason, message) => format!(" ({reason}: {message})"),
        };
        format!("condition {name}: expected {expected}, found {}{why}", field("status"))
    }

    /// The text of an expression and its value, with the values of its operands.
    fn plain(&self, expression: &IdedExpr, expected: bool) -> String {
        let text = write(expression);
        let found = match self.truth(expression) {
            Ok(truth) => format!("expected {expected}, found {truth}"),
            Err(error) => return format!("{text} has no value: {error}"),
        };
        let operands = match &expression.expr {
            Expr::Call(call) => {
                call.target.iter().map(|target| &**target).chain(&call.args).collect()
            }
            _ => Vec::new(),
        };
        let values: Vec<_> = operands
            .into_iter()
            .filter(|operand| !matches!(operand.expr, Expr::Literal(_) | Expr::List(_)))
            .filter(|operand| path(operand, self.variable).is_none_or(|fields| !fields.is_empty()))
            .map(|operand| part(&write(operand), &self.value(operand)))
            .collect();
        match values.is_empty() {
            true => format!("{text}: {found}"),
            false => format!("{text}: {found} ({})", values.join(", ")),
        }
    }
}

/// The expectation of a comparison's left side, to put before the right side's value.
fn expectation(operator: &str, expected: bool) -> Option<&'static str> {
    Some(match (operator, expected) {
        (operators::EQUALS, true) | (operators::NOT_EQUALS, false) => "",
        (operators::EQUALS, false) | (operators::NOT_EQUALS, true) => "anything but ",
        (operators::LESS, true) | (operators::GREATER_EQUALS, false) => "less than ",
        (operators::LESS_EQUALS, true) | (operators::GREATER, false) => "at most ",
        (operators::GREATER, true) | (operators::LESS_EQUALS, false) => "more than ",
        (operators::GREATER_EQUALS, true) | (operators::LESS, false) => "at least ",
        (operators::IN, true) => "one of ",
        (operators::IN, false) => "none of ",
        _ => return None,
    })
}
