//! The types of values: YAML 1.2's core schema
//! (<https://yaml.org/spec/1.2.2/#103-core-schema>), except that a number with a leading zero is
//! octal, as in the file modes that Kubernetes reads.

use serde_json::{Map, Number, Value};

use super::document::{Data, Entry, Mapping, Node, Style};
use super::{Position, join};

impl Node {
    /// Converts the value to JSON. The first of repeated keys wins.
    pub fn to_json(&self) -> Value {
        match &self.data {
            Data::Scalar { text, style: Style::Plain, .. } => plain(text),
            Data::Scalar { text, .. } => Value::String(text.clone()),
            Data::Sequence(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Data::Mapping(mapping) => {
                let entry = |entry: &Entry| (entry.key.clone(), entry.value.to_json());
                Value::Object(mapping.entries.iter().map(entry).collect::<Map<_, _>>())
            }
        }
    }

    /// Converts JSON to a tree in which every value has the same position.
    pub fn from_json(value: &Value, position: Position) -> Self {
        let scalar = |text: String, style| Data::Scalar { text, style };
        let data = match value {
            Value::Null => scalar("null".into(), Style::Plain),
            Value::Bool(boolean) => scalar(boolean.to_string(), Style::Plain),
            Value::Number(number) => scalar(number.to_string(), Style::Plain),
            Value::String(text) => scalar(text.clone(), Style::Double),
            Value::Array(items) => {
                Data::Sequence(items.iter().map(|item| Self::from_json(item, position)).collect())
            }
            Value::Object(fields) => {
                let entry = |(key, value): (&String, &Value)| Entry {
                    key: key.clone(),
                    position,
                    value: Self::from_json(value, position),
                };
                let entries = fields.iter().map(entry).collect();
                Data::Mapping(Mapping { entries, repeated: Vec::new() })
            }
        };
        Self { position, data }
    }

    /// Returns every repeated key in this value and below it: its position, its path and the line
    /// of the first one.
    pub fn repeated_keys(&self) -> Vec<(Position, String, usize)> {
        let mut found = Vec::new();
        self.visit("", &mut |path, node| {
            let Data::Mapping(mapping) = &node.data else { return };
            let repeated = mapping.repeated.iter();
            found.extend(repeated.map(|one| (one.position, join(path, &one.key), one.first.line)));
        });
        found
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let fraction = || Number::from_f64(text.parse().ok().filter(|_| is_fraction(text))?);
    integer(text).or_else(fraction).map_or_else(|| text.into(), Value::Number)
}

fn integer(text: &str) -> Option<Number> {
    whole_number(text).map(Number::from).or_else(|| text.parse::<u64>().ok().map(Number::from))
}

fn is_fraction(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.bytes().any(|byte| byte.is_ascii_digit())
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
}

/// Parses a whole number in YAML's notation.
fn whole_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.starts_with(['+', '-']) && text.starts_with('+') {
        return None;
    }
    let radix = |digits: &str, radix| {
        let is_unsigned = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        i64::from_str_radix(digits, radix).ok().filter(|_| is_unsigned)
    };
    if let Some(hexadecimal) = digits.strip_prefix("0x") {
        return radix(hexadecimal, 16);
    }
    if let Some(octal) = digits.strip_prefix("0o") {
        return radix(octal, 8);
    }
    match digits.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => radix(octal, 8),
        _ => digits.parse().ok(),
    }
}

/// Describes the type of a value for messages, such as `a list` or `a whole number`.
pub(crate) fn describe(node: &Node) -> &'static str {
    match &node.data {
        Data::Mapping(_) => "a mapping",
        Data::Sequence(_) => "a list",
        Data::Scalar { text, style: Style::Plain } => match plain(text) {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) if integer(text).is_some() => "a whole number",
            Value::Number(_) => "a fraction",
            _ => "a string",
        },
        Data::Scalar { .. } => "a string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    fn json(text: &str) -> String {
        parse(text).unwrap()[0].to_json().to_string()
    }

    #[test]
    fn parses_whole_numbers() {
        for (text, number) in
            [("80", 80), ("+0x50", 80), ("0o120", 80), ("0644", 0o644), ("-1", -1), ("0", 0)]
        {
            assert_eq!(whole_number(text), Some(number), "{text}");
        }
        for text in ["8.0", "99999999999999999999", "+-1", "0x-1", "", "+", "1_000"] {
            assert_eq!(whole_number(text), None, "{text}");
        }
    }

    #[test]
    fn resolves_types_as_yaml_1_2_does() {
        assert_eq!(
            json("[~, null, '', \"1\", true, TRUE, yes, on]"),
            r#"[null,null,"","1",true,true,"yes","on"]"#
        );
        assert_eq!(
            json("[1, -1, 1.5, 1e3, .5, 18446744073709551615]"),
            "[1,-1,1.5,1000.0,0.5,18446744073709551615]"
        );
        assert_eq!(
            json("[v1.37, 1.2.3, 10.0.0.1, e3, 1-2, .inf, 12h]"),
            r#"["v1.37","1.2.3","10.0.0.1","e3","1-2",".inf","12h"]"#
        );
        assert_eq!(json("{a: {b: [c]}, d: !!str 5}"), r#"{"a":{"b":["c"]},"d":"5"}"#);
    }

    #[test]
    fn converts_json_both_ways() {
        let value =
            serde_json::json!({"a": [1, "1", null, true, 1.5, "true", ""], "b": {"c": "x"}});
        let node = Node::from_json(&value, Position::START);
        assert_eq!(node.to_json(), value);
    }

    #[test]
    fn finds_repeated_keys_at_any_depth() {
        let root = parse("a:\n- b: 1\n  b: 2\na: 3\n").unwrap().remove(0);
        let found = root.repeated_keys();
        let found: Vec<_> =
            found.iter().map(|(at, path, line)| (at.line, &**path, *line)).collect();
        assert_eq!(found, [(4, "a", 1), (3, "a[0].b", 2)]);
    }
}
