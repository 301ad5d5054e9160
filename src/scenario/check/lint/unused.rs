//! What is given and never used.

use std::collections::HashSet;

use serde_json::Value;

use super::linter::{Linter, has_word};
use crate::scenario::language::{Action, SelectionRef};
use crate::scenario::read::{declared, excludes, is_excluded, read_manifests, variables_in};
use crate::yaml::{Data, join};

impl Linter<'_> {
    pub(super) fn unused(&mut self) {
        self.unused_selections();
        self.unused_variables();
        self.unused_excludes();
    }

    fn unused_selections(&mut self) {
        let named: HashSet<&str> = self
            .walk
            .references
            .iter()
            .filter_map(|(_, reference)| match reference {
                SelectionRef::Named(name) => Some(name.as_str()),
                SelectionRef::Inline(_) => None,
            })
            .collect();
        let is_used = |name: &str| {
            named.contains(name) || self.walk.texts.iter().any(|(_, text)| has_word(text, name))
        };
        let unused: Vec<String> =
            self.scenario.selections.keys().filter(|name| !is_used(name)).cloned().collect();
        for name in unused {
            let path = join("selections", &name);
            self.report_name("unused-selection", path, "is never used").warning();
        }
    }

    fn unused_variables(&mut self) {
        let mut used: HashSet<String> = HashSet::new();
        let mut texts = Vec::new();
        self.file.root.scalars("", &mut |_, node| texts.extend(node.text()));
        for at in &self.walk.steps {
            for (_, action) in at.step.actions() {
                if let Action::Apply(apply) | Action::Create(apply) = action {
                    let variables = &self.variant.variables;
                    let reading = read_manifests(apply, &self.file.folder, variables);
                    for text in &reading.texts {
                        used.extend(
                            variables_in(text).into_iter().map(|(_, name)| name.to_owned()),
                        );
                    }
                }
            }
        }
        let names = declared(&self.file.root);
        for text in &texts {
            used.extend(variables_in(text).into_iter().map(|(_, name)| name.to_owned()));
            if has_word(text, "vars") {
                let in_cel = names.iter().filter(|(name, _)| has_word(text, name));
                used.extend(in_cel.map(|(name, _)| (*name).to_owned()));
            }
        }
        let of_matrix = |name: &str| {
            let path = join("matrix.variables", name);
            if self.file.root.at(&path).is_some() { path } else { join("variables", name) }
        };
        let unused: Vec<_> = names
            .into_iter()
            .filter(|(name, _)| !used.contains(*name))
            .map(|(name, position)| (of_matrix(name), position))
            .collect();
        for (path, position) in unused {
            let message = match path.starts_with("matrix") {
                true => "is never used: each of its values runs the same",
                false => "is never used",
            };
            self.report("unused-variable", path, message).at(position).warning();
        }
    }

    fn unused_excludes(&mut self) {
        let Some(Data::Mapping(mapping)) =
            self.file.root.at("matrix.variables").map(|node| &node.data)
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
        for (index, exclude) in excludes(&self.file.root).iter().enumerate() {
            if !all.iter().any(|combination| is_excluded(combination, exclude)) {
                let path = format!("matrix.exclude[{index}]");
                let position = self.file.root.name_position(&path);
                let message = "leaves nothing out: no combination has these values";
                self.report("unused-exclude", path, message).at(position).warning();
            }
        }
    }
}
