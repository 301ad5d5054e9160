use serde_yaml::{Mapping, Value};

/// Placeholder for a quoted text while the document is serialized. No kubeconfig contains it.
const MARK: &str = "kindrs-quoted-text-";

/// Serializes a document as YAML that kubectl reads back unchanged.
///
/// kubectl reads YAML 1.1, in which an unquoted `yes` is a boolean and `1_000` a number. serde_yaml
/// writes YAML 1.2 and leaves them unquoted, so they are quoted here.
pub(super) fn text(document: &Mapping) -> String {
    let mut quoted = Vec::new();
    let marked = mark(Value::Mapping(document.clone()), &mut quoted);
    // Serializing plain values cannot fail.
    let mut text = serde_yaml::to_string(&marked).unwrap_or_default();
    for (number, original) in quoted.iter().enumerate().rev() {
        text = text.replace(&placeholder(number), &format!("\"{original}\""));
    }
    text
}

fn placeholder(number: usize) -> String {
    format!("{MARK}{number}.")
}

fn mark(value: Value, quoted: &mut Vec<String>) -> Value {
    match value {
        Value::String(text) if is_ambiguous(&text) => {
            quoted.push(text);
            Value::String(placeholder(quoted.len() - 1))
        }
        Value::Sequence(entries) => {
            Value::Sequence(entries.into_iter().map(|entry| mark(entry, quoted)).collect())
        }
        Value::Mapping(fields) => Value::Mapping(
            fields
                .into_iter()
                .map(|(key, field)| (mark(key, quoted), mark(field, quoted)))
                .collect(),
        ),
        other => other,
    }
}

/// Whether YAML 1.1 does not read the unquoted text as a string. True only for texts that need no
/// escapes in double quotes.
fn is_ambiguous(text: &str) -> bool {
    const WORDS: [&str; 8] = ["y", "yes", "on", "n", "no", "off", "=", "<<"];
    let number_like =
        |c: char| c.is_ascii_hexdigit() || "_:.+-xobtz ".contains(c.to_ascii_lowercase());
    WORDS.contains(&text.to_ascii_lowercase().as_str())
        || (text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
            && text.chars().all(number_like))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str) -> String {
        let mut document = Mapping::new();
        document.insert("password".into(), value.into());
        text(&document)
    }

    #[test]
    fn quotes_texts_that_yaml_1_1_does_not_read_as_strings() {
        for value in
            ["yes", "Off", "N", "1_000", "0b11", "0777", "190:20:30", "2001-12-14", "+1", "="]
        {
            assert_eq!(written(value), format!("password: \"{value}\"\n"));
        }
    }

    #[test]
    fn leaves_other_texts_unquoted() {
        for value in ["noon", "https://127.0.0.1:6443", "LS0tLS1CRUdJTg=="] {
            assert_eq!(written(value), format!("password: {value}\n"));
        }
        assert_eq!(written("true"), "password: 'true'\n");
        let mut document = Mapping::new();
        document.insert("insecure-skip-tls-verify".into(), Value::Bool(true));
        assert_eq!(text(&document), "insecure-skip-tls-verify: true\n");
    }

    #[test]
    fn keeps_many_quoted_texts_apart() {
        let entries: Vec<Value> = (0..12).map(|n| Value::from(format!("0{n}"))).collect();
        let mut document = Mapping::new();
        document.insert("names".into(), Value::Sequence(entries.clone()));
        let read: Value = serde_yaml::from_str(&text(&document)).unwrap();
        assert_eq!(read["names"], Value::Sequence(entries));
    }
}
