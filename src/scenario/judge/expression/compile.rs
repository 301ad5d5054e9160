use std::collections::BTreeSet;
use std::ops::Range;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::common::types::CelBool;
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Value as CelValue};
use serde_json::Value;

use super::environment::environment;
use super::value::{objects_val, to_json, to_val};

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    text: String,
    root: IdedExpr,
    program: cel::Program,
    variables: BTreeSet<String>,
}

/// A syntax error in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub message: String,
    /// The position, in characters of the text.
    pub offset: Option<Range<usize>>,
}

impl Expression {
    /// # Errors
    /// All syntax errors.
    pub fn compile(text: &str) -> Result<Self, Vec<Mistake>> {
        let program = environment().compile(text).map_err(|errors| {
            errors
                .errors
                .iter()
                .map(|error| Mistake {
                    message: readable(&error.msg),
                    offset: character(text, error.pos).map(|at| at..at + 1),
                })
                .collect::<Vec<_>>()
        })?;
        let mut root = program.expression().clone();
        literals_right(&mut root);
        let mut variables = BTreeSet::new();
        collect_variables(&root, &mut Vec::new(), &mut variables);
        Ok(Self { text: text.to_owned(), root, program, variables })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The syntax tree, with macros expanded.
    pub fn root(&self) -> &IdedExpr {
        &self.root
    }

    /// The names that the expression does not bind itself.
    pub fn variables(&self) -> &BTreeSet<String> {
        &self.variables
    }

    /// The first position of a variable, in characters of the text.
    pub fn offset_of(&self, variable: &str) -> Option<Range<usize>> {
        let id = find_identifier(&self.root, variable)?;
        let (start, _) = self.program.source_info().offset_for(id)?;
        let start = usize::try_from(start).ok()?;
        Some(start..start + variable.chars().count())
    }
}

/// The parser's message without the names of its grammar.
fn readable(message: &str) -> String {
    let message = message.trim_start_matches("Syntax error: ");
    let quoted = |before: &str| {
        let found = message.strip_prefix(before)?;
        let found = found.split(" expecting ").next().unwrap_or(found);
        Some(found.trim_matches('\'').trim().to_owned())
    };
    let unexpected = quoted("mismatched input ")
        .or_else(|| quoted("extraneous input "))
        .or_else(|| quoted("no viable alternative at input "));
    match (unexpected, quoted("token recognition error at: ")) {
        (Some(found), _) if found == "<EOF>" => "unexpected end of the expression".to_owned(),
        (Some(found), _) => format!("unexpected `{found}`"),
        (_, Some(found)) if found == "=" => "unexpected `=`; use `==` to compare".to_owned(),
        (_, Some(found)) => format!("unexpected `{found}`"),
        _ => message.to_owned(),
    }
}

/// The character at a line and column, both from 1.
fn character(text: &str, (line, column): (isize, isize)) -> Option<usize> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.saturating_sub(1);
    let before: usize =
        text.split_inclusive('\n').take(line).map(|line| line.chars().count()).sum();
    let length = text.chars().count();
    Some((before + column).min(length.saturating_sub(1)))
}

/// Moves literal lists and mappings to the right of `==` and `!=`: the equality of a literal does not know
/// borrowed objects, but theirs knows literals.
fn literals_right(expression: &mut IdedExpr) {
    if let Expr::Call(call) = &mut expression.expr
        && matches!(call.func_name.as_str(), operators::EQUALS | operators::NOT_EQUALS)
        && let [left, right] = call.args.as_mut_slice()
        && matches!(left.expr, Expr::List(_) | Expr::Map(_))
        && !matches!(right.expr, Expr::List(_) | Expr::Map(_))
    {
        std::mem::swap(left, right);
    }
    for_each_child_mut(expression, &mut literals_right);
}

