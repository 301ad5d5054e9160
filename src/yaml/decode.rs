//! The strict decoder. Walks a tree with positions together with the JSON Schema of the target type.
//!
//! The decoder reports all problems of a tree at once. It removes unreadable values from the tree, so
//! that the rest can still be decoded and checked.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fields::{Fields, Undecided};
use super::schema::{Kind, Schema};
use super::{
    Data, Entry, Mapping, Node, Position, Problem, Style, describe, enclosing, join, list, nearest,
    one_of,
};

/// Our own keyword for a field (`true`) or values (a list) that kindrs does not support yet.
const UNSUPPORTED: &str = "x-unsupported";
/// The longest list of words in a message that has a suggestion.
const MOST_WORDS: usize = 8;

/// Checks a text against a named format. The error is a message for the user.
pub(crate) type Check = fn(&str) -> Result<(), String>;

/// Decodes trees of one type.
pub(crate) struct Decoder {
    schema: Value,
    formats: Vec<(&'static str, Check)>,
    lenient: bool,
}

/// The result of decoding a tree.
pub(crate) struct Decoded<T> {
    /// The value without its unreadable parts; `None` if the rest does not have the type.
    pub value: Option<T>,
    pub checked: Checked,
}

/// The result of checking a tree.
#[derive(Default)]
pub(crate) struct Checked {
    /// In the order of the text.
    pub problems: Vec<Problem>,
    /// The paths of values that were removed or are missing.
    pub unreadable: Vec<String>,
    /// Whether the tree without these values has the type.
    pub readable: bool,
}

impl Checked {
    /// Whether the value at a path, or an enclosing value, was removed or is missing.
    pub fn is_unreadable(&self, path: &str) -> bool {
        std::iter::successors(Some(path), |path| enclosing(path))
            .any(|path| self.unreadable.iter().any(|unreadable| unreadable == path))
    }
}

impl Decoder {
    pub fn of<T: JsonSchema>() -> Self {
        let generator = SchemaSettings::draft2020_12().into_generator();
        let schema = generator.into_root_schema_for::<T>().into();
        Self { schema, formats: Vec::new(), lenient: false }
    }

    /// Registers a check for texts of a `format`. Other formats accept any text.
    #[must_use]
    pub fn with_format(mut self, name: &'static str, check: Check) -> Self {
        self.formats.push((name, check));
        self
    }

    /// Decodes as leniently as kind: null and empty optional fields are absent, numbers and booleans
    /// can be strings, and YAML 1.1 booleans such as `yes` are booleans.
    #[must_use]
    pub fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// Reports every problem and removes unreadable values. In a list, the minimal value of the
    /// element type replaces an unreadable element, so that the others keep their paths. With
    /// `with_variables`, a text with a variable (`${…}`) is accepted everywhere.
    pub fn check(&self, root: &mut Node, with_variables: bool) -> Checked {
        let mut walk = Walk { decoder: self, with_variables, checked: Checked::default() };
        for (position, path, first) in root.repeated_keys() {
            let message = format!("duplicate key; the first is on line {first}");
            walk.checked.problems.push(Problem::new(position, path, message));
        }
        let readable = walk.value(root, &Schema::new(&self.schema, &self.schema), "");
        let Checked { mut problems, unreadable, .. } = walk.checked;
        problems.sort_by_key(|problem| (problem.line, problem.column));
        Checked { problems, unreadable, readable }
    }

    /// Checks a tree and deserializes its readable parts.
    pub fn decode<T: DeserializeOwned>(&self, root: &mut Node) -> Decoded<T> {
        let mut checked = self.check(root, false);
        let read = checked.readable.then(|| serde_json::from_value(root.to_json()));
        let value = match read {
            Some(Ok(value)) => Some(value),
            Some(Err(error)) if checked.problems.is_empty() => {
                checked.problems.push(Problem::new(root.position, "", error.to_string()));
                None
            }
            Some(Err(_)) | None => None,
        };
        Decoded { value, checked }
    }

    fn format(&self, schema: &Schema<'_>) -> Option<Check> {
        let name = schema.keyword("format")?.as_str()?;
        self.formats.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
    }
}

/// A check of one tree. Its methods return whether the value is readable.
struct Walk<'d> {
    decoder: &'d Decoder,
    with_variables: bool,
    checked: Checked,
}

impl<'d> Walk<'d> {
    fn problem(&mut self, problem: Problem) {
        self.checked.problems.push(problem);
    }

