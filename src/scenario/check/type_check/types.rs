use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::ObjectType;

/// The type of a CEL expression, as far as it is known without values.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Any type: unknown, or different for each value.
    Dyn,
    /// No value: the elements of an empty list.
    Nothing,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// An unsigned whole number, such as `3u`.
    Uint,
    /// A number with a fraction.
    Double,
    /// A string.
    String,
    /// Bytes.
    Bytes,
    /// A point in time.
    Timestamp,
    /// A duration.
    Duration,
    /// A type, the result of `type(x)`.
    Type,
    /// A list, with the type of its elements.
    List(Box<Type>),
    /// A map, with the types of its keys and values.
    Map(Box<Type>, Box<Type>),
    /// A value that can be missing, such as `x.?field`.
    Optional(Box<Type>),
    /// A Kubernetes object, or a part of one, with the fields of its schema.
    Object(ObjectType),
    /// A map with known keys: the scenario's variables.
    Record(Arc<BTreeMap<String, Type>>),
}

impl Type {
    /// A list of `element`.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A map from strings to `value`.
    pub fn map_of(value: Type) -> Self {
        Self::Map(Box::new(Self::String), Box::new(value))
    }

    /// An optional `value`.
    pub fn optional(value: Type) -> Self {
        Self::Optional(Box::new(value))
    }

    /// The type of a variable of the scenario with this value.
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

    /// Whether it can be any type.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Dyn | Self::Nothing)
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::Map(..) | Self::Object(_) | Self::Record(_))
    }

    /// The common type of values of both types.
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

    /// Whether values of both types have an order.
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
    /// Such as `string` or `list(Pod)`.
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
