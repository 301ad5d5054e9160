use cel::common::ast::{IdedExpr, operators};

use super::Type;
use super::calls::literal_text;
use super::check::Checker;

impl<'a> Checker<'a> {
    /// The result type of an operator; `None` if `name` is a function.
    pub(super) fn infer_operator(
        &mut self,
        expression: &'a IdedExpr,
        name: &str,
        arguments: &'a [IdedExpr],
    ) -> Option<Type> {
        match (name, arguments) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                self.expect_bool(left);
                self.expect_bool(right);
                Some(Type::Bool)
            }
            (operators::LOGICAL_NOT, [operand]) => {
                self.expect_bool(operand);
                Some(Type::Bool)
            }
            (operators::NOT_STRICTLY_FALSE, [operand]) => {
                self.infer(operand);
                Some(Type::Bool)
            }
            (operators::CONDITIONAL, [condition, one, other]) => {
                self.expect_bool(condition);
                Some(self.infer(one).join(self.infer(other)))
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                self.check_equality(expression, left, right);
                Some(Type::Bool)
            }
            (
                operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS,
                [left, right],
            ) => {
                self.check_order(expression, left, right);
                Some(Type::Bool)
            }
            (operators::IN, [element, whole]) => {
                self.check_membership(expression, element, whole);
                Some(Type::Bool)
            }
            (operators::NEGATE, [operand]) => Some(self.infer_negation(operand)),
            (operators::INDEX, [whole, index]) => Some(self.infer_index(expression, whole, index)),
            (operators::OPT_INDEX, [whole, index]) => {
                Some(made_optional(self.infer_index(expression, whole, index)))
            }
            (operators::OPT_SELECT, [operand, field]) => {
                let operand = self.infer(operand);
                let range = self.source.name_after(expression.id);
                let field = literal_text(field).unwrap_or_default();
                Some(made_optional(self.field(&operand, field, range)))
            }
            (
                operators::ADD
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO,
                [left, right],
            ) => Some(self.infer_arithmetic(expression, name, left, right)),
            _ => None,
        }
    }

    fn expect_bool(&mut self, expression: &'a IdedExpr) {
        let inferred = self.infer(expression);
        if !inferred.is_open() && inferred != Type::Bool {
            let message = format!("expected bool, found {inferred}");
            self.report(message, None, self.source.whole(expression));
        }
    }

    fn check_equality(
        &mut self,
        expression: &'a IdedExpr,
        left: &'a IdedExpr,
        right: &'a IdedExpr,
    ) {
        let (one, other) = (self.infer(left), self.infer(right));
        if !one.can_equal(&other) {
            let message = format!("{one} is never equal to {other}");
            self.report_comparison(message, expression, (left, &one), (right, &other));
        }
    }

    fn check_order(&mut self, expression: &'a IdedExpr, left: &'a IdedExpr, right: &'a IdedExpr) {
        let (one, other) = (self.infer(left), self.infer(right));
        if !one.can_be_ordered(&other) {
            let message = if one == other {
                format!("values of type {one} have no order")
            } else {
                format!("{one} cannot be compared with {other}")
            };
            self.report_comparison(message, expression, (left, &one), (right, &other));
        }
    }

    /// Reports two values that cannot be compared, at the literal if another notation of it helps.
    fn report_comparison(
        &mut self,
        message: String,
        expression: &IdedExpr,
        left: (&IdedExpr, &Type),
        right: (&IdedExpr, &Type),
    ) {
        for ((literal, _), (_, wanted)) in [(right, left), (left, right)] {
            if let Some(suggestion) = rewritten(literal, wanted) {
                let range = self.source.whole(literal);
                return self.report(message, Some(suggestion), range);
            }
        }
        // Times are texts in JSON.
        for ((text, one), (_, other)) in [(left, right), (right, left)] {
            if matches!((one, other), (Type::String, Type::Timestamp | Type::Duration)) {
                let range = self.source.whole(text);
                let written = range.clone().map(|range| self.source.slice(range));
                let suggestion = written.map(|written| format!("{other}({written})"));
                return self.report(message, suggestion, range);
            }
        }
        self.report(message, None, self.source.whole(expression));
    }

    fn check_membership(
        &mut self,
        expression: &'a IdedExpr,
        element: &'a IdedExpr,
        whole: &'a IdedExpr,
    ) {
        let one = self.infer(element);
        let container = self.infer(whole);
        let wanted = match &container {
            Type::Dyn | Type::Nothing => return,
            Type::List(element) => (**element).clone(),
            Type::Map(key, _) => (**key).clone(),
            Type::Object(_) | Type::Record(_) => {
                if let Some(field) = literal_text(element) {
                    self.field(&container, field, self.source.whole(element));
                    return;
                }
                Type::String
            }
            Type::String => {
                let message = "`in` looks into lists and maps, not into a string: use `contains`";
                return self.report(message, None, self.source.token(expression.id));
            }
            other => {
                let message = format!("expected a list or a map after `in`, found {other}");
                return self.report(message, None, self.source.token(expression.id));
            }
        };
        if !one.can_equal(&wanted) {
            let message = format!("{one} is never in {container}");
            let suggestion = rewritten(element, &wanted);
            self.report(message, suggestion, self.source.whole(element));
        }
    }

    fn infer_negation(&mut self, operand: &'a IdedExpr) -> Type {
        let inferred = self.infer(operand);
        if inferred.is_open() || matches!(inferred, Type::Int | Type::Double) {
            return inferred;
        }
        self.report(format!("{inferred} cannot be negated"), None, self.source.whole(operand));
        Type::Dyn
    }

    fn infer_index(
        &mut self,
        expression: &'a IdedExpr,
        whole: &'a IdedExpr,
        index: &'a IdedExpr,
    ) -> Type {
        let container = self.infer(whole);
        let key = self.infer(index);
        match container {
            Type::Optional(inner) => made_optional(self.element(expression, *inner, index, &key)),
            container => self.element(expression, container, index, &key),
        }
    }

    fn element(
        &mut self,
        expression: &IdedExpr,
        container: Type,
        index: &IdedExpr,
        key: &Type,
    ) -> Type {
        let range = self.source.whole(index);
        match &container {
            Type::Dyn | Type::Nothing => Type::Dyn,
            Type::List(element) => {
                if !key.is_open() && !key.is_number() {
                    let message = format!("expected an int as the index of a list, found {key}");
                    self.report(message, None, range);
                }
                (**element).clone()
            }
            Type::Map(wanted, value) => {
                if !key.can_equal(wanted) {
                    let message =
                        format!("expected {wanted} as the key of {container}, found {key}");
                    self.report(message, rewritten(index, wanted), range);
                }
                (**value).clone()
            }
            Type::Object(_) | Type::Record(_) => match literal_text(index) {
                Some(field) => self.field(&container, field, range),
                None => {
                    if !key.can_equal(&Type::String) {
                        let message =
                            format!("expected a string as the field of {container}, found {key}");
                        self.report(message, None, range);
                    }
                    Type::Dyn
                }
            },
            other => {
                let message = format!("{other} has no elements");
                self.report(message, None, self.source.token(expression.id));
                Type::Dyn
            }
        }
    }

    fn infer_arithmetic(
        &mut self,
        expression: &'a IdedExpr,
        operator: &str,
        left: &'a IdedExpr,
        right: &'a IdedExpr,
    ) -> Type {
        let (one, other) = (self.infer(left), self.infer(right));
        if let Some(result) = arithmetic(operator, &one, &other) {
            return result;
        }
        let sign = operator.trim_matches('_');
        let message = match (&one, &other) {
            (one, other) if one.is_number() && other.is_number() => format!(
                "{one} {sign} {other} does not fit: convert one of them, as with `{one}(…)`"
            ),
            _ => format!("{one} {sign} {other} is not defined"),
        };
        let wanted = [(right, &one), (left, &other)]
            .into_iter()
            .find_map(|(literal, wanted)| Some((literal, rewritten(literal, wanted)?)));
        match wanted {
            Some((literal, suggestion)) => {
                self.report(message, Some(suggestion), self.source.whole(literal));
            }
            None => self.report(message, None, self.source.whole(expression)),
        }
        Type::Dyn
    }
}

