use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

/// A macro of CEL's, found again in the loop that it was expanded to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Macro<'e> {
    /// What it does.
    pub fold: Fold,
    /// The list or mapping that it goes over.
    pub range: &'e IdedExpr,
    /// The variable that stands for each element.
    pub variable: &'e str,
    /// What is asked of each element; for `map`, what is made of it.
    pub body: &'e IdedExpr,
    /// With `map`: which elements, where it says so.
    pub filter: Option<&'e IdedExpr>,
}

/// What a macro does with a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Fold {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

impl Fold {
    /// The macro's name.
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

/// The macro that `expression` was, if it was one.
pub fn macro_call(expression: &IdedExpr) -> Option<Macro<'_>> {
    match &expression.expr {
        Expr::Comprehension(loops) => fold(loops),
        _ => None,
    }
}

/// The macro that became a loop, if it is one that is known.
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

/// The parts that `&&` joins, in order.
pub fn conjuncts(expression: &IdedExpr) -> Vec<&IdedExpr> {
    match &expression.expr {
        Expr::Call(call) if call.func_name == operators::LOGICAL_AND => {
            call.args.iter().flat_map(conjuncts).collect()
        }
        _ => vec![expression],
    }
}

/// The fields that an expression selects of a variable, as `["status", "phase"]` of
/// `pod.status.phase`; `None` when it is anything else.
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