    fn value(&mut self, node: &mut Node, schema: &Schema<'d>, path: &str) -> bool {
        if self.is_open(node) {
            return true;
        }
        let mut alternatives = schema.alternatives();
        if self.decoder.lenient {
            soften(node, &alternatives);
        }
        let kind = Kind::of(node);
        let all = alternatives.clone();
        alternatives.retain(|schema| schema.accepts(kind));
        let readable = if alternatives.is_empty() {
            self.mistyped(node, &all, path);
            false
        } else {
            match &mut node.data {
                Data::Mapping(_) => self.mapping(node, alternatives, path),
                Data::Sequence(items) => {
                    let readable = self.items(items, &alternatives[0].of_keyword("items"), path);
                    readable && self.is_long_enough(node, &alternatives[0], path)
                }
                Data::Scalar { .. } => self.scalar(node, &alternatives, path),
            }
        };
        if !readable {
            self.checked.unreadable.push(path.to_owned());
        }
        readable
    }

    /// Whether a value depends on variables that are not substituted yet.
    fn is_open(&self, node: &Node) -> bool {
        self.with_variables && node.text().is_some_and(|text| text.contains("${"))
    }

    fn items(&mut self, items: &mut [Node], schema: &Schema<'d>, path: &str) -> bool {
        let mut readable = true;
        for (index, item) in items.iter_mut().enumerate() {
            if !self.value(item, schema, &format!("{path}[{index}]")) {
                match schema.least() {
                    Some(least) => item.stand_in(&least, &schema.own_field_names()),
                    None => readable = false,
                }
            }
        }
        readable
    }

    fn is_long_enough(&mut self, node: &Node, schema: &Schema<'d>, path: &str) -> bool {
        let Data::Sequence(items) = &node.data else { return true };
        let least = schema.keyword("minItems").and_then(Value::as_u64).unwrap_or_default();
        if items.len() as u64 >= least {
            return true;
        }
        let plural = if least == 1 { "" } else { "s" };
        let message = format!("expected at least {least} item{plural}, found {}", items.len());
        self.problem(Problem::new(node.position, path, message));
        false
    }

    fn mapping(&mut self, node: &mut Node, alternatives: Vec<Schema<'d>>, path: &str) -> bool {
        let position = node.position;
        let Data::Mapping(mapping) = &mut node.data else { return true };
        let fields = Fields::of(alternatives, mapping, &|node| self.is_open(node));
        let Some(fields) = fields else { return true };
        let unknown = self.unknown_fields(&fields, mapping, path);
        for undecided in &fields.undecided {
            let is_explained = matches!(undecided, Undecided::NoneOf(_)) && !unknown.is_empty();
            if !is_explained {
                self.undecided(undecided, mapping, position, path);
            }
        }
        for name in &fields.required {
            let place = match mapping.entry(name) {
                None => position,
                Some(entry) if self.is_blank(entry, &fields) => entry.position,
                Some(_) => continue,
            };
            if !unknown.contains(&Some(*name)) {
                let message = format!("missing required field `{name}`");
                self.problem(Problem::new(place, path, message));
            }
            self.checked.unreadable.push(join(path, name));
        }
        mapping.entries.retain_mut(|entry| self.field(entry, &fields, path));
        let has = |name: &&str| mapping.entry(name).is_some();
        fields.undecided.is_empty() && fields.required.iter().all(has)
    }

    /// Checks a field's value. The caller removes the field on `false`.
    fn field(&mut self, entry: &mut Entry, fields: &Fields<'d>, path: &str) -> bool {
        let at = join(path, &entry.key);
        let known = fields.get(&entry.key);
        let Some(schema) = known.or(fields.others.as_ref()) else {
            self.checked.unreadable.push(at);
            return false;
        };
        if schema.keyword(UNSUPPORTED).is_some_and(|all| *all == Value::Bool(true)) {
            self.problem(Problem::new(entry.position, at, "not supported by kindrs yet"));
            return false;
        }
        if self.is_blank(entry, fields) {
            return false;
        }
        if self.decoder.lenient && entry.value.is_null() && schema.accepts(Kind::String) {
            entry.value.data = Data::Scalar { text: String::new(), style: Style::Tagged };
        }
        self.value(&mut entry.value, schema, &at)
    }

    /// Whether a field counts as absent.
    fn is_blank(&self, entry: &Entry, fields: &Fields<'_>) -> bool {
        let is_required = fields.required.contains(&entry.key.as_str());
        let is_empty = entry.value.text().is_some_and(str::is_empty) && !is_required;
        self.decoder.lenient
            && fields.get(&entry.key).is_some()
            && (entry.value.is_null() || is_empty)
    }

