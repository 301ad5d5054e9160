//! The kinds of faults with their parameters, as their schema describes them.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::FaultKind;
use super::api_request::{RequestDelay, Resource};
use super::bandwidth::Rate;
use super::container::Signal;
use super::fault_kind::KIND;
use super::packets::{PacketDelay, Percentage};
use super::pressure::Size;
use crate::fault::parameter::{Format, WholeNumber, check};

/// A kind of fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    pub name: String,
    /// What the fault does, in one line.
    pub about: String,
    pub parameters: Vec<Parameter>,
}

/// A parameter of a kind of fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub help: String,
    /// The placeholder of the value in the command line's help.
    pub value_name: Option<String>,
    /// The short option of the command line.
    pub short: Option<char>,
    /// The heading in the command line's help; `None` for the kind's own parameters.
    pub heading: Option<String>,
    pub default: Option<String>,
    pub is_required: bool,
    /// Whether several values can be given.
    pub repeats: bool,
    pub values: Values,
}

/// The values of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// On or off.
    Flag,
    /// One of these words, each with a description.
    Words(Vec<(String, Option<String>)>),
    /// A whole number within these limits.
    Whole { min: u64, max: u64 },
    /// Any text.
    Text,
    /// A text of this format, one of [`FORMATS`].
    Format(String),
}

/// Checks whether a text has a format.
pub type Check = fn(&str) -> Result<(), String>;

/// The formats of texts in the schema, each with its check.
pub const FORMATS: [(&str, Check); 8] = [
    (WholeNumber::NAME, check::<WholeNumber>),
    (Size::NAME, check::<Size>),
    (Percentage::NAME, check::<Percentage>),
    (PacketDelay::NAME, check::<PacketDelay>),
    (RequestDelay::NAME, check::<RequestDelay>),
    (Rate::NAME, check::<Rate>),
    (Signal::NAME, check::<Signal>),
    (Resource::NAME, check::<Resource>),
];

/// All kinds, in the order of [`FaultKind`].
pub fn kinds() -> &'static [Kind] {
    static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
        let settings = SchemaSettings::draft2020_12().with(|it| it.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<FaultKind>();
        let variants = schema.get("oneOf").and_then(Value::as_array);
        variants.into_iter().flatten().filter_map(kind).collect()
    });
    &KINDS
}

fn kind(schema: &Value) -> Option<Kind> {
    let properties = schema.get("properties")?.as_object()?;
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.into_iter().flatten().any(|one| one == name);
    Some(Kind {
        name: text(properties.get(KIND)?, "const")?,
        about: text(schema, "description")?,
        parameters: properties
            .iter()
            .filter(|(name, _)| *name != KIND)
            .filter_map(|(name, schema)| parameter(name, schema, is_required(name)))
            .collect(),
    })
}

fn parameter(name: &str, schema: &Value, is_required: bool) -> Option<Parameter> {
    let (value, repeats) = value_schema(schema);
    Some(Parameter {
        name: name.to_owned(),
        help: text(schema, "description")?,
        value_name: text(schema, "x-value-name"),
        short: text(schema, "x-short").and_then(|short| short.chars().next()),
        heading: text(schema, "x-heading"),
        default: schema.get("default").and_then(|default| match default {
            Value::Null | Value::Bool(_) | Value::Array(_) => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }),
        is_required,
        repeats,
        values: values(value),
    })
}

/// The schema of a single value, and whether the parameter also accepts a list.
fn value_schema(schema: &Value) -> (&Value, bool) {
    let Some(branches) = schema.get("anyOf").and_then(Value::as_array) else {
        return (schema, false);
    };
    let repeats = branches.iter().any(|branch| branch.get("items").is_some());
    let is_value = |branch: &&Value| {
        branch.get("items").is_none() && branch.get("type").is_none_or(|one| one != "null")
    };
    (branches.iter().find(is_value).unwrap_or(schema), repeats)
}

fn values(schema: &Value) -> Values {
    let is = |name: &str| match schema.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    };
    let words = words(schema);
    if !words.is_empty() {
        return Values::Words(words);
    }
    if is("boolean") {
        return Values::Flag;
    }
    if is("integer") {
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
        return Values::Whole {
            min: limit("minimum").unwrap_or_default(),
            max: limit("maximum").unwrap_or(u64::MAX),
        };
    }
    text(schema, "format").map_or(Values::Text, Values::Format)
}

/// The words that a value can be: those of a list, and constants with descriptions.
fn words(schema: &Value) -> Vec<(String, Option<String>)> {
    let listed = |schema: &Value| -> Vec<(String, Option<String>)> {
        let words = schema.get("enum").and_then(Value::as_array);
        let words = words.into_iter().flatten().filter_map(Value::as_str);
        words.map(|word| (word.to_owned(), None)).collect()
    };
    let mut words = listed(schema);
    for branch in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
        words.extend(listed(branch));
        words.extend(text(branch, "const").map(|word| (word, text(branch, "description"))));
    }
    words
}

/// A text of a schema, on one line and without a full stop.
fn text(schema: &Value, key: &str) -> Option<String> {
    let words: Vec<&str> = schema.get(key)?.as_str()?.split_whitespace().collect();
    Some(words.join(" ").trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn describes_every_kind() {
        let mut text = String::new();
        for kind in kinds() {
            let _ = writeln!(text, "{}: {}", kind.name, kind.about);
            for parameter in &kind.parameters {
                if parameter.heading.as_deref() == Some("Targets") {
                    continue;
                }
                let default = parameter.default.as_ref();
                let default = default.map(|text| format!(" = {text}")).unwrap_or_default();
                let repeats = if parameter.repeats { "..." } else { "" };
                let required = if parameter.is_required { " (required)" } else { "" };
                let _ = writeln!(
                    text,
                    "    {}{repeats}{default}{required}: {:?}",
                    parameter.name, parameter.values
                );
            }
        }
        insta::assert_snapshot!(text);
    }

    #[test]
    fn every_parameter_has_a_known_format_and_help() {
        for parameter in kinds().iter().flat_map(|kind| &kind.parameters) {
            assert!(!parameter.help.is_empty(), "{}", parameter.name);
            let is_flag = parameter.values == Values::Flag;
            assert_eq!(parameter.value_name.is_none(), is_flag, "{}", parameter.name);
            if let Values::Format(format) = &parameter.values {
                assert!(FORMATS.iter().any(|(known, _)| known == format), "{format}");
            }
        }
    }

    #[test]
    fn the_names_are_those_of_serde() {
        let plain = serde_json::json!({ KIND: "etcd-quorum-loss" });
        let fault: FaultKind = serde_json::from_value(plain).unwrap();
        assert_eq!(fault.name(), "etcd-quorum-loss");
        assert!(kinds().iter().any(|kind| kind.name == fault.name()));
    }
}
