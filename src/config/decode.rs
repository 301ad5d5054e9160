//! Reading typed values out of a positioned tree, noting every problem on the way.

use std::collections::{BTreeMap, BTreeSet};

use super::violation::Violation;
use crate::yaml::{
    Data, Entry, Mapping, Node, Position, Problem, Style, describe, enclosing, join, list, nearest,
    whole_number,
};

/// The fields of one kind of mapping.
pub(super) struct Schema {
    /// What the mapping is, as `a node`.
    pub what: &'static str,
    /// Fields that kindrs reads.
    pub supported: &'static [&'static str],
    /// Fields of the format that kindrs does not have yet.
    pub unsupported: &'static [&'static str],
}

/// Collects problems, and the places of fields, while values are read.
#[derive(Default)]
pub(super) struct Decoder {
    problems: Vec<Problem>,
    positions: BTreeMap<String, Position>,
    failed: BTreeSet<String>,
}

/// A node with its path, as `nodes[0].image`.
#[derive(Clone)]
pub(super) struct Field<'a> {
    pub path: String,
    pub node: &'a Node,
}

/// A mapping whose field names have been checked.
pub(super) struct Fields<'a> {
    path: String,
    mapping: &'a Mapping,
}

impl<'a> Fields<'a> {
    /// A field's value; `None` when it is absent or null, which both mean its default.
    pub fn get(&self, decoder: &mut Decoder, name: &str) -> Option<Field<'a>> {
        let entry = self.mapping.entries.iter().find(|entry| entry.key == name)?;
        let field = decoder.visit(join(&self.path, name), &entry.value);
        (!entry.value.is_null()).then_some(field)
    }

    /// Where the field's name stands.
    pub fn name_position(&self, name: &str) -> Option<Position> {
        self.mapping.entries.iter().find(|entry| entry.key == name).map(|entry| entry.position)
    }

    pub fn path_of(&self, name: &str) -> String {
        join(&self.path, name)
    }
}

impl Decoder {
    /// All problems in the order of the text, the violations of fields that could be read among
    /// them.
    pub fn finish(mut self, violations: Vec<Violation>) -> Vec<Problem> {
        for violation in violations {
            let paths = [Some(&violation.path), violation.other.as_ref()];
            if paths.into_iter().flatten().any(|path| self.has_failed(path)) {
                continue;
            }
            let position = self.position_of(&violation.path);
            let Violation { path, message, suggestion, .. } = violation;
            self.problems.push(Problem::new(position, path, message).suggest(suggestion));
        }
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems
    }

    /// Notes a problem at a place.
    pub fn problem(
        &mut self,
        position: Position,
        path: impl Into<String>,
        message: impl Into<String>,
        suggestion: Option<&str>,
    ) {
        self.problems.push(Problem::new(position, path, message).suggest(suggestion));
    }

    /// Notes a problem with a field's value, which counts as not read: no rule applies to it.
    pub fn fail(
        &mut self,
        field: &Field<'_>,
        message: impl Into<String>,
        suggestion: Option<&str>,
    ) {
        self.failed.insert(field.path.clone());
        self.problem(field.node.position, &field.path, message, suggestion);
    }

    /// Notes that a field which must be there is not.
    pub fn missing(&mut self, position: Position, path: String) {
        self.failed.insert(path.clone());
        self.problem(position, path, "missing", None);
    }

    /// Whether the field at this path, or one around it, could not be read.
    pub fn has_failed(&self, path: &str) -> bool {
        let mut around = Some(path);
        while let Some(path) = around {
            if self.failed.contains(path) {
                return true;
            }
            around = enclosing(path);
        }
        false
    }

