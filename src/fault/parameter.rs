//! The types of which faults' parameters are made. A file and the command line read them by the same
//! serde, and both know their limits from the same schema.

use std::fmt;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A name or another free text. Files can write a number without quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Text(String);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            _ => Err(D::Error::custom("expected a text")),
        }
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"], "x-expected": "a string" })
    }
}

/// A whole number from `MIN` to `MAX`. Files can write it in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Whole<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Whole<MIN, MAX> {
    pub const MIN: Self = Self(MIN);
    pub const MAX: Self = Self(MAX);

    pub fn new(number: u64) -> Option<Self> {
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }

    pub fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> fmt::Display for Whole<MIN, MAX> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = match Value::deserialize(deserializer)? {
            Value::String(text) => WholeNumber::read(&text).map_err(D::Error::custom)?,
            value => value.as_u64().ok_or_else(|| D::Error::custom(WHOLE_NUMBER))?,
        };
        Self::new(number)
            .ok_or_else(|| D::Error::custom(format!("expected {MIN} to {MAX}, found {number}")))
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Whole<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Whole_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({
            "type": ["integer", "string"],
            "format": WholeNumber::NAME,
            "minimum": MIN,
            "x-expected": "a whole number",
        });
        if MAX < u64::MAX {
            schema.insert("maximum".to_owned(), MAX.into());
        }
        schema
    }
}

/// A whole number in quotes.
pub struct WholeNumber;

impl Format for WholeNumber {
    const NAME: &'static str = "kindrs-whole-number";
    type Value = u64;

    fn read(text: &str) -> Result<u64, String> {
        text.parse().map_err(|_| WHOLE_NUMBER.to_owned())
    }
}

const WHOLE_NUMBER: &str = "expected a whole number";

/// A format of texts.
pub trait Format {
    /// The name in the schema.
    const NAME: &'static str;
    type Value;

    /// Reads a text. The error says what is expected.
    fn read(text: &str) -> Result<Self::Value, String>;
}

/// Checks whether a text has a format.
pub fn check<F: Format>(text: &str) -> Result<(), String> {
    F::read(text).map(drop)
}

/// A text of a format, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formatted<F: Format> {
    text: String,
    value: F::Value,
}

impl<F: Format> Formatted<F> {
    pub fn new(text: &str, value: F::Value) -> Self {
        Self { text: text.to_owned(), value }
    }

    pub fn value(&self) -> &F::Value {
        &self.value
    }
}

impl<F: Format> fmt::Display for Formatted<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.text)
    }
}

impl<F: Format> Serialize for Formatted<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, F: Format> Deserialize<'de> for Formatted<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = F::read(&text).map_err(D::Error::custom)?;
        Ok(Self { text, value })
    }
}

impl<F: Format> JsonSchema for Formatted<F> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        F::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": F::NAME })
    }
}

/// A parameter that can be repeated. Files write one value, or a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<T> Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl<T> FromIterator<T> for OneOrMany<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::Many(values.into_iter().collect())
    }
}

/// Whether a flag is off; serde leaves such a flag out.
pub fn is_off(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read<T: serde::de::DeserializeOwned>(value: Value) -> Option<T> {
        serde_json::from_value(value).ok()
    }

    #[test]
    fn reads_a_text_with_and_without_quotes() {
        assert_eq!(read::<Text>(json!("a")), Some("a".into()));
        assert_eq!(read::<Text>(json!(5)), Some("5".into()));
        assert_eq!(read::<Text>(json!(true)), None);
    }

    #[test]
    fn reads_a_whole_number_within_its_limits() {
        type Percent = Whole<1, 100>;
        assert_eq!(read::<Percent>(json!(100)), Some(Percent::MAX));
        assert_eq!(read::<Percent>(json!("1")), Some(Percent::MIN));
        for value in [json!(0), json!(101), json!("0"), json!(1.5), json!("two"), json!([1])] {
            assert_eq!(read::<Percent>(value.clone()), None, "{value}");
        }
    }

    #[test]
    fn reads_one_value_or_a_list() {
        assert_eq!(&*read::<OneOrMany<Text>>(json!("a")).unwrap(), &["a".into()]);
        assert_eq!(&*read::<OneOrMany<Text>>(json!(["a", 1])).unwrap(), &["a".into(), "1".into()]);
        assert_eq!(read::<OneOrMany<Text>>(json!({})), None);
    }
}
