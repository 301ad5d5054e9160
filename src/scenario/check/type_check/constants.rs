use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};
use cel::{Context, ExecutionError, Value};

use crate::scenario::judge::expression::environment;

/// What is wrong with a text that is written out, and which argument it is: a regular expression, a
/// time or a number that cannot be read.
pub(super) fn constant_mistake<'a>(
    name: &str,
    arguments: &'a [IdedExpr],
) -> Option<(String, &'a IdedExpr)> {
    let last = arguments.last()?;
    if !matches!(last.expr, Expr::Literal(LiteralValue::String(_))) {
        return None;
    }
    let tried = match name {
        "timestamp" | "duration" | "int" | "uint" | "double" | "bool" => vec![last.clone()],
        // Any text serves to see whether the pattern is one.
        "matches" => vec![empty_text(), last.clone()],
        _ => return None,
    };
    let call = CallExpr { func_name: name.to_owned(), target: None, args: tried };
    let call = IdedExpr { id: 0, expr: Expr::Call(call) };
    let context = Context::with_env(environment());
    let reason = match Value::resolve(&call, &context).err()? {
        ExecutionError::FunctionError { message, .. } => message,
        other => other.to_string(),
    };
    let message = match name {
        // The pattern is shown above the reason.
        "matches" => {
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("is no regular expression: {reason}")
        }
        "timestamp" => "is no time: expected one as 2026-01-31T12:00:00Z".to_owned(),
        "duration" => "is no length of time: expected one as 1h30m, 5s or 300ms".to_owned(),
        _ => format!("`{name}` cannot read it"),
    };
    Some((message, last))
}

fn empty_text() -> IdedExpr {
    IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::String("".into())) }
}
