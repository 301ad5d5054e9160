use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use super::situation::label;

type Labels = BTreeMap<String, String>;

/// Whether a selector matches labels. No selector matches nothing, an empty one everything.
pub(super) fn selects(selector: Option<&LabelSelector>, labels: Option<&Labels>) -> bool {
    let Some(selector) = selector else { return false };
    let equal = selector.match_labels.iter().flatten();
    let mut expressions = selector.match_expressions.iter().flatten();
    equal.into_iter().all(|(key, value)| label(labels, key) == Some(value))
        && expressions.all(|expression| satisfies(expression, labels))
}

fn satisfies(requirement: &LabelSelectorRequirement, labels: Option<&Labels>) -> bool {
    let values = requirement.values.as_deref().unwrap_or_default();
    let actual = label(labels, &requirement.key);
    fulfils(&requirement.operator, values, actual)
}

/// Whether the value of a label, `None` if absent, satisfies a requirement of a selector or of node
/// affinity.
pub(super) fn fulfils(operator: &str, values: &[String], actual: Option<&str>) -> bool {
    let is_among = |actual: &str| values.iter().any(|value| value == actual);
    let numbers = || {
        let [value] = values else { return None };
        Some((actual?.parse::<i64>().ok()?, value.parse::<i64>().ok()?))
    };
    match operator {
        "In" => actual.is_some_and(is_among),
        "NotIn" => !actual.is_some_and(is_among),
        "Exists" => actual.is_some(),
        "DoesNotExist" => actual.is_none(),
        "Gt" => numbers().is_some_and(|(actual, value)| actual > value),
        "Lt" => numbers().is_some_and(|(actual, value)| actual < value),
        _ => false,
    }
}

/// A selector in kubectl's notation, such as `app=web,tier in (a,b)`.
pub(super) fn shown(selector: Option<&LabelSelector>) -> String {
    let Some(selector) = selector else { return "no labels".to_owned() };
    let equal = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().flatten().map(|expression| {
        let values = expression.values.as_deref().unwrap_or_default();
        shown_requirement(&expression.key, &expression.operator, values)
    });
    let parts: Vec<_> = equal.chain(expressions).collect();
    if parts.is_empty() { "any labels".to_owned() } else { parts.join(",") }
}

/// Such as `zone in (a,b)`, `!zone` or `cores>4`.
pub(super) fn shown_requirement(key: &str, operator: &str, values: &[String]) -> String {
    let values = values.join(",");
    match operator {
        "In" => format!("{key} in ({values})"),
        "NotIn" => format!("{key} notin ({values})"),
        "Exists" => key.to_owned(),
        "DoesNotExist" => format!("!{key}"),
        "Gt" => format!("{key}>{values}"),
        "Lt" => format!("{key}<{values}"),
        other => format!("{key} {other} ({values})"),
    }
}
