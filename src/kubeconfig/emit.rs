use serde_yaml::{Mapping, Value};

/// Stands for a quoted text while the document is written; no kubeconfig contains it.
const MARK: &str = "kindrs-quoted-text-";

/// A document as YAML that kubectl reads as it is meant.
///
/// kubectl reads YAML 1.1, where a plain `yes` is a truth value and `1_000` a number; the writer
/// here knows YAML 1.2 and leaves them plain. Such texts are therefore quoted.
pub(super) fn text(document: &Mapping) -> String {
    let mut quoted = Vec::new();
    let marked = mark(Value::Mapping(document.clone()), &mut quoted);
    // Serialising plain values into memory has no way to fail.
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

/// Whether YAML 1.1 reads the plain text as something else than a text. Says yes only to texts
/// that need no escapes within double quotes.
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
    fn texts_that_yaml_1_1_takes_for_something_else_are_quoted() {
        for value in
            ["yes", "Off", "N", "1_000", "0b11", "0777", "190:20:30", "2001-12-14", "+1", "="]
        {
            assert_eq!(written(value), format!("password: \"{value}\"\n"));
        }
    }

    #[test]
    fn other_texts_stay_plain() {
        for value in ["noon", "https://127.0.0.1:6443", "LS0tLS1CRUdJTg=="] {
            assert_eq!(written(value), format!("password: {value}\n"));
        }
        assert_eq!(written("true"), "password: 'true'\n");
        let mut document = Mapping::new();
        document.insert("insecure-skip-tls-verify".into(), Value::Bool(true));
        assert_eq!(text(&document), "insecure-skip-tls-verify: true\n");
    }

    #[test]
    fn many_quoted_texts_do_not_mix() {
        let entries: Vec<Value> = (0..12).map(|n| Value::from(format!("0{n}"))).collect();
        let mut document = Mapping::new();
        document.insert("names".into(), Value::Sequence(entries.clone()));
        let read: Value = serde_yaml::from_str(&text(&document)).unwrap();
        assert_eq!(read["names"], Value::Sequence(entries));
    }
}
