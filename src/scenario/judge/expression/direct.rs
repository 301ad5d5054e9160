//! The most frequent expressions over one object, evaluated on its JSON without CEL: comparisons of
//! fields with literals and variables, joined by `&&`, `||` and `!`. The result is the same as CEL's.

use std::cmp::Ordering;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

use super::VARIABLES;
use crate::scenario::judge::truth::Truth;

/// An expression over one object and the variables, in a form that is fast to evaluate.
#[derive(Debug, Clone)]
pub struct Direct(Question);

#[derive(Debug, Clone)]
enum Question {
    Constant(bool),
    And(Box<Question>, Box<Question>),
    Or(Box<Question>, Box<Question>),
    Not(Box<Question>),
    /// A boolean field.
    Field(Operand),
    Has(Operand, String),
    Compare(Operand, Comparison, Operand),
    In(Operand, Vec<Value>),
    Text(Operand, TextTest, String),
    Ready,
}

#[derive(Debug, Clone)]
enum Operand {
    Object(Vec<String>),
    Variable(Vec<String>),
    Literal(Value),
    /// The status of a condition of the object.
    Condition(String),
}

#[derive(Debug, Clone, Copy)]
enum Comparison {
    Equal(bool),
    /// The results for less, equal and greater.
    Order(bool, bool, bool),
}

#[derive(Debug, Clone, Copy)]
enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

impl Direct {
    /// Converts an expression over `variable`; `None` where only CEL can evaluate it.
    pub fn of(expression: &IdedExpr, variable: &str) -> Option<Self> {
        question(expression, variable).map(Self)
    }

    /// Evaluates the expression; `None` where only CEL can, because of the types of the values.
    pub fn evaluate(&self, object: &Value, variables: &Value) -> Option<Truth> {
        self.0.evaluate(object, variables)
    }
}

fn question(expression: &IdedExpr, variable: &str) -> Option<Question> {
    let of = |part: &IdedExpr| question(part, variable).map(Box::new);
    match &expression.expr {
        Expr::Literal(LiteralValue::Boolean(truth)) => Some(Question::Constant(*truth.inner())),
        Expr::Select(select) if select.test => {
            Some(Question::Has(operand(&select.operand, variable)?, select.field.clone()))
        }
        Expr::Select(_) => operand(expression, variable).map(Question::Field),
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice(), &call.target) {
            (operators::LOGICAL_AND, [left, right], None) => {
                Some(Question::And(of(left)?, of(right)?))
            }
            (operators::LOGICAL_OR, [left, right], None) => {
                Some(Question::Or(of(left)?, of(right)?))
            }
            (operators::LOGICAL_NOT, [part], None) => Some(Question::Not(of(part)?)),
            (operators::IN, [left, right], None) => {
                let Expr::List(list) = &right.expr else { return None };
                let literals: Option<Vec<_>> = list.elements.iter().map(literal).collect();
                Some(Question::In(operand(left, variable)?, literals?))
            }
            ("ready", [object], None) => is_variable(object, variable).then_some(Question::Ready),
            ("startsWith" | "endsWith" | "contains", [text], Some(target)) => {
                let test = match call.func_name.as_str() {
                    "startsWith" => TextTest::StartsWith,
                    "endsWith" => TextTest::EndsWith,
                    _ => TextTest::Contains,
                };
                let Value::String(text) = literal(text)? else { return None };
                Some(Question::Text(operand(target, variable)?, test, text))
            }
            (operator, [left, right], None) => {
                let comparison = comparison(operator)?;
                let (left, right) = (operand(left, variable)?, operand(right, variable)?);
                Some(Question::Compare(left, comparison, right))
            }
            _ => None,
        },
        _ => None,
    }
}

fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        operators::EQUALS => Comparison::Equal(true),
        operators::NOT_EQUALS => Comparison::Equal(false),
        operators::LESS => Comparison::Order(true, false, false),
        operators::LESS_EQUALS => Comparison::Order(true, true, false),
        operators::GREATER => Comparison::Order(false, false, true),
        operators::GREATER_EQUALS => Comparison::Order(false, true, true),
        _ => return None,
    })
}

fn is_variable(expression: &IdedExpr, variable: &str) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == variable)
}

