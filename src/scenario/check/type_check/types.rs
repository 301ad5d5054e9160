use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::ObjectType;

/// The type of a CEL expression, as far as it is known before there are values.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Anything: not known, or different from value to value.
    Dyn,
    /// No value at all: the elements of an empty list.
    Nothing,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A whole number without sign, as `3u`.
    Uint,
    /// A number with a fraction.
    Double,
    /// A text.
    String,
    /// Bytes.
    Bytes,
    /// A point in time.
    Timestamp,
    /// A length of time.
    Duration,
    /// A type, as `type(x)` gives it.
    Type,
    /// A list of such elements.
    List(Box<Type>),
    /// A map of such keys to such values.
    Map(Box<Type>, Box<Type>),
    /// A value that may be missing, as `x.?field` gives it.
    Optional(Box<Type>),
    /// An object of Kubernetes', or a part of one, whose fields its schema names.
    Object(ObjectType),
    /// A map whose keys are known: the scenario's variables.
    Record(Arc<BTreeMap<String, Type>>),
}

impl Type {
    /// A list of `element`.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A map from texts to `value`.
    pub fn map_of(value: Type) -> Self {
        Self::Map(Box::new(Self::String), Box::new(value))
    }

    /// An optional `value`.
    pub fn optional(value: Type) -> Self {
        Self::Optional(Box::new(value))
    }

    /// The type of `value`, of a variable of the scenario.
    pub fn of_value(value: &Value) -> Self {
        match value {
            // It says nothing of the values that the command line may give.
            Value::Null => Self::Dyn,
            Value::Bool(_) => Self::Bool,
            Value::Number(number) if number.is_f64() => Self::Double,
            Value::Number(_) => Self::Int,
            Value::String(_) => Self::String,
            Value::Array(elements) => {
                Self::list(elements.iter().map(Self::of_value).fold(Self::Nothing, Self::join))
            }
            Value::Object(fields) => Self::Record(Arc::new(
                fields.iter().map(|(name, value)| (name.clone(), Self::of_value(value))).collect(),
            )),
        }
    }

    /// Whether it can be any type, because nothing is known of it.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Dyn | Self::Nothing)
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::Map(..) | Self::Object(_) | Self::Record(_))
    }

    /// The one type of values of both types.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, other) | (other, Self::Nothing) => other,
            (one, other) if one == other => one,
            (Self::List(one), Self::List(other)) => Self::list(one.join(*other)),
            (Self::Map(key, value), Self::Map(other_key, other_value)) => {
                Self::Map(Box::new(key.join(*other_key)), Box::new(value.join(*other_value)))
            }
            (Self::Optional(one), Self::Optional(other)) => Self::optional(one.join(*other)),
            _ => Self::Dyn,
        }
    }

    /// Whether values of both types can be equal.
    pub(super) fn can_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (one, other) if one.is_open() || other.is_open() => true,
            // What JSON leaves out is null to some.
            (Self::Null, _) | (_, Self::Null) => true,
            (one, other) if one.is_number() && other.is_number() => true,
            (Self::List(one), Self::List(other)) | (Self::Optional(one), Self::Optional(other)) => {
                one.can_equal(other)
            }
            (Self::Map(key, value), Self::Map(other_key, other_value)) => {
                key.can_equal(other_key) && value.can_equal(other_value)
            }
            (one, other) if one.is_map() && other.is_map() => true,
            (one, other) => one == other,
        }
    }

    /// Whether one of both values can come before the other.
    pub(super) fn can_be_ordered(&self, other: &Self) -> bool {
        match (self, other) {
            (one, other) if one.is_open() => other.is_ordered(),
            (one, other) if other.is_open() => one.is_ordered(),
            (one, other) if one.is_number() && other.is_number() => true,
            (one, other) => one == other && one.is_ordered(),
        }
    }

    fn is_ordered(&self) -> bool {
        self.is_open()
            || self.is_number()
            || matches!(
                self,
                Self::Bool | Self::String | Self::Bytes | Self::Timestamp | Self::Duration
            )
    }
}

impl fmt::Display for Type {
    /// As `string` or `list(Pod)`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn | Self::Nothing => out.write_str("dyn"),
            Self::Null => out.write_str("null"),
            Self::Bool => out.write_str("bool"),
            Self::Int => out.write_str("int"),
            Self::Uint => out.write_str("uint"),
            Self::Double => out.write_str("double"),
            Self::String => out.write_str("string"),
            Self::Bytes => out.write_str("bytes"),
            Self::Timestamp => out.write_str("timestamp"),
            Self::Duration => out.write_str("duration"),
            Self::Type => out.write_str("type"),
            Self::List(element) => write!(out, "list({element})"),
            Self::Map(key, value) => write!(out, "map({key}, {value})"),
            Self::Optional(value) => write!(out, "optional({value})"),
            Self::Object(object) => out.write_str(object.name()),
            Self::Record(_) => out.write_str("map"),
        }
    }
}
