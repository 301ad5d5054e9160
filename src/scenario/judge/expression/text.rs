use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

use super::shape::macro_call;

/// Writes an expression as source text, with macros.
pub fn write(expression: &IdedExpr) -> String {
    text(expression, 0)
}

/// The precedence of each operator in CEL's grammar. An operand with a lower precedence needs
/// parentheses.
fn operator(name: &str) -> Option<(u8, &'static str)> {
    Some(match name {
        operators::LOGICAL_OR => (2, "||"),
        operators::LOGICAL_AND => (3, "&&"),
        operators::EQUALS => (4, "=="),
        operators::NOT_EQUALS => (4, "!="),
        operators::LESS => (4, "<"),
        operators::LESS_EQUALS => (4, "<="),
        operators::GREATER => (4, ">"),
        operators::GREATER_EQUALS => (4, ">="),
        operators::IN => (4, "in"),
        operators::ADD => (5, "+"),
        operators::SUBSTRACT => (5, "-"),
        operators::MULTIPLY => (6, "*"),
        operators::DIVIDE => (6, "/"),
        operators::MODULO => (6, "%"),
        _ => return None,
    })
}

const UNARY: u8 = 7;
const MEMBER: u8 = 8;

fn text(expression: &IdedExpr, around: u8) -> String {
    if let Some(found) = macro_call(expression) {
        let range = text(found.range, MEMBER);
        let filter =
            found.filter.map(|filter| format!("{}, ", text(filter, 0))).unwrap_or_default();
        let (variable, body) = (found.variable, text(found.body, 0));
        return format!("{range}.{}({variable}, {filter}{body})", found.fold.name());
    }
    match &expression.expr {
        Expr::Ident(name) => name.clone(),
        Expr::Literal(value) => literal(value),
        Expr::Select(select) => {
            let selected = format!("{}.{}", text(&select.operand, MEMBER), select.field);
            if select.test { format!("has({selected})") } else { selected }
        }
        Expr::List(list) => format!("[{}]", joined(&list.elements)),
        Expr::Map(map) => {
            let entries = map.entries.iter().filter_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    Some(format!("{}: {}", text(&entry.key, 0), text(&entry.value, 0)))
                }
                EntryExpr::StructField(_) => None,
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Expr::Call(call) => call_text(call, around),
        Expr::Comprehension(_) | Expr::Struct(_) | Expr::Unspecified => "…".to_owned(),
    }
}

fn call_text(call: &CallExpr, around: u8) -> String {
    let name = call.func_name.as_str();
    let parenthesized = |own: u8, written: String| {
        if own < around { format!("({written})") } else { written }
    };
    match call.args.as_slice() {
        [left, right] if call.target.is_none() && operator(name).is_some() => {
            let (own, sign) = operator(name).unwrap_or_default();
            // Operators are left-associative.
            let written = format!("{} {sign} {}", text(left, own), text(right, own + 1));
            parenthesized(own, written)
        }
        [operand] if name == operators::LOGICAL_NOT => format!("!{}", text(operand, UNARY)),
        [operand] if name == operators::NEGATE => format!("-{}", text(operand, UNARY)),
        [operand, index] if name == operators::INDEX => {
            format!("{}[{}]", text(operand, MEMBER), text(index, 0))
        }
        [operand, index] if name == operators::OPT_INDEX => {
            format!("{}[?{}]", text(operand, MEMBER), text(index, 0))
        }
        [operand, field] if name == operators::OPT_SELECT => {
            let field = match &field.expr {
                Expr::Literal(LiteralValue::String(field)) => field.inner().to_owned(),
                _ => text(field, 0),
            };
            format!("{}.?{field}", text(operand, MEMBER))
        }
        [condition, then, otherwise] if name == operators::CONDITIONAL => {
            let written =
                format!("{} ? {} : {}", text(condition, 2), text(then, 2), text(otherwise, 1));
            parenthesized(1, written)
        }
        arguments => {
            let arguments = joined(arguments);
            match &call.target {
                Some(target) => format!("{}.{name}({arguments})", text(target, MEMBER)),
                None => format!("{name}({arguments})"),
            }
        }
    }
}

fn joined(expressions: &[IdedExpr]) -> String {
    expressions.iter().map(|part| text(part, 0)).collect::<Vec<_>>().join(", ")
}

fn literal(value: &LiteralValue) -> String {
    match value {
        LiteralValue::Boolean(truth) => truth.inner().to_string(),
        LiteralValue::Int(number) => number.inner().to_string(),
        LiteralValue::UInt(number) => format!("{}u", number.inner()),
        LiteralValue::Double(number) => format!("{:?}", number.inner()),
        LiteralValue::Null => "null".to_owned(),
        LiteralValue::String(text) => quoted(text.inner()),
        LiteralValue::Bytes(bytes) => {
            format!("b{}", quoted(&String::from_utf8_lossy(bytes.inner())))
        }
    }
}

/// In single quotes, which need no escape within YAML's double quotes.
fn quoted(text: &str) -> String {
    if text.contains('\'') {
        return Value::String(text.to_owned()).to_string();
    }
    format!("'{}'", text.replace('\\', "\\\\").replace('\n', "\\n"))
}
