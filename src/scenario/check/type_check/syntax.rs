use cel::ParseErrors;

use super::Mistake;
use super::source::character_at;

/// Why a text is no CEL: the first reason, as those after it mostly follow from it.
pub(super) fn syntax_mistake(text: &str, errors: &ParseErrors) -> Option<Mistake> {
    let error = errors.errors.first()?;
    let number = |number: isize| usize::try_from(number).unwrap_or_default();
    let start = character_at(text, number(error.pos.0), number(error.pos.1));
    let length = text.chars().count();
    let reason = error.msg.strip_prefix("Syntax error: ").unwrap_or(&error.msg);
    let (message, suggestion) = match explained(text, reason) {
        // The parser names the token before the end.
        (message, None) if start >= length && message.ends_with("expected here") => {
            ("ends too soon".to_owned(), None)
        }
        explained => explained,
    };
    let end = start + quoted(reason).map_or(1, |token| token.chars().count());
    Some(Mistake { message, suggestion, range: Some(start..end.min(length)) })
}

/// The parser's words in ours.
fn explained(text: &str, reason: &str) -> (String, Option<String>) {
    let token = quoted(reason).unwrap_or_default();
    if text.trim().is_empty() {
        return ("is empty: expected CEL".to_owned(), None);
    }
    if reason.starts_with("token recognition error at: '=") {
        return ("`=` is no operator".to_owned(), Some("==".to_owned()));
    }
    if reason.starts_with("token recognition error") {
        return (format!("`{token}` is nothing that CEL knows"), None);
    }
    if reason.starts_with("missing") && reason.contains("<EOF>") {
        return (format!("ends too soon: `{token}` is missing"), None);
    }
    if reason.contains("'<EOF>' expecting") || reason.ends_with("input '<EOF>'") {
        return ("ends too soon".to_owned(), None);
    }
    if reason.starts_with("missing") {
        return (format!("`{token}` is missing here"), None);
    }
    if ["extraneous", "mismatched", "no viable"].iter().any(|word| reason.starts_with(word)) {
        return (format!("`{token}` is not expected here"), None);
    }
    (format!("is no valid CEL: {reason}"), None)
}

/// The first text in quotes.
fn quoted(reason: &str) -> Option<&str> {
    let (_, after) = reason.split_once('\'')?;
    let token = after.split_once('\'').map_or(after, |(token, _)| token).trim();
    (token != "<EOF>" && !token.is_empty()).then_some(token)
}
