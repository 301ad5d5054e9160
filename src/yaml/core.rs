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
        fn visit(node: &Node, path: &str, found: &mut Vec<(Position, String, usize)>) {
            match &node.data {
                Data::Scalar { .. } => {}
                Data::Sequence(items) => {
                    for (index, item) in items.iter().enumerate() {
                        visit(item, &format!("{path}[{index}]"), found);
                    }
                }
                Data::Mapping(mapping) => {
                    for again in &mapping.repeated {
                        found.push((again.position, join(path, &again.key), again.first.line));
                    }
                    for entry in &mapping.entries {
                        visit(&entry.value, &join(path, &entry.key), found);
                    }
                }
            }
        }
        let mut found = Vec::new();
        visit(self, "", &mut found);
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
    if let Some(number) = integer(text) {
        return Value::Number(number);
    }
    if is_fraction(text)
        && let Some(number) = text.parse().ok().and_then(Number::from_f64)
    {
        return Value::Number(number);
    }
    Value::String(text.to_owned())
}

fn integer(text: &str) -> Option<Number> {
    if let Some(number) = whole_number(text) {
        return Some(number.into());
    }
    text.parse::<u64>().ok().map(Number::from)
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
        digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric())
            .then(|| i64::from_str_radix(digits, radix).ok())
            .flatten()
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
        assert_eq!(whole_number("80"), Some(80));
        assert_eq!(whole_number("+0x50"), Some(80));
        assert_eq!(whole_number("0o120"), Some(80));
        assert_eq!(whole_number("0644"), Some(0o644));
        assert_eq!(whole_number("-1"), Some(-1));
        assert_eq!(whole_number("0"), Some(0));
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
        let found: Vec<_> = root
            .repeated_keys()
            .into_iter()
            .map(|(at, path, first)| (at.line, path, first))
            .collect();
        assert_eq!(found, [(4, "a".to_owned(), 1), (3, "a[0].b".to_owned(), 2)]);
    }
}