fn operand(expression: &IdedExpr, variable: &str) -> Option<Operand> {
    if let Some(value) = literal(expression) {
        return Some(Operand::Literal(value));
    }
    let owned = |path: Vec<&str>| path.into_iter().map(str::to_owned).collect();
    if let Some(path) = super::path(expression, variable) {
        return Some(Operand::Object(owned(path)));
    }
    if variable != VARIABLES
        && let Some(path) = super::path(expression, VARIABLES)
    {
        return Some(Operand::Variable(owned(path)));
    }
    let Expr::Call(call) = &expression.expr else { return None };
    match (call.func_name.as_str(), call.args.as_slice(), &call.target) {
        ("condition", [object, name], None) if is_variable(object, variable) => {
            match literal(name)? {
                Value::String(name) => Some(Operand::Condition(name)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn literal(expression: &IdedExpr) -> Option<Value> {
    let Expr::Literal(literal) = &expression.expr else { return None };
    match literal {
        LiteralValue::String(text) => Some(text.inner().into()),
        LiteralValue::Int(number) => Some((*number.inner()).into()),
        LiteralValue::Boolean(truth) => Some((*truth.inner()).into()),
        LiteralValue::Null => Some(Value::Null),
        LiteralValue::Bytes(_) | LiteralValue::Double(_) | LiteralValue::UInt(_) => None,
    }
}

/// A value that was looked up.
enum Found<'a> {
    Json(&'a Value),
    Text(&'a str),
    Missing,
}

impl Operand {
    fn look_up<'a>(&'a self, object: &'a Value, variables: &'a Value) -> Found<'a> {
        let at = |root: &'a Value, path: &[String]| {
            path.iter()
                .try_fold(root, |value, field| value.get(field))
                .map_or(Found::Missing, Found::Json)
        };
        match self {
            Self::Object(path) => at(object, path),
            Self::Variable(path) => at(variables, path),
            Self::Literal(value) => Found::Json(value),
            Self::Condition(name) => Found::Text(status(object, name)),
        }
    }
}

/// The status of a condition of an object; empty where the object has no such condition.
pub(super) fn status<'o>(object: &'o Value, name: &str) -> &'o str {
    status_of(object.get("status"), name)
}

/// The same, of the object's status.
pub(super) fn status_of<'o>(status: Option<&'o Value>, name: &str) -> &'o str {
    let conditions = status.and_then(|status| status.get("conditions"));
    let mut conditions = conditions.and_then(Value::as_array).into_iter().flatten();
    let found =
        conditions.find(|condition| condition.get("type").and_then(Value::as_str) == Some(name));
    found.and_then(|found| found.get("status")).and_then(Value::as_str).unwrap_or_default()
}

impl Question {
    fn evaluate(&self, object: &Value, variables: &Value) -> Option<Truth> {
        let of = |question: &Self| question.evaluate(object, variables);
        match self {
            Self::Constant(truth) => Some((*truth).into()),
            Self::And(left, right) => match of(left)? {
                Truth::False => Some(Truth::False),
                left => Some(left.and(of(right)?)),
            },
            Self::Or(left, right) => match of(left)? {
                Truth::True => Some(Truth::True),
                left => Some(left.or(of(right)?)),
            },
            Self::Not(part) => Some(of(part)?.not()),
            Self::Ready => Some((status(object, "Ready") == "True").into()),
            Self::Field(operand) => match operand.look_up(object, variables) {
                Found::Json(Value::Bool(truth)) => Some((*truth).into()),
                Found::Missing => Some(Truth::Error),
                _ => None,
            },
            Self::Has(operand, field) => match operand.look_up(object, variables) {
                Found::Json(Value::Object(fields)) => Some(fields.contains_key(field).into()),
                Found::Missing => Some(Truth::Error),
                _ => None,
            },
            Self::In(operand, literals) => {
                let found = operand.look_up(object, variables);
                if matches!(found, Found::Missing) {
                    return Some(Truth::Error);
                }
                for literal in literals {
                    if equal(&found, &Found::Json(literal))? {
                        return Some(Truth::True);
                    }
                }
                Some(Truth::False)
            }
            Self::Text(operand, test, text) => {
                let found = match operand.look_up(object, variables) {
                    Found::Json(Value::String(found)) => found,
                    Found::Text(found) => found,
                    Found::Missing => return Some(Truth::Error),
                    Found::Json(_) => return None,
                };
                let holds = match test {
                    TextTest::StartsWith => found.starts_with(text.as_str()),
                    TextTest::EndsWith => found.ends_with(text.as_str()),
                    TextTest::Contains => found.contains(text.as_str()),
                };
                Some(holds.into())
            }
            Self::Compare(left, comparison, right) => {
                let left = left.look_up(object, variables);
                let right = right.look_up(object, variables);
                if matches!(left, Found::Missing) || matches!(right, Found::Missing) {
                    return Some(Truth::Error);
                }
                match comparison {
                    Comparison::Equal(expected) => {
                        Some((equal(&left, &right)? == *expected).into())
                    }
                    Comparison::Order(less, same, greater) => {
                        let holds = match order(&left, &right)? {
                            Ordering::Less => less,
                            Ordering::Equal => same,
                            Ordering::Greater => greater,
                        };
                        Some((*holds).into())
                    }
                }
            }
        }
    }
}