    /// Reports the unknown fields and returns the suggested name of each.
    fn unknown_fields<'s>(
        &mut self,
        fields: &Fields<'s>,
        mapping: &Mapping,
        path: &str,
    ) -> Vec<Option<&'s str>> {
        let is_unknown =
            |entry: &&Entry| fields.others.is_none() && fields.get(&entry.key).is_none();
        let names: Vec<&str> = fields.known.iter().map(|(name, _)| *name).collect();
        let mut intended = Vec::new();
        for entry in mapping.entries.iter().filter(is_unknown) {
            let key = entry.key.as_str();
            let shown = key.escape_debug();
            let at = join(path, key);
            if let Some((_, other)) = fields.excluded.iter().find(|(field, _)| *field == key) {
                let message = format!("`{shown}` cannot be used with `{other}`");
                self.problem(Problem::new(entry.position, at, message));
                intended.push(None);
                continue;
            }
            let owners = fields.known.iter().filter(|(_, schema)| schema.has_field(key));
            let owners: Vec<&str> = owners.map(|(name, _)| *name).collect();
            let present = owners.iter().find(|owner| mapping.entry(owner).is_some());
            let owner = present.or(if owners.len() == 1 { owners.first() } else { None });
            let near = if owner.is_some() { None } else { nearest(key, &names) };
            let message = match (owner, near) {
                (Some(owner), _) => format!("unknown field `{shown}`; it belongs in `{owner}`"),
                (None, Some(_)) => format!("unknown field `{shown}`"),
                (None, None) => {
                    let supported = |schema: &Schema<'_>| {
                        schema.keyword(UNSUPPORTED).is_none_or(Value::is_array)
                    };
                    let supported = fields.known.iter().filter(|(_, schema)| supported(schema));
                    let names: Vec<&str> = supported.map(|(name, _)| *name).collect();
                    format!("unknown field `{shown}`; expected {}", one_of(&names))
                }
            };
            self.problem(Problem::new(entry.position, at, message).suggest(near));
            intended.push(near);
        }
        intended
    }

    fn undecided(
        &mut self,
        undecided: &Undecided<'_>,
        mapping: &Mapping,
        position: Position,
        path: &str,
    ) {
        match undecided {
            Undecided::NoneOf(keys) => {
                let message = format!("expected {}", one_of(keys));
                self.problem(Problem::new(position, path, message));
            }
            Undecided::Several(keys) => {
                let second = keys.get(1).and_then(|key| mapping.entry(key));
                let place = second.map_or(position, |entry| entry.position);
                let message = format!("has {}; keep one of them", list(keys, "and"));
                self.problem(Problem::new(place, path, message));
            }
            Undecided::Tag(tag, words) => {
                let Some(entry) = mapping.entry(tag) else { return };
                self.refuse_word(&entry.value, words, &join(path, tag));
            }
        }
    }

    fn scalar(&mut self, node: &Node, alternatives: &[Schema<'d>], path: &str) -> bool {
        let value = node.to_json();
        let mut words = Vec::new();
        let mut refusal = None;
        for schema in alternatives {
            let listed = schema.keyword(UNSUPPORTED).and_then(Value::as_array);
            if listed.is_some_and(|listed| listed.contains(&value)) {
                let shown = node.text().unwrap_or_default();
                let mut message = format!("`{shown}` is not supported by kindrs yet");
                if !schema.words().is_empty() {
                    message.push_str(&format!("; use {}", one_of(&schema.words())));
                }
                self.problem(Problem::new(node.position, path, message));
                return false;
            }
            let own = schema.words();
            match self.refusal(schema, &value) {
                Some(message) => refusal = refusal.or(Some(message)),
                None if own.is_empty() || own.iter().any(|word| value == *word) => return true,
                None => words.extend(own),
            }
        }
        match refusal {
            Some(message) => self.problem(Problem::new(node.position, path, message)),
            None => self.refuse_word(node, &words, path),
        }
        false
    }

    /// Explains why a schema rejects a text or number of its type. Words are checked elsewhere.
    fn refusal(&self, schema: &Schema<'_>, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => {
                let least = schema.keyword("minLength").and_then(Value::as_u64).unwrap_or_default();
                if (text.chars().count() as u64) < least {
                    return Some(format!("expected {}, found an empty string", names(&[schema])));
                }
                if let Some(why) = self.decoder.format(schema).and_then(|check| check(text).err()) {
                    return Some(why);
                }
                // A whole number in quotes has the bounds of the number.
                let number = text.parse::<u64>().ok().filter(|_| schema.accepts(Kind::Integer))?;
                self.refusal(schema, &number.into())
            }
            Value::Number(number) => {
                let (least, most) = schema.bounds();
                let found = number.as_f64()?;
                let is_low = least.is_some_and(|least| found < least as f64);
                let is_high = most.is_some_and(|most| found > most as f64);
                let expected = match (least, most) {
                    (Some(least), Some(most)) => format!("a number from {least} to {most}"),
                    (Some(least), None) => format!("{least} or more"),
                    (None, Some(most)) => format!("{most} or less"),
                    // A number that can be a text too has the text's format.
                    (None, None) => {
                        let check = self.decoder.format(schema)?;
                        return check(&number.to_string()).err();
                    }
                };
                (is_low || is_high).then(|| format!("expected {expected}, found {number}"))
            }
            _ => None,
        }
    }

    fn refuse_word(&mut self, node: &Node, words: &[&str], path: &str) {
        let (found, near) = match node.text() {
            Some(text) if !node.is_null() => {
                (format!("`{}`", text.escape_debug()), nearest(text, words))
            }
            _ => (describe(node).to_owned(), None),
        };
        let message = match near {
            Some(_) if words.len() > MOST_WORDS => format!("unknown value {found}"),
            _ => format!("expected {}, found {found}", one_of(words)),
        };
        self.problem(Problem::new(node.position, path, message).suggest(near));
    }

    fn mistyped(&mut self, node: &Node, alternatives: &[Schema<'d>], path: &str) {
        let text = node.text().filter(|_| !node.is_null());
        let format = alternatives.iter().find_map(|schema| self.decoder.format(schema));
        if let Some(why) = format.zip(text).and_then(|(check, text)| check(text).err()) {
            self.problem(Problem::new(node.position, path, why));
            return;
        }
        let expected = names(&alternatives.iter().collect::<Vec<_>>());
        let message = format!("expected {expected}, found {}", describe(node));
        let accepts_text = alternatives.iter().any(|schema| schema.accepts(Kind::String));
        let problem = match text.filter(|_| accepts_text) {
            Some(text) => Problem::new(node.position, path, format!("{message}; put it in quotes"))
                .suggest(Some(format!("\"{text}\""))),
            None => Problem::new(node.position, path, message),
        };
        self.problem(problem);
    }
}

