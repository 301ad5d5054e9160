//! Selections, variables and exclusions without a use.

use std::collections::HashSet;

use serde_json::Value;

use super::context::{Context, has_word};
use super::finding::Findings;
use crate::scenario::language::SelectionRef;
use crate::scenario::read::{declared, excludes, is_excluded, variables_in};
use crate::yaml::{Data, join};

/// The names of these rules. Their findings count only if every variant has them.
pub(super) const RULES: [&str; 3] = ["unused-selection", "unused-variable", "unused-exclude"];

pub(super) fn unused(context: &Context<'_>, found: &mut Findings<'_>) {
    unused_selections(context, found);
    unused_variables(context, found);
    unused_excludes(context, found);
}

fn unused_selections(context: &Context<'_>, found: &mut Findings<'_>) {
    let named: HashSet<&str> = context
        .parts
        .references
        .iter()
        .filter_map(|(_, reference)| match reference {
            SelectionRef::Named(name) => Some(name.as_str()),
            SelectionRef::Inline(_) => None,
        })
        .collect();
    let is_used = |name: &str| {
        named.contains(name) || context.parts.texts.iter().any(|text| has_word(text, name))
    };
    for name in context.scenario.selections.keys().filter(|name| !is_used(name)) {
        let path = join("selections", name);
        found.error_at_name("unused-selection", path, "is never used").warning();
    }
}

fn unused_variables(context: &Context<'_>, found: &mut Findings<'_>) {
    let mut used: HashSet<String> = HashSet::new();
    let mut texts = Vec::new();
    context.file.root.scalars("", &mut |_, node| texts.extend(node.text()));
    for text in context.applied.iter().flat_map(|applied| &applied.reading.texts) {
        used.extend(variables_in(text).into_iter().map(|(_, name)| name.to_owned()));
    }
    let names = declared(&context.file.root);
    for text in &texts {
        used.extend(variables_in(text).into_iter().map(|(_, name)| name.to_owned()));
        if has_word(text, "vars") {
            let in_cel = names.iter().filter(|(name, _)| has_word(text, name));
            used.extend(in_cel.map(|(name, _)| (*name).to_owned()));
        }
    }
    let of_matrix = |name: &str| {
        let path = join("matrix.variables", name);
        if context.file.root.at(&path).is_some() { path } else { join("variables", name) }
    };
    for (name, position) in names.into_iter().filter(|(name, _)| !used.contains(*name)) {
        let path = of_matrix(name);
        let message = match path.starts_with("matrix") {
            true => "is never used: all of its values give the same run",
            false => "is never used",
        };
        found.error("unused-variable", path, message).at(position).warning();
    }
}

fn unused_excludes(context: &Context<'_>, found: &mut Findings<'_>) {
    let Some(Data::Mapping(mapping)) =
        context.file.root.at("matrix.variables").map(|node| &node.data)
    else {
        return;
    };
    let mut all = vec![serde_json::Map::new()];
    for entry in &mapping.entries {
        let Value::Array(values) = entry.value.to_json() else { return };
        let with = |combination: &serde_json::Map<String, Value>| {
            let one = |value: &Value| {
                let mut combination = combination.clone();
                combination.insert(entry.key.clone(), value.clone());
                combination
            };
            values.iter().map(one).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(with).collect();
    }
    for (index, exclude) in excludes(&context.file.root).iter().enumerate() {
        if !all.iter().any(|combination| is_excluded(combination, exclude)) {
            let path = format!("matrix.exclude[{index}]");
            let position = context.file.root.name_position(&path);
            let message = "excludes nothing: no combination has these values";
            found.error("unused-exclude", path, message).at(position).warning();
        }
    }
}
