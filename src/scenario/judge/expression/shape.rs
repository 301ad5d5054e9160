use std::cmp::Ordering;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use strum::Display;

/// A CEL macro, recognised in the loop that it expands to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Macro<'e> {
    pub fold: Fold,
    /// The list or mapping that the macro iterates over.
    pub range: &'e IdedExpr,
    pub variable: &'e str,
    pub body: &'e IdedExpr,
    /// The filter of a `map` with three arguments.
    pub filter: Option<&'e IdedExpr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Fold {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub fn of(operator: &str) -> Option<Self> {
        Some(match operator {
            operators::EQUALS => Self::Equal,
            operators::NOT_EQUALS => Self::NotEqual,
            operators::LESS => Self::Less,
            operators::LESS_EQUALS => Self::LessOrEqual,
            operators::GREATER => Self::Greater,
            operators::GREATER_EQUALS => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// Returns the macro that expands to this expression, if it is known.
pub fn macro_call(expression: &IdedExpr) -> Option<Macro<'_>> {
    let Expr::Comprehension(loops) = &expression.expr else { return None };
    let Expr::Call(step) = &loops.loop_step.expr else { return None };
    let found = |fold, body, filter| {
        Some(Macro { fold, range: &loops.iter_range, variable: &loops.iter_var, body, filter })
    };
    let is_result =
        |part: &IdedExpr| matches!(&part.expr, Expr::Ident(name) if *name == loops.accu_var);
    match (&loops.accu_init.expr, step.func_name.as_str(), step.args.as_slice()) {
        (Expr::Literal(LiteralValue::Boolean(start)), operators::LOGICAL_AND, [result, body])
            if *start.inner() && is_result(result) =>
        {
            found(Fold::All, body, None)
        }
        (Expr::Literal(LiteralValue::Boolean(start)), operators::LOGICAL_OR, [result, body])
            if !*start.inner() && is_result(result) =>
        {
            found(Fold::Exists, body, None)
        }
        (Expr::Literal(LiteralValue::Int(_)), operators::CONDITIONAL, [body, _, result])
            if is_result(result) =>
        {
            found(Fold::ExistsOne, body, None)
        }
        (Expr::List(_), operators::ADD, [result, element]) if is_result(result) => {
            found(Fold::Map, single(element)?, None)
        }
        (Expr::List(_), operators::CONDITIONAL, [filter, append, result]) if is_result(result) => {
            let Expr::Call(append) = &append.expr else { return None };
            let element = single(append.args.get(1)?)?;
            match &element.expr {
                Expr::Ident(name) if *name == loops.iter_var => found(Fold::Filter, filter, None),
                _ => found(Fold::Map, element, Some(filter)),
            }
        }
        _ => None,
    }
}

fn single(list: &IdedExpr) -> Option<&IdedExpr> {
    match &list.expr {
        Expr::List(list) => list.elements.first(),
        _ => None,
    }
}

/// The fields that an expression selects from a variable, such as `["status", "phase"]` for
/// `pod.status.phase`; `None` for any other expression.
pub fn path<'e>(expression: &'e IdedExpr, variable: &str) -> Option<Vec<&'e str>> {
    match &expression.expr {
        Expr::Ident(name) => (name == variable).then(Vec::new),
        Expr::Select(select) if !select.test => {
            let mut fields = path(&select.operand, variable)?;
            fields.push(&select.field);
            Some(fields)
        }
        Expr::Call(call) if call.func_name == operators::INDEX => {
            let [operand, index] = call.args.as_slice() else { return None };
            let Expr::Literal(LiteralValue::String(field)) = &index.expr else { return None };
            let mut fields = path(operand, variable)?;
            fields.push(field.inner());
            Some(fields)
        }
        _ => None,
    }
}
