//! A JSON Schema as the decoder reads it: which values it accepts, and which fields a mapping has.
//!
//! Covers what schemars generates for our types. Three keywords are our own: `x-expected` names a value in
//! messages, `x-unsupported` marks a field (`true`) or values (a list) that kindrs does not support yet, and
//! `x-ignore-case` lets a lenient decoder read words in any case.

use serde_json::{Map, Value};

use super::{Data, Node};

/// Maximum nesting depth of a minimal value.
const DEEPEST: usize = 16;

/// A schema together with the schemas that it refers to by `$ref` and `allOf`.
#[derive(Clone)]
pub(super) struct Schema<'s> {
    pub root: &'s Value,
    /// Empty for a schema that accepts anything.
    pub parts: Vec<&'s Map<String, Value>>,
}

/// The JSON type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    pub fn of(node: &Node) -> Self {
        match &node.data {
            Data::Mapping(_) => Self::Object,
            Data::Sequence(_) => Self::Array,
            Data::Scalar { .. } => Self::of_json(&node.to_json()),
        }
    }

    fn of_json(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Integer,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// Whether a schema's `type` includes values of this type.
    fn is_named(self, name: &str) -> bool {
        match self {
            Self::Null => name == "null",
            Self::Boolean => name == "boolean",
            Self::Integer => name == "integer" || name == "number",
            Self::Number => name == "number",
            Self::String => name == "string",
            Self::Array => name == "array",
            Self::Object => name == "object",
        }
    }
}

impl<'s> Schema<'s> {
    pub fn new(root: &'s Value, schema: &'s Value) -> Self {
        let mut parts = Vec::new();
        collect(root, schema, &mut parts);
        Self { root, parts }
    }

    /// The schema that accepts anything.
    pub fn any(&self) -> Self {
        Self { root: self.root, parts: Vec::new() }
    }

