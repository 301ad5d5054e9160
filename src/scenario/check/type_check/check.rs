use std::collections::BTreeMap;
use std::ops::Range;

use cel::common::ast::{
    ComprehensionExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, MapExpr, SelectExpr,
};

use super::signatures::TYPE_NAMES;
use super::source::Source;
use super::syntax::syntax_mistake;
use super::{Mistake, ObjectType, Type};
use crate::scenario::judge::expression::environment;
use crate::yaml::{list, nearest};

/// Names of types with dots.
const QUALIFIED_TYPE_NAMES: &[&[&str]] =
    &[&["google", "protobuf", "Timestamp"], &["google", "protobuf", "Duration"]];

/// All mistakes in a CEL expression that can use `variables` and must have the type `expected`, in the
/// order of the text.
pub fn check(text: &str, variables: &BTreeMap<String, Type>, expected: &Type) -> Vec<Mistake> {
    let program = match environment().compile(text) {
        Ok(program) => program,
        Err(errors) => return syntax_mistake(text, &errors).into_iter().collect(),
    };
    let source = Source::new(text, program.source_info());
    let mut checker = Checker { source, variables, scopes: Vec::new(), mistakes: Vec::new() };
    let root = program.expression();
    let actual = checker.infer(root);
    if !actual.is_open() && actual != *expected {
        let message = format!("expected {expected}, found {actual}");
        checker.report(message, None, source.whole(root));
    }
    let mut mistakes = checker.mistakes;
    mistakes.sort_by_key(|mistake| mistake.range.as_ref().map(|range| (range.start, range.end)));
    mistakes
}

/// Infers the types of expressions, from the leaves up.
///
/// A mistake is reported once, at its place; the type there is then `dyn`, which fits everywhere.
pub(super) struct Checker<'a> {
    pub(super) source: Source<'a>,
    variables: &'a BTreeMap<String, Type>,
    /// Variables of macros, the innermost last.
    scopes: Vec<(&'a str, Type)>,
    mistakes: Vec<Mistake>,
}

impl<'a> Checker<'a> {
    pub(super) fn report(
        &mut self,
        message: impl Into<String>,
        suggestion: Option<String>,
        range: Option<Range<usize>>,
    ) {
        let mistake = Mistake { message: message.into(), suggestion, range };
        // Macros expand to several copies of their arguments.
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }

    pub(super) fn infer(&mut self, expression: &'a IdedExpr) -> Type {
        match &expression.expr {
            Expr::Unspecified => Type::Dyn,
            Expr::Literal(literal) => literal_type(literal),
            Expr::Ident(name) => self.infer_name(expression, name),
            Expr::Select(select) => self.infer_select(expression, select),
            Expr::Call(call) => self.infer_call(expression, call),
            Expr::List(list) => self.infer_list(list),
            Expr::Map(map) => self.infer_map(map),
            Expr::Comprehension(comprehension) => self.infer_comprehension(comprehension),
            Expr::Struct(message) => {
                let message = format!("type `{}` does not exist", message.type_name);
                self.report(message, None, self.source.token(expression.id));
                Type::Dyn
            }
        }
    }

    pub(super) fn is_declared(&self, name: &str) -> bool {
        self.scopes.iter().any(|(known, _)| *known == name) || self.variables.contains_key(name)
    }

    fn infer_name(&mut self, expression: &IdedExpr, name: &str) -> Type {
        let name = name.trim_start_matches('.');
        if let Some((_, known)) = self.scopes.iter().rev().find(|(known, _)| *known == name) {
            return known.clone();
        }
        if let Some(known) = self.variables.get(name) {
            return known.clone();
        }
        if TYPE_NAMES.contains(&name) {
            return Type::Type;
        }
        let scopes = self.scopes.iter().map(|(known, _)| *known);
        let known = self.variables.keys().map(String::as_str).chain(scopes);
        let known: Vec<&str> = known.filter(|known| !known.starts_with(['@', '#'])).collect();
        let suggestion = nearest(name, &known).map(str::to_owned);
        let message = match known.as_slice() {
            [] => format!("variable `{name}` does not exist"),
            known => format!("variable `{name}` does not exist; expected {}", list(known, "or")),
        };
        self.report(message, suggestion, self.source.token(expression.id));
        Type::Dyn
    }

    fn infer_select(&mut self, expression: &'a IdedExpr, select: &'a SelectExpr) -> Type {
        if let Some(segments) = segments(expression)
            && QUALIFIED_TYPE_NAMES.contains(&segments.as_slice())
            && !self.is_declared(segments[0])
        {
            return Type::Type;
        }
        let operand = self.infer(&select.operand);
        let range = if select.test {
            // `has` is placed at its parenthesis.
            self.source.name_after_whole(&select.operand)
        } else {
            self.source.name_after(expression.id)
        };
        let field = self.field(&operand, &select.field, range);
        if select.test { Type::Bool } else { field }
    }