/// The type of `one OPERATOR other`; `None` if it is not defined.
fn arithmetic(operator: &str, one: &Type, other: &Type) -> Option<Type> {
    use Type::{Bytes, Double, Duration, Dyn, Int, List, Nothing, String, Timestamp, Uint};
    if let (operators::ADD, List(one), List(other)) = (operator, one, other) {
        return Some(Type::list((**one).clone().join((**other).clone())));
    }
    match (operator, one, other) {
        (_, Dyn | Nothing, _) | (_, _, Dyn | Nothing) => Some(Dyn),
        (operators::MODULO, Double, Double) => None,
        (_, Int, Int) | (_, Uint, Uint) | (_, Double, Double) => Some(one.clone()),
        (operators::ADD, String, String) | (operators::ADD, Bytes, Bytes) => Some(one.clone()),
        (operators::ADD | operators::SUBSTRACT, Duration, Duration) => Some(Duration),
        (operators::ADD | operators::SUBSTRACT, Timestamp, Duration)
        | (operators::ADD, Duration, Timestamp) => Some(Timestamp),
        (operators::SUBSTRACT, Timestamp, Timestamp) => Some(Duration),
        _ => None,
    }
}

fn made_optional(inferred: Type) -> Type {
    match inferred {
        optional @ Type::Optional(_) => optional,
        value => Type::optional(value),
    }
}

/// A literal in the notation of type `wanted`.
fn rewritten(literal: &IdedExpr, wanted: &Type) -> Option<String> {
    use cel::common::ast::{Expr, LiteralValue};
    let Expr::Literal(literal) = &literal.expr else { return None };
    match (literal, wanted) {
        (LiteralValue::String(text), Type::Int | Type::Uint | Type::Double) => {
            text.inner().parse::<f64>().is_ok().then(|| text.inner().to_owned())
        }
        (LiteralValue::String(text), Type::Bool) => {
            matches!(text.inner(), "true" | "false").then(|| text.inner().to_owned())
        }
        (LiteralValue::String(text), Type::Timestamp) => {
            Some(format!("timestamp('{}')", text.inner()))
        }
        (LiteralValue::String(text), Type::Duration) => {
            Some(format!("duration('{}')", text.inner()))
        }
        (LiteralValue::Int(number), Type::String) => Some(format!("'{}'", number.inner())),
        (LiteralValue::Int(number), Type::Double) => Some(format!("{}.0", number.inner())),
        (LiteralValue::Int(number), Type::Uint) => Some(format!("{}u", number.inner())),
        (LiteralValue::Boolean(truth), Type::String) => Some(format!("'{}'", truth.inner())),
        _ => None,
    }
}