    /// The field as the document's root.
    pub fn root<'a>(&mut self, node: &'a Node) -> Field<'a> {
        self.visit(String::new(), node)
    }

    /// The mapping's fields. Unknown, unsupported and repeated ones are noted.
    pub fn fields<'a>(&mut self, field: &Field<'a>, schema: &Schema) -> Option<Fields<'a>> {
        let expected = format!("{} as a mapping of fields", schema.what);
        let mapping = self.mapping(field, &expected)?;
        for entry in &mapping.entries {
            if !schema.supported.contains(&entry.key.as_str()) {
                self.refuse_field(field, entry, schema);
            }
        }
        Some(Fields { path: field.path.clone(), mapping })
    }

    fn refuse_field(&mut self, parent: &Field<'_>, entry: &Entry, schema: &Schema) {
        let key = entry.key.as_str();
        let path = join(&parent.path, key);
        if schema.unsupported.contains(&key) {
            self.problem(entry.position, path, "not supported by kindrs yet", None);
            return;
        }
        let known = [schema.supported, schema.unsupported].concat();
        let near = nearest(key, &known);
        let message = match near {
            Some(_) => format!("unknown field `{}`", key.escape_debug()),
            None => format!(
                "unknown field `{}`; {} has {}",
                key.escape_debug(),
                schema.what,
                list(schema.supported, "and")
            ),
        };
        self.problem(entry.position, path, message, near);
    }

    /// Keys of the user's choice with their values; keys given twice are noted.
    pub fn entries<'a>(&mut self, field: &Field<'a>, expected: &str) -> Vec<(String, Field<'a>)> {
        let Some(mapping) = self.mapping(field, expected) else { return Vec::new() };
        let entry = |entry: &'a Entry| {
            (entry.key.clone(), self.visit(join(&field.path, &entry.key), &entry.value))
        };
        mapping.entries.iter().map(entry).collect()
    }

    fn mapping<'a>(&mut self, field: &Field<'a>, expected: &str) -> Option<&'a Mapping> {
        let Data::Mapping(mapping) = &field.node.data else {
            self.unexpected(field, expected);
            return None;
        };
        for repeated in &mapping.repeated {
            let message = format!("given twice; the first is in line {}", repeated.first.line);
            self.problem(repeated.position, join(&field.path, &repeated.key), message, None);
        }
        Some(mapping)
    }

    /// The items of a list.
    pub fn items<'a>(&mut self, field: &Field<'a>) -> Vec<Field<'a>> {
        let Data::Sequence(items) = &field.node.data else {
            self.unexpected(field, "a list");
            return Vec::new();
        };
        let item = |(index, node)| self.visit(format!("{}[{index}]", field.path), node);
        items.iter().enumerate().map(item).collect()
    }

    /// A string. Numbers and booleans are taken as they are written, as kind does.
    pub fn text(&mut self, field: &Field<'_>) -> Option<String> {
        match &field.node.data {
            Data::Scalar { text, .. } if !field.node.is_null() => Some(text.clone()),
            _ => {
                self.unexpected(field, "a string");
                None
            }
        }
    }

    /// A string; `None` for an empty one, which means the default, as in kind.
    pub fn filled_text(&mut self, field: &Field<'_>) -> Option<String> {
        self.text(field).filter(|text| !text.is_empty())
    }

    /// A boolean. YAML 1.1's words (`yes`, `off`) count, as in kind.
    pub fn boolean(&mut self, field: &Field<'_>) -> Option<bool> {
        if let Data::Scalar { text, style: Style::Plain } = &field.node.data {
            match text.to_lowercase().as_str() {
                "true" | "yes" | "on" | "y" => return Some(true),
                "false" | "no" | "off" | "n" => return Some(false),
                _ => {}
            }
        }
        self.unexpected(field, "`true` or `false`");
        None
    }

    /// A whole number in a range.
    pub fn integer(&mut self, field: &Field<'_>, least: i64, most: i64) -> Option<i64> {
        let number = match &field.node.data {
            Data::Scalar { text, style: Style::Plain } => whole_number(text),
            _ => None,
        };
        match number {
            Some(number) if (least..=most).contains(&number) => Some(number),
            Some(number) => {
                self.fail(
                    field,
                    format!("expected a number from {least} to {most}, found {number}"),
                    None,
                );
                None
            }
            None => {
                self.unexpected(field, "a whole number");
                None
            }
        }
    }

    /// One of a few words, as the value it stands for.
    pub fn choice<T: Copy>(&mut self, field: &Field<'_>, choices: &[(&str, T)]) -> Option<T> {
        let text = self.filled_text(field)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let message = format!("expected {}, found `{}`", list(&words, "or"), text.escape_debug());
        self.fail(field, message, nearest(&text, &words));
        None
    }

    /// A string that parses as a value; the error says what was expected.
    pub fn parsed<T>(
        &mut self,
        field: &Field<'_>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.filled_text(field)?;
        parse(&text).map_err(|message| self.fail(field, message, None)).ok()
    }

    /// Notes that a value has the wrong type.
    pub fn unexpected(&mut self, field: &Field<'_>, expected: &str) {
        self.fail(field, format!("expected {expected}, found {}", describe(field.node)), None);
    }

    fn visit<'a>(&mut self, path: String, node: &'a Node) -> Field<'a> {
        self.positions.insert(path.clone(), node.position);
        Field { path, node }
    }

    /// The place of a field, or of the nearest field around it that the document has.
    fn position_of(&self, path: &str) -> Position {
        let mut around = Some(path);
        while let Some(path) = around {
            if let Some(position) = self.positions.get(path) {
                return *position;
            }
            around = enclosing(path);
        }
        self.positions.get("").copied().unwrap_or(Position::START)
    }
}