fn text<'a>(found: &Found<'a>) -> Option<&'a str> {
    match found {
        Found::Text(text) => Some(text),
        Found::Json(value) => value.as_str(),
        Found::Missing => None,
    }
}

/// Compares strings, booleans, integers and `null`; CEL compares the rest.
fn equal(left: &Found<'_>, right: &Found<'_>) -> Option<bool> {
    if let (Some(left), Some(right)) = (text(left), text(right)) {
        return Some(left == right);
    }
    let is_plain = |found: &Found<'_>| match found {
        Found::Text(_) => true,
        Found::Json(value) => {
            value.is_string() || value.is_boolean() || value.is_null() || value.is_i64()
        }
        Found::Missing => false,
    };
    if !is_plain(left) || !is_plain(right) {
        return None;
    }
    match (left, right) {
        (Found::Json(left), Found::Json(right)) => Some(left == right),
        _ => Some(false),
    }
}

fn order(left: &Found<'_>, right: &Found<'_>) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (text(left), text(right)) {
        return Some(left.cmp(right));
    }
    match (left, right) {
        (Found::Json(left), Found::Json(right)) => Some(left.as_i64()?.cmp(&right.as_i64()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{Expression, Scope, evaluate};
    use super::*;

    fn operand() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            "o.a",
            "o.b",
            "o.c.a",
            "o['c'].b",
            "o.c",
            "o.list",
            "vars.a",
            "vars.n",
            "1",
            "2",
            "'x'",
            "'y'",
            "true",
            "null",
            "condition(o, 'Ready')",
            "condition(o, 'Other')",
            "o.half",
            "o.missing.x",
        ])
        .prop_map(str::to_owned)
    }

    fn expression() -> impl Strategy<Value = String> {
        let operator = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
        let leaf = prop_oneof![
            4 => (operand(), operator, operand()).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
            1 => operand().prop_map(|a| format!("{a} in ['x', 1, true]")),
            1 => prop::sample::select(vec!["o.a", "o.c.a", "o.b"]).prop_map(|a| format!("{a}.startsWith('x')")),
            1 => prop::sample::select(vec!["o.a", "o.c.a", "o.d.e", "o.list.x"]).prop_map(|a| format!("has({a})")),
            1 => prop::sample::select(vec!["o.a", "o.c.b", "ready(o)", "vars.a", "o.missing", "true"]).prop_map(str::to_owned),
        ];
        leaf.prop_recursive(3, 12, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
                inner.prop_map(|a| format!("!({a})")),
            ]
        })
    }

    fn object() -> impl Strategy<Value = Value> {
        let value = prop::sample::select(vec![
            json!("x"),
            json!("y"),
            json!(1),
            json!(2),
            json!(1.5),
            json!(true),
            json!(false),
            json!(null),
            json!({"a": "x"}),
            json!({"a": 1, "b": true}),
            json!(["x"]),
            json!({}),
        ]);
        let status = prop::sample::select(vec!["True", "False", "x"]);
        (prop::collection::btree_map("[abcd]", value, 0..4), status).prop_map(|(fields, status)| {
            let mut object = json!(fields);
            object["list"] = json!(["x"]);
            object["half"] = json!(0.5);
            object["status"] = json!({"conditions": [{"type": "Ready", "status": status}]});
            object
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

        #[test]
        fn evaluates_as_cel_does(text in expression(), object in object()) {
            let expression = Expression::compile(&text).unwrap();
            let direct = Direct::of(expression.root(), "o").expect("all of these have a direct form");
            let vars = json!({"a": "x", "n": 1});
            let scope = Scope::default().with("o", &object).with("vars", &vars);
            let expected = Truth::from(evaluate(expression.root(), &scope));
            if let Some(truth) = direct.evaluate(&object, &vars) {
                prop_assert_eq!(truth, expected, "{} of {}", text, object);
            }
        }
    }

    #[test]
    fn evaluates_frequent_expressions_without_cel() {
        let object = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        for (text, expected) in [
            ("o.status.phase == 'Running' && ready(o)", Truth::True),
            ("condition(o, 'Ready') != 'True' || vars.n > 1", Truth::False),
            ("!has(o.status.hostIP)", Truth::True),
            ("o.status.hostIP == ''", Truth::Error),
        ] {
            let expression = Expression::compile(text).unwrap();
            let direct = Direct::of(expression.root(), "o").unwrap();
            assert_eq!(direct.evaluate(&object, &json!({"n": 1})), Some(expected), "{text}");
        }
        let other = Expression::compile("o.list.all(x, x > 1)").unwrap();
        assert!(Direct::of(other.root(), "o").is_none());
    }
}
