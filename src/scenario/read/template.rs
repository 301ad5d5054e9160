//! Texts with variables: `${name}`, and `$${` for a literal `${`.

use serde_json::Value;

pub(super) const UNCLOSED: &str = "`${` is not closed; write `$${` for a literal `${`";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::scenario) struct Part<'a> {
    pub start: usize,
    pub end: usize,
    pub content: Content<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::scenario) enum Content<'a> {
    Text(&'a str),
    Variable(&'a str),
    /// `${` without `}`.
    Unclosed,
}

pub(in crate::scenario) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut at = 0;
    let mut push = |start: usize, end: usize, content| {
        if start < end {
            parts.push(Part { start, end, content });
        }
    };
    while let Some(found) = text[at..].find("${").map(|found| at + found) {
        if text[at..found].ends_with('$') {
            push(at, found - 1, Content::Text(&text[at..found - 1]));
            push(found - 1, found + 2, Content::Text("${"));
            at = found + 2;
            continue;
        }
        push(at, found, Content::Text(&text[at..found]));
        match text[found + 2..].find('}') {
            Some(length) => {
                at = found + 2 + length + 1;
                push(found, at, Content::Variable(text[found + 2..at - 1].trim()));
            }
            None => {
                push(found, text.len(), Content::Unclosed);
                at = text.len();
            }
        }
    }
    push(at, text.len(), Content::Text(&text[at..]));
    parts
}

pub(in crate::scenario) fn variables_in<'a>(text: &'a str) -> Vec<(usize, &'a str)> {
    let variable = |part: Part<'a>| match part.content {
        Content::Variable(name) => Some((part.start, name)),
        Content::Text(_) | Content::Unclosed => None,
    };
    parts(text).into_iter().filter_map(variable).collect()
}

/// The reason why a variable cannot be substituted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::scenario) enum Unfit {
    /// No variable has this name.
    Unknown(String),
    /// The message for the user.
    Other(String),
}

/// Substitutes the variables in a text. A text that is only a variable becomes the value, which can have any
/// type.
/// Fails with every variable that cannot be substituted, with its offset in the text.
pub(in crate::scenario) fn fill<'a>(
    text: &str,
    value_of: impl Fn(&str) -> Option<&'a Value>,
) -> Result<Value, Vec<(usize, Unfit)>> {
    let parts = parts(text);
    let unknown = |offset, name: &str| (offset, Unfit::Unknown(name.to_owned()));
    if let [Part { content: Content::Variable(name), .. }] = parts.as_slice() {
        return value_of(name).cloned().ok_or_else(|| vec![unknown(0, name)]);
    }
    let mut filled = String::new();
    let mut unfit = Vec::new();
    for Part { start, content, .. } in parts {
        match content {
            Content::Text(text) => filled.push_str(text),
            Content::Variable(name) => match value_of(name) {
                None => unfit.push(unknown(start, name)),
                Some(value) => match as_text(value) {
                    Some(text) => filled.push_str(&text),
                    None => {
                        let found = if value.is_array() { "list" } else { "mapping" };
                        let message = format!(
                            "`${{{name}}}` is a {found}, which cannot be inserted into a text"
                        );
                        unfit.push((start, Unfit::Other(message)));
                    }
                },
            },
            Content::Unclosed => unfit.push((start, Unfit::Other(UNCLOSED.to_owned()))),
        }
    }
    if unfit.is_empty() { Ok(Value::String(filled)) } else { Err(unfit) }
}

/// Converts a value to a part of a text; `None` for a list or mapping.
pub(in crate::scenario) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(boolean) => Some(boolean.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns the offset in the text that a byte of the substituted text comes from. A byte of a variable's
/// value comes from the start of the variable.
pub(in crate::scenario) fn origin<'a>(
    text: &str,
    offset: usize,
    value_of: impl Fn(&str) -> Option<&'a Value>,
) -> usize {
    let mut filled = 0;
    for Part { start, end, content } in parts(text) {
        let length = match content {
            Content::Text(text) => text.len(),
            Content::Variable(name) => {
                value_of(name).and_then(as_text).map_or(0, |text| text.len())
            }
            Content::Unclosed => end - start,
        };
        if offset < filled + length {
            return match content {
                Content::Text(text) if text.len() == end - start => start + (offset - filled),
                _ => start,
            };
        }
        filled += length;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;

    fn variables() -> Map<String, Value> {
        let Value::Object(map) = json!({"n": 3, "name": "web", "list": [1], "yes": true}) else {
            panic!()
        };
        map
    }

    fn filled(text: &str) -> Result<Value, Vec<(usize, Unfit)>> {
        let variables = variables();
        fill(text, |name| variables.get(name))
    }

    #[test]
    fn substitutes_variables() {
        assert_eq!(filled("${n}"), Ok(json!(3)));
        assert_eq!(filled("${ list }"), Ok(json!([1])));
        assert_eq!(filled("a-${name}-${n}-${yes}"), Ok(json!("a-web-3-true")));
        assert_eq!(filled("$${n} $$ $n {n} 100%"), Ok(json!("${n} $$ $n {n} 100%")));
        assert_eq!(filled("$$${n}"), Ok(json!("$${n}")));
        assert_eq!(filled(""), Ok(json!("")));
    }

    #[test]
    fn rejects_other_variables() {
        let unknown = |name: &str| Unfit::Unknown(name.into());
        let other = |message: &str| Unfit::Other(message.into());
        let unfit = |text| filled(text).unwrap_err();
        assert_eq!(unfit("é ${nme} ${x}"), [(3, unknown("nme")), (10, unknown("x"))]);
        let list = "`${list}` is a list, which cannot be inserted into a text";
        assert_eq!(unfit("a ${list}"), [(2, other(list))]);
        let unclosed = "`${` is not closed; write `$${` for a literal `${`";
        assert_eq!(unfit("a ${n"), [(2, other(unclosed))]);
        assert_eq!(unfit("${x}"), [(0, unknown("x"))]);
    }

    #[test]
    fn maps_a_value_to_its_variable() {
        let variables = variables();
        let text = "size(${name}) == ${n}!";
        let of = |needle: &str| {
            let offset = "size(web) == 3!".find(needle).unwrap();
            &text[origin(text, offset, |name| variables.get(name))..]
        };
        assert_eq!(of("size"), text);
        assert_eq!(of("web"), "${name}) == ${n}!");
        assert_eq!(of("eb)"), "${name}) == ${n}!");
        assert_eq!(of(") =="), ") == ${n}!");
        assert_eq!(of("3"), "${n}!");
        assert_eq!(of("!"), "!");
    }

    proptest! {
        #[test]
        fn parts_are_the_whole_text(text in r"[a$\{\}é ]{0,20}") {
            let mut at = 0;
            for part in parts(&text) {
                prop_assert_eq!(part.start, at);
                at = part.end;
            }
            prop_assert_eq!(at, text.len());
        }
    }
}