    pub fn keyword(&self, name: &str) -> Option<&'s Value> {
        self.parts.iter().find_map(|part| part.get(name))
    }

    /// Returns the schema of a keyword such as `items`, or the schema that accepts anything.
    pub fn of_keyword(&self, name: &str) -> Self {
        self.keyword(name).map_or_else(|| self.any(), |schema| Self::new(self.root, schema))
    }

    /// Returns the branches of each `oneOf` and `anyOf`.
    pub fn unions(&self) -> impl Iterator<Item = Vec<Self>> {
        let groups = self.parts.iter().flat_map(|part| [part.get("oneOf"), part.get("anyOf")]);
        let branches = |group: &'s Vec<Value>| {
            let branches = group.iter().map(|branch| Self::new(self.root, branch));
            branches.flat_map(|branch| branch.alternatives()).collect()
        };
        groups.flatten().filter_map(Value::as_array).map(branches)
    }

    /// Returns the branches of a schema that is only a union, or the schema itself.
    pub fn alternatives(&self) -> Vec<Self> {
        const OWN: [&str; 7] =
            ["type", "properties", "required", "items", "const", "enum", "additionalProperties"];
        if OWN.iter().any(|keyword| self.keyword(keyword).is_some()) {
            return vec![self.clone()];
        }
        let mut unions = self.unions();
        match (unions.next(), unions.next()) {
            (Some(branches), None) => branches,
            _ => vec![self.clone()],
        }
    }

    /// Returns the names in `type`, or the type that other keywords imply.
    pub fn types(&self) -> Vec<&'s str> {
        match self.keyword("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ if !self.words().is_empty() => vec!["string"],
            _ if self.keyword("properties").is_some() => vec!["object"],
            _ if self.keyword("items").is_some() => vec!["array"],
            _ => Vec::new(),
        }
    }

    pub fn accepts(&self, kind: Kind) -> bool {
        let types = self.types();
        types.is_empty() || types.iter().any(|name| kind.is_named(name))
    }

    /// Returns the strings in `const` and `enum`.
    pub fn words(&self) -> Vec<&'s str> {
        let listed = self.keyword("enum").and_then(Value::as_array);
        let values = self.keyword("const").into_iter().chain(listed.into_iter().flatten());
        values.filter_map(Value::as_str).collect()
    }

    /// Returns the minimum and the maximum, including those of Rust's integer types.
    pub fn bounds(&self) -> (Option<i64>, Option<i64>) {
        let integer = match self.keyword("format").and_then(Value::as_str) {
            Some("uint8") => (Some(0), Some(u8::MAX.into())),
            Some("uint16") => (Some(0), Some(u16::MAX.into())),
            Some("uint32") => (Some(0), Some(u32::MAX.into())),
            Some("uint" | "uint64") => (Some(0), None),
            Some("int32") => (Some(i32::MIN.into()), Some(i32::MAX.into())),
            _ => (None, None),
        };
        let bound = |name| self.keyword(name).and_then(Value::as_i64);
        (bound("minimum").or(integer.0), bound("maximum").or(integer.1))
    }

    pub fn required(&self) -> impl Iterator<Item = &'s str> {
        let lists = self.parts.iter().filter_map(|part| part.get("required")?.as_array());
        lists.flatten().filter_map(Value::as_str)
    }

    /// Returns the names of its own fields, without those of unions.
    pub fn own_field_names(&self) -> Vec<&'s str> {
        let own = self.parts.iter().filter_map(|part| part.get("properties")?.as_object());
        own.flat_map(Map::keys).map(String::as_str).collect()
    }

    /// Returns the names of its own fields and of those of all branches.
    pub fn field_names(&self) -> Vec<&'s str> {
        let own = self.own_field_names();
        let branches = self.unions().flatten().flat_map(|branch| branch.field_names());
        own.into_iter().chain(branches).collect()
    }

    /// Whether a mapping of this schema can have a field of this name.
    pub fn has_field(&self, name: &str) -> bool {
        self.alternatives().iter().any(|one| one.field_names().contains(&name))
    }

    /// Returns a minimal value that the schema accepts.
    pub fn least(&self) -> Option<Value> {
        self.least_within(DEEPEST)
    }

    fn least_within(&self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        let given = self.keyword("const").or_else(|| self.keyword("enum")?.get(0));
        if let Some(value) = given.or_else(|| self.keyword("examples")?.get(0)) {
            return Some(value.clone());
        }
        let kind = self.types().first().copied();
        if kind.is_none() && self.unions().next().is_some() {
            return self.alternatives().iter().find_map(|branch| branch.least_within(depth));
        }
        Some(match kind {
            Some("boolean") => false.into(),
            Some("integer" | "number") => self.bounds().0.unwrap_or_default().into(),
            Some("string") => "".into(),
            Some("array") => {
                let count = self.keyword("minItems").and_then(Value::as_u64).unwrap_or_default();
                let item = || self.of_keyword("items").least_within(depth);
                Value::Array((0..count).map(|_| item()).collect::<Option<_>>()?)
            }
            Some("object") => Value::Object(self.least_fields(depth)?),
            _ => Value::Null,
        })
    }

    fn least_fields(&self, depth: usize) -> Option<Map<String, Value>> {
        let mut least = Map::new();
        for name in self.required() {
            let schema = self.parts.iter().find_map(|part| part.get("properties")?.get(name));
            let schema = schema.map_or_else(|| self.any(), |schema| Self::new(self.root, schema));
            least.insert(name.to_owned(), schema.least_within(depth)?);
        }
        for branches in self.unions() {
            least.extend(branches.iter().find_map(|branch| branch.least_fields(depth))?);
        }
        Some(least)
    }
}

fn collect<'s>(root: &'s Value, schema: &'s Value, parts: &mut Vec<&'s Map<String, Value>>) {
    let Value::Object(part) = schema else { return };
    if parts.iter().any(|known| std::ptr::eq(*known, part)) {
        return;
    }
    parts.push(part);
    let target = part.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix('#'));
    let all = part.get("allOf").and_then(Value::as_array).into_iter().flatten();
    for schema in target.and_then(|at| root.pointer(at)).into_iter().chain(all) {
        collect(root, schema, parts);
    }
}
