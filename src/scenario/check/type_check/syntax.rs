use cel::ParseErrors;

use super::Mistake;
use super::source::character_at;

/// The syntax error of a CEL text: the first one, as the others mostly follow from it.
pub(super) fn syntax_mistake(text: &str, errors: &ParseErrors) -> Option<Mistake> {
    let error = errors.errors.first()?;
    let number = |number: isize| usize::try_from(number).unwrap_or_default();
    let start = character_at(text, number(error.pos.0), number(error.pos.1));
    let length = text.chars().count();
    let reason = error.msg.strip_prefix("Syntax error: ").unwrap_or(&error.msg);
    // The parser names the token before the end.
    let (message, suggestion) = explained(text, reason, start >= length);
    let end = start + quoted(reason).map_or(1, |token| token.chars().count());
    Some(Mistake { message, suggestion, range: Some(start..end.min(length)) })
}

/// Rewords the parser's message.
fn explained(text: &str, reason: &str, is_at_end: bool) -> (String, Option<String>) {
    let token = quoted(reason).unwrap_or_default();
    if text.trim().is_empty() {
        return ("expected CEL, found an empty text".to_owned(), None);
    }
    if reason.starts_with("token recognition error at: '=") {
        return ("`=` is not an operator".to_owned(), Some("==".to_owned()));
    }
    if reason.starts_with("token recognition error") {
        return (format!("unexpected `{token}`"), None);
    }
    if reason.starts_with("missing") && reason.contains("<EOF>") {
        return (format!("unexpected end; expected `{token}`"), None);
    }
    if reason.contains("'<EOF>' expecting") || reason.ends_with("input '<EOF>'") {
        return ("unexpected end".to_owned(), None);
    }
    if reason.starts_with("missing") {
        return (format!("missing `{token}`"), None);
    }
    if ["extraneous", "mismatched", "no viable"].iter().any(|word| reason.starts_with(word)) {
        let found = if is_at_end { "end".to_owned() } else { format!("`{token}`") };
        return (format!("unexpected {found}"), None);
    }
    (format!("invalid CEL: {reason}"), None)
}

/// The first text in quotes.
fn quoted(reason: &str) -> Option<&str> {
    let (_, after) = reason.split_once('\'')?;
    let token = after.split_once('\'').map_or(after, |(token, _)| token).trim();
    (token != "<EOF>" && !token.is_empty()).then_some(token)
}
