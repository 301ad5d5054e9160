//! Label selectors in kubectl's syntax, read into kube's expressions.

use std::collections::BTreeSet;

use kube::core::Expression;
use serde_json::Value;

use crate::scenario::language::Labels;

/// Reads the labels of a selection.
///
/// # Errors
/// A text for the user.
pub(in crate::scenario) fn label_expressions(labels: &Labels) -> Result<Vec<Expression>, String> {
    match labels {
        Labels::Equal(labels) => Ok(labels
            .iter()
            .map(|(key, value)| Expression::Equal(key.clone(), value.clone()))
            .collect()),
        Labels::Selector(text) => split_outside_parentheses(text).map(expression).collect(),
    }
}

fn split_outside_parentheses(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let parts = text.split(move |char: char| {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        char == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

fn expression(text: &str) -> Result<Expression, String> {
    let wrong = || {
        format!(
            "invalid label selector `{text}`: expected, for example, `app=web`, `tier!=cache`, \
             `env in (a, b)`, `key` or `!key`"
        )
    };
    let key = |key: &str| -> Result<String, String> {
        let key = key.trim();
        let is_key = !key.is_empty()
            && key.chars().all(|char| char.is_ascii_alphanumeric() || "-_./".contains(char));
        if is_key { Ok(key.to_owned()) } else { Err(wrong()) }
    };
    if let Some((left, values)) = text.split_once('(') {
        let values = values.trim_end().strip_suffix(')').ok_or_else(wrong)?;
        let values: BTreeSet<_> = values.split(',').map(|value| value.trim().to_owned()).collect();
        return match left.split_whitespace().collect::<Vec<_>>().as_slice() {
            [name, "in"] => Ok(Expression::In(key(name)?, values)),
            [name, "notin"] => Ok(Expression::NotIn(key(name)?, values)),
            _ => Err(wrong()),
        };
    }
    if let Some((name, value)) = text.split_once("!=") {
        return Ok(Expression::NotEqual(key(name)?, value.trim().to_owned()));
    }
    if let Some((name, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Expression::Equal(key(name)?, value.trim().to_owned()));
    }
    match text.strip_prefix('!') {
        Some(name) => Ok(Expression::DoesNotExist(key(name)?)),
        None => Ok(Expression::Exists(key(text)?)),
    }
}

/// Whether labels, a JSON mapping, match: the same as kube's own matching, without copying the labels.
/// As in Kubernetes, a label that does not exist is in no set.
pub(super) fn matches(expression: &Expression, labels: Option<&Value>) -> bool {
    let value = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    match expression {
        Expression::Exists(key) => value(key).is_some(),
        Expression::DoesNotExist(key) => value(key).is_none(),
        Expression::Equal(key, expected) => value(key) == Some(expected),
        Expression::NotEqual(key, unwanted) => value(key) != Some(unwanted),
        Expression::In(key, values) => value(key).is_some_and(|value| values.contains(value)),
        Expression::NotIn(key, values) => value(key).is_none_or(|value| !values.contains(value)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kube::core::SelectorExt as _;

    use super::*;

    fn selects(selector: &str) -> bool {
        let labels = BTreeMap::from(
            [("app", "web"), ("env", "a"), ("k8s.io/x", "")]
                .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        let json = serde_json::to_value(&labels).unwrap();
        let expressions = label_expressions(&Labels::Selector(selector.to_owned())).unwrap();
        expressions.iter().all(|expression| {
            let is_match = matches(expression, Some(&json));
            assert_eq!(is_match, expression.matches(&labels), "{expression}");
            is_match
        })
    }

    #[test]
    fn selects_as_kubectl_does() {
        for selector in ["app=web", "app==web", "app", "!tier", "tier!=cache", "", "k8s.io/x="]
            .into_iter()
            .chain(["env in (a, b),app", "env notin (b)", "tier notin (b)"])
        {
            assert!(selects(selector), "{selector}");
        }
        for selector in ["app=db", "app!=web", "tier", "!app", "env in (b,c)", "app,env notin (a)"]
        {
            assert!(!selects(selector), "{selector}");
        }
    }

    #[test]
    fn rejects_an_invalid_selector_with_examples() {
        for selector in ["app web", "env in a", "env on (a)", "=web", "env in (a"] {
            let error = label_expressions(&Labels::Selector(selector.to_owned())).unwrap_err();
            assert!(error.contains("expected, for example, `app=web`"), "{error}");
        }
    }
}