impl Node {
    /// Replaces the node by `least`, but keeps its own `fields`, such as the name of a step without an
    /// action, because others can refer to them.
    fn stand_in(&mut self, least: &Value, fields: &[&str]) {
        let own = std::mem::replace(self, Self::from_json(least, self.position));
        let (Data::Mapping(new), Data::Mapping(own)) = (&mut self.data, own.data) else { return };
        let is_kept = |entry: &Entry| fields.contains(&entry.key.as_str());
        let kept: Vec<Entry> = own.entries.into_iter().filter(is_kept).collect();
        new.entries.retain(|entry| kept.iter().all(|own| own.key != entry.key));
        new.entries.extend(kept);
    }
}

/// Converts a number or boolean to a string, and a YAML 1.1 boolean to a boolean, where the schema
/// expects these.
fn soften(node: &mut Node, alternatives: &[Schema<'_>]) {
    let kind = Kind::of(node);
    let accepts = |kind| alternatives.iter().any(|schema| schema.accepts(kind));
    let Data::Scalar { text, style } = &mut node.data else { return };
    for schema in alternatives.iter().filter(|schema| schema.keyword("x-ignore-case").is_some()) {
        if let Some(word) = schema.words().iter().find(|word| word.eq_ignore_ascii_case(text)) {
            *text = (*word).to_owned();
        }
    }
    if *style != Style::Plain || kind == Kind::Null || accepts(kind) {
        return;
    }
    if accepts(Kind::String) {
        *style = Style::Tagged;
    } else if accepts(Kind::Boolean) {
        match text.to_lowercase().as_str() {
            "yes" | "on" | "y" => *text = "true".to_owned(),
            "no" | "off" | "n" => *text = "false".to_owned(),
            _ => {}
        }
    }
}

/// Names the values that schemas accept, such as `a string or a mapping`.
fn names(alternatives: &[&Schema<'_>]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut add = |name| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    for schema in alternatives {
        if let Some(name) = schema.keyword("x-expected").and_then(Value::as_str) {
            add(name);
            continue;
        }
        for name in schema.types() {
            match name {
                "array" => add("a list"),
                "boolean" => add("`true` or `false`"),
                "integer" => add("a whole number"),
                "number" => add("a number"),
                "object" => add("a mapping"),
                "string" => add("a string"),
                _ => {}
            }
        }
    }
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}
