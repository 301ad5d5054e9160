//! Whether a tree has the fields and types of a scenario, by the schema that its types have.

use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{JsonType, ValidationError, Validator};
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::duration;
use crate::scenario::language::Scenario;
use crate::yaml::{Node, Problem, describe, join, list, nearest};

/// The types' own schema.
pub(super) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Scenario>().into()
});

/// `None` only if the types' schema were none, which a test rules out.
static VALIDATOR: LazyLock<Option<Validator>> = LazyLock::new(|| {
    jsonschema::options()
        .with_format("kindrs-duration", |text: &str| duration::parse(text).is_ok())
        .should_validate_formats(true)
        .should_ignore_unknown_formats(true)
        .build(&SCHEMA)
        .ok()
});

/// The definition of durations in it.
const DURATION: &str = "/$defs/Duration";

/// A mistake in the structure.
pub(super) struct Fault {
    pub problem: Problem,
    /// What cannot be read for it; it differs from the problem's path where something is missing.
    pub unreadable: String,
}

/// Every mistake of a tree. Values with a variable are passed over when `variables` are still to be put
/// in.
pub(super) fn faults(root: &Node, with_variables: bool) -> Vec<Fault> {
    let value = root.to_json();
    let Some(validator) = VALIDATOR.as_ref() else { return Vec::new() };
    let mut found = Vec::new();
    for error in validator.iter_errors(&value) {
        explain(&error, &mut |mistake| {
            let still_open =
                matches!(&mistake.instance, Value::String(text) if text.contains("${"));
            if !(with_variables && still_open) {
                found.extend(mistake.faults(root));
            }
        });
    }
    found
}

/// One mistake, with unions taken apart.
struct Mistake {
    path: String,
    instance: Value,
    what: What,
}

enum What {
    /// Fields that the definition at a place of the schema does not have.
    Unknown {
        fields: Vec<String>,
        definition: String,
    },
    /// A field is not there.
    Missing(String),
    /// The value has none of these types.
    Type {
        expected: Vec<JsonType>,
        definition: String,
    },
    /// The text is none of these words.
    Words(Vec<String>),
    Duration,
    /// Said otherwise.
    Other(String),
}

/// Tells each mistake behind an error. Of a union, the branch counts that has the value's type.
fn explain(error: &ValidationError<'_>, tell: &mut dyn FnMut(Mistake)) {
    let path = path_of(error.instance_path());
    let mut mistake = |what| {
        tell(Mistake { path: path.clone(), instance: error.instance().clone().into_owned(), what });
    };
    match error.kind() {
        ValidationErrorKind::AnyOf { context }
        | ValidationErrorKind::OneOfNotValid { context }
        | ValidationErrorKind::OneOfMultipleValid { context } => {
            let here = error.instance_path();
            if let Some(branch) = context.iter().find(|branch| fits(branch, here)) {
                for error in branch {
                    explain(error, tell);
                }
                return;
            }
            let words: Vec<String> = context.iter().flatten().filter_map(word).collect();
            if words.is_empty() || !error.instance().is_string() {
                let mut expected = Vec::new();
                types(error, &mut expected);
                let definitions = context.iter().flatten().map(definition_of);
                let duration = definitions.into_iter().find(|definition| definition == DURATION);
                let definition = duration.unwrap_or_else(|| definition_of(error));
                mistake(What::Type { expected, definition });
            } else {
                mistake(What::Words(words));
            }
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let definition = definition_of(error);
            mistake(What::Unknown { fields: unexpected.clone(), definition });
        }
        ValidationErrorKind::Required { property } => {
            mistake(What::Missing(property.as_str().unwrap_or_default().to_owned()));
        }
        ValidationErrorKind::Type { .. } => {
            let mut expected = Vec::new();
            types(error, &mut expected);
            mistake(What::Type { expected, definition: definition_of(error) });
        }
        ValidationErrorKind::Format { .. } => mistake(What::Duration),
        ValidationErrorKind::Minimum { limit } => {
            mistake(What::Other(format!("expected {limit} or more, found {}", error.instance())));
        }
        ValidationErrorKind::Maximum { limit } => {
            mistake(What::Other(format!("expected {limit} or less, found {}", error.instance())));
        }
        _ => mistake(What::Other(error.to_string())),
    }
}

/// Whether a union's branch has the type of the value at `here`.
fn fits(branch: &[ValidationError<'_>], here: &Location) -> bool {
    branch.iter().filter(|error| error.instance_path() == here).all(|error| match error.kind() {
        ValidationErrorKind::Type { .. } | ValidationErrorKind::Constant { .. } => false,
        ValidationErrorKind::AnyOf { context } => context.iter().any(|branch| fits(branch, here)),
        ValidationErrorKind::OneOfNotValid { context } => {
            // One of a few words is a text.
            error.instance().is_string() || context.iter().any(|branch| fits(branch, here))
        }
        _ => true,
    })
}

fn word(error: &ValidationError<'_>) -> Option<String> {
    match error.kind() {
        ValidationErrorKind::Constant { expected_value } => {
            expected_value.as_str().map(str::to_owned)
        }
        _ => None,
    }
}

/// The types that would have been right.
fn types(error: &ValidationError<'_>, found: &mut Vec<JsonType>) {
    match error.kind() {
        ValidationErrorKind::Type { kind: TypeKind::Single(one) } => found.push(*one),
        ValidationErrorKind::Type { kind: TypeKind::Multiple(several) } => {
            found.extend(several.iter());
        }
        ValidationErrorKind::Constant { .. } => found.push(JsonType::String),
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            for error in context.iter().flatten() {
                types(error, found);
            }
        }
        _ => {}
    }
}