    /// The type of the field `name` of a value of type `operand`.
    pub(super) fn field(
        &mut self,
        operand: &Type,
        name: &str,
        range: Option<Range<usize>>,
    ) -> Type {
        match operand {
            Type::Dyn | Type::Nothing => Type::Dyn,
            Type::Map(_, value) => (**value).clone(),
            Type::Optional(value) => match self.field(value, name, range) {
                optional @ Type::Optional(_) => optional,
                field => Type::optional(field),
            },
            Type::Object(object) => object.field(name).unwrap_or_else(|| {
                let message = format!("{} has no field `{name}`", object.name());
                self.report(message, field_suggestion(object, name), range);
                Type::Dyn
            }),
            Type::Record(fields) => fields.get(name).cloned().unwrap_or_else(|| {
                let known: Vec<_> = fields.keys().map(String::as_str).collect();
                let message = format!("`{name}` does not exist; expected {}", list(&known, "or"));
                self.report(message, nearest(name, &known).map(str::to_owned), range);
                Type::Dyn
            }),
            Type::List(_) => {
                let message = format!(
                    "{operand} has no fields; use an element, such as `[0].{name}`, or all of them with \
                     `all`, `exists`, `filter` or `map`"
                );
                self.report(message, None, range);
                Type::Dyn
            }
            other => {
                self.report(format!("{other} has no field `{name}`"), None, range);
                Type::Dyn
            }
        }
    }

    fn infer_list(&mut self, list: &'a ListExpr) -> Type {
        let mut element = Type::Nothing;
        for (index, expression) in list.elements.iter().enumerate() {
            let inferred = match self.infer(expression) {
                Type::Optional(value) if list.optional_indices.contains(&index) => *value,
                inferred => inferred,
            };
            element = element.join(inferred);
        }
        Type::list(element)
    }

    fn infer_map(&mut self, map: &'a MapExpr) -> Type {
        let (mut keys, mut values) = (Type::Nothing, Type::Nothing);
        for entry in &map.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else { continue };
            let key = self.infer(&entry.key);
            if !key.is_open() && !matches!(key, Type::Bool | Type::Int | Type::Uint | Type::String)
            {
                let message = format!(
                    "expected a string, int, uint or bool as the key of a map, found {key}"
                );
                self.report(message, None, self.source.whole(&entry.key));
            }
            let value = match self.infer(&entry.value) {
                Type::Optional(value) if entry.optional => *value,
                value => value,
            };
            keys = keys.join(key);
            values = values.join(value);
        }
        Type::Map(Box::new(keys), Box::new(values))
    }

    fn infer_comprehension(&mut self, comprehension: &'a ComprehensionExpr) -> Type {
        let ComprehensionExpr {
            iter_range,
            iter_var,
            iter_var2,
            accu_var,
            accu_init,
            loop_cond,
            loop_step,
            result,
        } = comprehension;
        let range = self.infer(iter_range);
        let (first, second) = match range {
            Type::Dyn | Type::Nothing => (Type::Dyn, Type::Dyn),
            Type::List(element) if iter_var2.is_some() => (Type::Int, *element),
            Type::List(element) => (*element, Type::Dyn),
            Type::Map(key, value) => (*key, *value),
            Type::Object(_) | Type::Record(_) => (Type::String, Type::Dyn),
            other => {
                let message = format!("expected a list or a map, found {other}");
                self.report(message, None, self.source.whole(iter_range));
                (Type::Dyn, Type::Dyn)
            }
        };
        let accumulator = self.infer(accu_init);
        let outside = self.scopes.len();
        self.scopes.push((accu_var, accumulator.clone()));
        let with_result = self.scopes.len();
        self.scopes.push((iter_var, first));
        if let Some(name) = iter_var2 {
            self.scopes.push((name, second));
        }
        self.infer(loop_cond);
        let step = self.infer(loop_step);
        self.scopes.truncate(with_result);
        if let Some((_, known)) = self.scopes.last_mut() {
            *known = accumulator.join(step);
        }
        let result = self.infer(result);
        self.scopes.truncate(outside);
        result
    }
}

/// The names of a chain of fields such as `a.b.c`; `None` for all other expressions.
pub(super) fn segments(expression: &IdedExpr) -> Option<Vec<&str>> {
    match &expression.expr {
        Expr::Ident(name) => Some(vec![name]),
        Expr::Select(select) if !select.test => {
            let mut names = segments(&select.operand)?;
            names.push(&select.field);
            Some(names)
        }
        _ => None,
    }
}

/// The probable intention: a field with a similar name, or with the same name one level deeper.
fn field_suggestion(object: &ObjectType, name: &str) -> Option<String> {
    let within = ["metadata", "spec", "status"].into_iter().find(
        |part| matches!(object.field(part), Some(Type::Object(part)) if part.field(name).is_some()),
    );
    match within {
        Some(part) => Some(format!("{part}.{name}")),
        None => nearest(name, &object.fields()).map(str::to_owned),
    }
}

fn literal_type(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Double(_) => Type::Double,
        LiteralValue::Int(_) => Type::Int,
        LiteralValue::Null => Type::Null,
        LiteralValue::String(_) => Type::String,
        LiteralValue::UInt(_) => Type::Uint,
    }
}
