use cel::common::ast::{CallExpr, Expr, IdedExpr};

use super::Type;
use super::check::{Checker, segments};
use super::constants::constant_mistake;
use super::signatures::{MACROS, SIGNATURES, Signature};
use crate::yaml::nearest;

impl<'a> Checker<'a> {
    pub(super) fn infer_call(&mut self, expression: &'a IdedExpr, call: &'a CallExpr) -> Type {
        let name = call.func_name.trim_start_matches('.');
        let Some(target) = call.target.as_deref() else {
            return match self.infer_operator(expression, name, &call.args) {
                Some(result) => result,
                None => self.infer_function(expression, name, None, &call.args),
            };
        };
        // A namespace such as in `math.ceil(x)`, unless a variable has its name.
        if let Some(namespace) = segments(target)
            && !self.is_declared(namespace[0])
        {
            let qualified = format!("{}.{name}", namespace.join("."));
            let prefix = format!("{}.", namespace[0]);
            if SIGNATURES.iter().any(|known| known.name == qualified) {
                return self.infer_function(expression, &qualified, None, &call.args);
            }
            if SIGNATURES.iter().any(|known| known.name.starts_with(&prefix)) {
                return self.infer_function(expression, &qualified, None, &call.args);
            }
        }
        self.infer_function(expression, name, Some(target), &call.args)
    }

    fn infer_function(
        &mut self,
        expression: &'a IdedExpr,
        name: &str,
        target: Option<&'a IdedExpr>,
        arguments: &'a [IdedExpr],
    ) -> Type {
        let is_macro = MACROS.iter().find(|(known, _)| *known == name);
        let named: Vec<_> = SIGNATURES.iter().filter(|known| known.name == name).collect();
        if named.is_empty()
            && let Some((_, usage)) = is_macro
        {
            // The arguments use a variable that is not declared.
            if let Some(target) = target {
                self.infer(target);
            }
            let message = format!("call `{name}` as `{usage}`");
            self.report(message, None, self.source.name_before(expression.id));
            return Type::Dyn;
        }
        let given: Vec<_> =
            target.into_iter().chain(arguments).map(|argument| self.infer(argument)).collect();
        if named.is_empty() {
            let suggestion = nearest(name, &function_names()).map(str::to_owned);
            let message = format!("function `{name}` does not exist");
            self.report(message, suggestion, self.source.name_before(expression.id));
            return Type::Dyn;
        }
        let member = target.is_some();
        let mut results = named
            .iter()
            .filter(|known| known.member == member)
            .filter_map(|known| result_of(known, &given));
        let Some(first) = results.next() else {
            let message = refusal(name, &named, member, &given);
            self.report(message, None, self.source.name_before(expression.id));
            return Type::Dyn;
        };
        // Several can fit an unknown type.
        let result = results.fold(first, |one, other| if one == other { one } else { Type::Dyn });
        if let Some((message, argument)) = constant_mistake(name, arguments) {
            self.report(message, None, self.source.whole(argument));
        }
        result
    }
}

/// The result type for these arguments; `None` if the function does not accept them.
fn result_of(signature: &Signature, given: &[Type]) -> Option<Type> {
    if signature.parameters.len() != given.len() {
        return None;
    }
    let mut t = Type::Nothing;
    let accepted = signature
        .parameters
        .iter()
        .zip(given)
        .all(|(parameter, argument)| parameter.accepts(argument, &mut t));
    accepted.then(|| signature.result.result(t))
}

fn refusal(name: &str, named: &[&Signature], member: bool, given: &[Type]) -> String {
    // Those with the same way to call them, if any.
    let alike = |known: &&&Signature| {
        known.member == member || named.iter().all(|other| other.member != member)
    };
    let usages: Vec<_> = named.iter().filter(alike).map(|known| format!("`{known}`")).collect();
    let usages = match usages.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    };
    let types: Vec<_> = given.iter().map(ToString::to_string).collect();
    let called = match types.split_first() {
        Some((target, arguments)) if member => format!("{target}.{name}({})", arguments.join(", ")),
        _ => format!("{name}({})", types.join(", ")),
    };
    format!("`{called}` has the wrong arguments; expected {usages}")
}

fn function_names() -> Vec<&'static str> {
    let functions = SIGNATURES.iter().map(|known| known.name);
    let mut names: Vec<_> = functions.chain(MACROS.iter().map(|(name, _)| *name)).collect();
    names.retain(|name| !name.contains('@'));
    names.dedup();
    names
}

/// The text of a string literal.
pub(super) fn literal_text(expression: &IdedExpr) -> Option<&str> {
    match &expression.expr {
        Expr::Literal(cel::common::ast::LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
