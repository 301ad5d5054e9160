//! Selectors of labels, as kubectl takes them.

use serde_json::Value;

use crate::scenario::language::Labels;

/// What is asked of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::scenario) enum Requirement {
    Exists(String),
    Absent(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
}

/// The requirements that labels of the language stand for.
///
/// # Errors
/// A text for the user.
pub(in crate::scenario) fn requirements(labels: &Labels) -> Result<Vec<Requirement>, String> {
    match labels {
        Labels::Equal(labels) => Ok(labels
            .iter()
            .map(|(key, value)| Requirement::In(key.clone(), vec![value.clone()]))
            .collect()),
        Labels::Selector(text) => {
            split_outside_of_parentheses(text).into_iter().map(requirement).collect()
        }
    }
}

fn split_outside_of_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = text.split(|char: char| {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        char == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let wrong = || {
        format!(
            "`{text}` is no selector of labels: expected as app=web, tier!=cache, env in (a, b), key or !key"
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
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        return match left.split_whitespace().collect::<Vec<_>>().as_slice() {
            [name, "in"] => Ok(Requirement::In(key(name)?, values)),
            [name, "notin"] => Ok(Requirement::NotIn(key(name)?, values)),
            _ => Err(wrong()),
        };
    }
    if let Some((name, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(key(name)?, vec![value.trim().to_owned()]));
    }
    if let Some((name, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(key(name)?, vec![value.trim().to_owned()]));
    }
    match text.strip_prefix('!') {
        Some(name) => Ok(Requirement::Absent(key(name)?)),
        None => Ok(Requirement::Exists(key(text)?)),
    }
}

impl Requirement {
    /// Whether labels, a mapping, are as asked. As in Kubernetes, a label that is absent is not in
    /// any set.
    pub(in crate::scenario) fn holds(&self, labels: Option<&Value>) -> bool {
        let value = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
        match self {
            Self::Exists(key) => value(key).is_some(),
            Self::Absent(key) => value(key).is_none(),
            Self::In(key, values) => {
                value(key).is_some_and(|value| values.iter().any(|one| one == value))
            }
            Self::NotIn(key, values) => {
                value(key).is_none_or(|value| values.iter().all(|one| one != value))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selects(selector: &str) -> bool {
        let labels = json!({"app": "web", "env": "a", "k8s.io/x": ""});
        let requirements = requirements(&Labels::Selector(selector.to_owned())).unwrap();
        requirements.iter().all(|requirement| requirement.holds(Some(&labels)))
    }

    #[test]
    fn selectors_mean_what_they_mean_to_kubectl() {
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
    fn what_is_no_selector_says_what_would_be() {
        for selector in ["app web", "env in a", "env on (a)", "=web", "env in (a"] {
            let error = requirements(&Labels::Selector(selector.to_owned())).unwrap_err();
            assert!(error.contains("expected as app=web"), "{error}");
        }
    }
}
