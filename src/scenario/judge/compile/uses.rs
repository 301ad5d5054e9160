use std::collections::BTreeSet;

use serde_json::Value;

use super::condition::Leaf;
use crate::scenario::judge::expression::{Reads, reads, reads_of_list};
use crate::scenario::judge::program::{
    Dependence, Predicate, PredicateId, Program, SelectionId, Trigger, Uses,
};
use crate::scenario::judge::table::Table;

impl Program {
    /// Fills in which parts depend on which.
    pub(super) fn link(&mut self) {
        self.paths = Table::for_each_of(&self.kinds, Table::default);
        let mut uses = Uses {
            selections_of_kind: Table::for_each_of(&self.kinds, Vec::new),
            tallies_of_selection: Table::for_each_of(&self.selections, Vec::new),
            expressions_of_selection: Table::for_each_of(&self.selections, Vec::new),
            conditions_of_selection: Table::for_each_of(&self.selections, Vec::new),
            conditions_of_tally: Table::for_each_of(&self.tallies, Vec::new),
            conditions_of_expression: Table::for_each_of(&self.expressions, Vec::new),
            claims_of_condition: Table::for_each_of(&self.conditions, Vec::new),
            occurrences_of_selection: Table::for_each_of(&self.selections, Vec::new),
            membership: Table::for_each_of(&self.selections, Dependence::default),
            tallies: Table::for_each_of(&self.tallies, Dependence::default),
        };
        for id in self.selections.ids() {
            uses.membership[id] = self.dependence(id, self.reads_of_selection(id));
            uses.selections_of_kind[self.selections[id].kind].push(id);
        }
        for id in self.tallies.ids() {
            let (selection, predicate) = (self.tallies[id].selection, self.tallies[id].predicate);
            uses.tallies[id] = self.dependence(selection, self.reads_of_predicate(predicate));
            uses.tallies_of_selection[selection].push(id);
        }
        for id in self.expressions.ids() {
            for (name, selection) in self.expressions[id].selections.clone() {
                let read = reads_of_list(&self.expressions[id].root, &name);
                let dependence = self.dependence(selection, read);
                uses.expressions_of_selection[selection].push((id, dependence));
            }
        }
        for (id, condition) in self.conditions.iter() {
            condition.node.for_each_leaf(&mut |leaf| {
                let users = match leaf {
                    Leaf::Tally(tally) => &mut uses.conditions_of_tally[tally],
                    Leaf::Size(selection) => &mut uses.conditions_of_selection[selection],
                    Leaf::Cel(expression) => &mut uses.conditions_of_expression[expression],
                };
                if !users.contains(&id) {
                    users.push(id);
                }
            });
        }
        let mut occurrences = Vec::new();
        for (id, claim) in self.claims.iter() {
            for condition in &claim.conditions {
                if !uses.claims_of_condition[*condition].contains(&id) {
                    uses.claims_of_condition[*condition].push(id);
                }
            }
            for (occurrence, plan) in claim.occurrences.iter() {
                if let Trigger::Object { selection, predicate, .. } = plan.trigger {
                    occurrences.push((id, occurrence, selection, predicate));
                }
            }
        }
        for (id, occurrence, selection, predicate) in occurrences {
            let own = self.reads_of_predicate(predicate);
            let read = joined(own, self.reads_of_selection(selection));
            let dependence = self.dependence(selection, read);
            uses.occurrences_of_selection[selection].push((id, occurrence, dependence));
        }
        self.uses = uses;
    }

    /// The fields that decide membership, besides namespace and name, which never change.
    fn reads_of_selection(&self, selection: SelectionId) -> Reads {
        let plan = &self.selections[selection];
        let mut paths = self.reads_of_predicate(plan.predicate)?;
        if !plan.labels.is_empty() {
            paths.insert(vec!["metadata".to_owned(), "labels".to_owned()]);
        }
        Some(paths)
    }

    fn reads_of_predicate(&self, predicate: PredicateId) -> Reads {
        let Predicate { matches, filter } = &self.predicates[predicate];
        let mut paths = match filter {
            Some(filter) => reads(&filter.root, &filter.variable)?,
            None => BTreeSet::new(),
        };
        if let Some(part) = matches {
            collect_paths(part, &mut Vec::new(), &mut paths);
        }
        Some(paths)
    }

    fn dependence(&mut self, selection: SelectionId, read: Reads) -> Dependence {
        let Some(read) = read else { return Dependence::Everything };
        let known = &mut self.paths[self.selections[selection].kind];
        Dependence::Paths(read.into_iter().map(|path| known.intern(path, Vec::eq)).collect())
    }
}

fn joined(one: Reads, other: Reads) -> Reads {
    let mut paths = one?;
    paths.extend(other?);
    Some(paths)
}

/// The paths to the leaves of a part.
fn collect_paths(part: &Value, path: &mut Vec<String>, paths: &mut BTreeSet<Vec<String>>) {
    match part.as_object().filter(|fields| !fields.is_empty()) {
        Some(fields) => {
            for (name, field) in fields {
                path.push(name.clone());
                collect_paths(field, path, paths);
                path.pop();
            }
        }
        None => {
            paths.insert(path.clone());
        }
    }
}