fn for_each_child_mut(expression: &mut IdedExpr, visit: &mut dyn FnMut(&mut IdedExpr)) {
    match &mut expression.expr {
        Expr::Call(call) => {
            call.target.iter_mut().for_each(|target| visit(target));
            call.args.iter_mut().for_each(visit);
        }
        Expr::Select(select) => visit(&mut select.operand),
        Expr::List(list) => list.elements.iter_mut().for_each(visit),
        Expr::Map(map) => map.entries.iter_mut().for_each(|entry| match &mut entry.expr {
            EntryExpr::MapEntry(entry) => {
                visit(&mut entry.key);
                visit(&mut entry.value);
            }
            EntryExpr::StructField(field) => visit(&mut field.value),
        }),
        Expr::Struct(message) => message.entries.iter_mut().for_each(|entry| {
            if let EntryExpr::StructField(field) = &mut entry.expr {
                visit(&mut field.value);
            }
        }),
        Expr::Comprehension(loops) => {
            visit(&mut loops.iter_range);
            visit(&mut loops.accu_init);
            visit(&mut loops.loop_cond);
            visit(&mut loops.loop_step);
            visit(&mut loops.result);
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
}

/// The parts of an expression, and the names that each part binds.
pub(super) fn children(expression: &IdedExpr) -> Vec<(&IdedExpr, Vec<&str>)> {
    match &expression.expr {
        Expr::Call(call) => {
            call.target.as_deref().into_iter().chain(&call.args).map(|e| (e, Vec::new())).collect()
        }
        Expr::Select(select) => vec![(&*select.operand, Vec::new())],
        Expr::List(list) => list.elements.iter().map(|e| (e, Vec::new())).collect(),
        Expr::Map(map) => entries(&map.entries),
        Expr::Struct(message) => entries(&message.entries),
        Expr::Comprehension(loops) => {
            let mut inner = vec![loops.iter_var.as_str(), loops.accu_var.as_str()];
            inner.extend(loops.iter_var2.as_deref());
            vec![
                (&loops.iter_range, Vec::new()),
                (&loops.accu_init, Vec::new()),
                (&loops.loop_cond, inner.clone()),
                (&loops.loop_step, inner.clone()),
                (&loops.result, inner),
            ]
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}

fn entries(entries: &[cel::common::ast::IdedEntryExpr]) -> Vec<(&IdedExpr, Vec<&str>)> {
    let parts = entries.iter().flat_map(|entry| match &entry.expr {
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        EntryExpr::StructField(field) => vec![&field.value],
    });
    parts.map(|part| (part, Vec::new())).collect()
}

/// The names of CEL's types, and the prefixes of functions with a dot in their names.
const NAMES_OF_CEL: [&str; 17] = [
    "bool",
    "bytes",
    "double",
    "duration",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "timestamp",
    "type",
    "uint",
    "optional_type",
    "math",
    "lists",
    "optional",
    "google",
];

fn collect_variables<'e>(
    expression: &'e IdedExpr,
    bound: &mut Vec<&'e str>,
    found: &mut BTreeSet<String>,
) {
    if let Expr::Ident(name) = &expression.expr {
        let name = name.strip_prefix('.').unwrap_or(name);
        if !bound.contains(&name) && !NAMES_OF_CEL.contains(&name) {
            found.insert(name.to_owned());
        }
    }
    for (child, names) in children(expression) {
        let before = bound.len();
        bound.extend(names);
        collect_variables(child, bound, found);
        bound.truncate(before);
    }
}

/// The variables in a part of an expression, including those that an outer part binds.
pub fn variables_of(expression: &IdedExpr) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect_variables(expression, &mut Vec::new(), &mut found);
    found
}

fn find_identifier(expression: &IdedExpr, variable: &str) -> Option<u64> {
    if matches!(&expression.expr, Expr::Ident(name) if name == variable) {
        return Some(expression.id);
    }
    children(expression).into_iter().find_map(|(child, _)| find_identifier(child, variable))
}

/// The values of variables.
#[derive(Debug, Default)]
pub struct Scope<'v> {
    bindings: Vec<(&'v str, Box<dyn Val + 'v>)>,
}

impl<'v> Scope<'v> {
    /// Adds a JSON value.
    #[must_use]
    pub fn with(mut self, name: &'v str, value: &'v Value) -> Self {
        self.bindings.push((name, to_val(value)));
        self
    }

    /// Adds a list of objects.
    #[must_use]
    pub fn with_objects(mut self, name: &'v str, objects: Vec<&'v Value>) -> Self {
        self.bindings.push((name, objects_val(objects)));
        self
    }
}

impl VariableResolver for Scope<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let found = self.bindings.iter().find(|(name, _)| *name == variable);
        found.map(|(_, value)| CowVal::Borrowed(&**value))
    }
}

/// Evaluates a boolean expression.
///
/// # Errors
/// A text for the user: why the expression has no value, or that the value is not a bool.
pub fn evaluate(expression: &IdedExpr, scope: &Scope<'_>) -> Result<bool, String> {
    with_value(expression, scope, |value| match value.downcast_ref::<CelBool>() {
        Some(truth) => Ok(*truth.inner()),
        None => Err(format!("expected bool, found {}", value.get_type().name())),
    })
}

/// Evaluates an expression to JSON.
///
/// # Errors
/// A text for the user: why the expression has no value.
pub fn evaluate_json(expression: &IdedExpr, scope: &Scope<'_>) -> Result<Value, String> {
    with_value(expression, scope, |value| Ok(to_json(value)))
}

fn with_value<T>(
    expression: &IdedExpr,
    scope: &Scope<'_>,
    read: impl FnOnce(&dyn Val) -> Result<T, String>,
) -> Result<T, String> {
    if let Expr::Literal(LiteralValue::Boolean(truth)) = &expression.expr {
        return read(truth);
    }
    let mut context = Context::with_env(environment());
    context.set_variable_resolver(scope);
    match CelValue::resolve_val(expression, &context) {
        Ok(value) => read(&*value),
        Err(error) => Err(describe(&error)),
    }
}

fn describe(error: &cel::ExecutionError) -> String {
    match error {
        cel::ExecutionError::NoSuchKey(key) => format!("no such key `{key}`"),
        cel::ExecutionError::UndeclaredReference(name) => format!("unknown variable `{name}`"),
        cel::ExecutionError::IndexOutOfBounds(_) => "index out of range".to_owned(),
        other => other.to_string(),
    }
}
