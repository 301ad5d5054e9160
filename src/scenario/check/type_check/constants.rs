use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};
use cel::{Context, ExecutionError, Value};

use crate::scenario::judge::expression::environment;

/// The mistake in a string literal, and its argument: an invalid regular expression, time or number.
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
            format!("invalid regular expression: {reason}")
        }
        "timestamp" => "invalid timestamp; expected one such as 2026-01-31T12:00:00Z".to_owned(),
        "duration" => "invalid duration; expected one such as 1h30m, 5s or 300ms".to_owned(),
        _ => format!("`{name}` cannot convert this text"),
    };
    Some((message, last))
}

fn empty_text() -> IdedExpr {
    IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::String("".into())) }
}