/// The definition that refuses a value, as a pointer into the schema.
fn definition_of(error: &ValidationError<'_>) -> String {
    let keyword = error.schema_path().as_str();
    keyword.rsplit_once('/').map_or("", |(definition, _)| definition).to_owned()
}

fn path_of(location: &Location) -> String {
    location.segments().fold(String::new(), |path, segment| match segment {
        LocationSegment::Property(name) => join(&path, &name),
        LocationSegment::Index(index) => format!("{path}[{index}]"),
    })
}

impl Mistake {
    fn faults(self, root: &Node) -> Vec<Fault> {
        let Self { path, instance, what } = self;
        let place = root.nearest(&path).0.position;
        let whole = |message: String, suggestion: Option<String>| {
            let problem = Problem::new(place, path.clone(), message).suggest(suggestion);
            vec![Fault { problem, unreadable: path.clone() }]
        };
        match what {
            What::Unknown { fields, definition } => fields
                .into_iter()
                .map(|field| {
                    let path = join(&path, &field);
                    let (message, near) = unknown(&field, &definition);
                    let problem = Problem::new(root.name_position(&path), path.clone(), message)
                        .suggest(near);
                    Fault { problem, unreadable: path }
                })
                .collect(),
            What::Missing(field) => {
                let problem = Problem::new(place, join(&path, &field), "missing");
                vec![Fault { problem, unreadable: path }]
            }
            What::Type { expected, definition } => {
                let found = root.nearest(&path).0;
                let is_scalar = matches!(instance, Value::Number(_) | Value::Bool(_));
                if definition == DURATION && is_scalar {
                    let why = duration::parse(&instance.to_string()).err();
                    return whole(
                        why.unwrap_or_else(|| "expected a duration, as `0s`".to_owned()),
                        None,
                    );
                }
                let message =
                    format!("expected {}, found {}", type_names(&expected), describe(found));
                let quoted = (is_scalar && expected.contains(&JsonType::String))
                    .then(|| format!("\"{}\"", found.text().unwrap_or_default()));
                match quoted {
                    Some(quoted) => whole(
                        format!("{message}: put it in quotes to make it a text"),
                        Some(quoted),
                    ),
                    None => whole(message, None),
                }
            }
            What::Words(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let text = instance.as_str().unwrap_or_default();
                let near = nearest(text, &words).map(str::to_owned);
                whole(
                    format!("expected {}, found `{}`", list(&words, "or"), text.escape_debug()),
                    near,
                )
            }
            What::Duration => {
                let why = duration::parse(instance.as_str().unwrap_or_default()).err();
                whole(why.unwrap_or_default(), None)
            }
            What::Other(message) => whole(message, None),
        }
    }
}

fn unknown(field: &str, definition: &str) -> (String, Option<String>) {
    let fields = fields_of(definition);
    let known: Vec<&str> = fields.iter().map(String::as_str).collect();
    let shown = field.escape_debug();
    let message = format!("unknown field `{shown}`");
    if definition == "/$defs/Step"
        && fields_of("/$defs/Assertion").iter().any(|known| known == field)
    {
        return (format!("{message}; it belongs into the step's `assert`"), None);
    }
    match nearest(field, &known) {
        Some(near) => (message, Some(near.to_owned())),
        None => (format!("{message}; {} has {}", name_of(definition), list(&known, "and")), None),
    }
}

/// The fields that a definition of the schema has.
pub(super) fn fields_of(definition: &str) -> Vec<String> {
    let properties = SCHEMA.pointer(definition).and_then(|schema| schema.get("properties"));
    properties
        .and_then(Value::as_object)
        .map(|fields| fields.keys().cloned().collect())
        .unwrap_or_default()
}

/// What a definition is of, for people: `/$defs/StepPhase` is `a step phase`.
fn name_of(definition: &str) -> String {
    let Some(name) = definition.strip_prefix("/$defs/") else { return "a scenario".to_owned() };
    match name {
        "Metadata" => return "`metadata`".to_owned(),
        "ClusterSource" => return "`cluster`".to_owned(),
        "Record" => return "`record`".to_owned(),
        "Quantified" => return "a condition".to_owned(),
        "KubectlCommand" => return "`kubectl`".to_owned(),
        "Apply" | "Patch" | "Scale" | "Delete" | "Cordon" | "Drain" | "Taint" | "Label"
        | "Exec" | "Heal" | "Sleep" | "Until" | "Count" | "After" | "Retries" | "Expect"
        | "Matrix" | "Existing" => return format!("`{}`", name.to_lowercase()),
        _ => {}
    }
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    let article = if words.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {words}")
}

fn type_names(expected: &[JsonType]) -> String {
    let name = |one: &JsonType| match one {
        JsonType::Array => Some("a list"),
        JsonType::Boolean => Some("`true` or `false`"),
        JsonType::Integer => Some("a whole number"),
        JsonType::Null => None,
        JsonType::Number => Some("a number"),
        JsonType::Object => Some("a mapping"),
        JsonType::String => Some("a string"),
    };
    let mut names: Vec<&str> = Vec::new();
    for name in expected.iter().filter_map(name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}
