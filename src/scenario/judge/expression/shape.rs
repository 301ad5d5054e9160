use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

/// A CEL macro, recognised in the loop that it expands to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Macro<'e> {
    pub fold: Fold,
    /// The list or mapping that the macro iterates over.
    pub range: &'e IdedExpr,
    /// The variable for each element.
    pub variable: &'e str,
    /// The expression for each element.
    pub body: &'e IdedExpr,
    /// The filter of a `map` with three arguments.
    pub filter: Option<&'e IdedExpr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

impl Fold {
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Exists => "exists",
            Self::ExistsOne => "exists_one",
            Self::Map => "map",
            Self::Filter => "filter",
        }
    }
}

/// Returns the macro that `expression` is, if any.
pub fn macro_call(expression: &IdedExpr) -> Option<Macro<'_>> {
    match &expression.expr {
        Expr::Comprehension(loops) => fold(loops),
        _ => None,
    }
}

/// Returns the macro that expands to a loop, if it is known.
pub fn fold(loops: &ComprehensionExpr) -> Option<Macro<'_>> {
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

/// The operands of a chain of `&&`, in order.
pub fn conjuncts(expression: &IdedExpr) -> Vec<&IdedExpr> {
    match &expression.expr {
        Expr::Call(call) if call.func_name == operators::LOGICAL_AND => {
            call.args.iter().flat_map(conjuncts).collect()
        }
        _ => vec![expression],
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
