use std::collections::BTreeSet;

use serde_json::Value;

use super::condition::Leaf;
use crate::scenario::judge::expression::{Reads, reads, reads_of_list};
use crate::scenario::judge::plan::{Dependence, Predicate, Program, Uses, What};

impl Program {
    /// Fills in which parts depend on which.
    pub(super) fn link(&mut self) {
        let empty = |length: usize| vec![Vec::new(); length];
        self.paths = vec![Vec::new(); self.kinds.len()];
        let mut uses = Uses {
            selections_of_kind: empty(self.kinds.len()),
            tallies_of_selection: empty(self.selections.len()),
            wholes_of_selection: vec![Vec::new(); self.selections.len()],
            conditions_of_selection: empty(self.selections.len()),
            conditions_of_tally: empty(self.tallies.len()),
            conditions_of_whole: empty(self.wholes.len()),
            claims_of_condition: empty(self.conditions.len()),
            occurrences_of_selection: vec![Vec::new(); self.selections.len()],
            membership: Vec::new(),
            tallies: Vec::new(),
        };
        for number in 0..self.selections.len() {
            let dependence = self.dependence(number, self.reads_of_selection(number));
            uses.membership.push(dependence);
        }
        for number in 0..self.tallies.len() {
            let (selection, predicate) =
                (self.tallies[number].selection, self.tallies[number].predicate);
            let read = self.reads_of_predicate(predicate);
            uses.tallies.push(self.dependence(selection, read));
        }
        for (number, selection) in self.selections.iter().enumerate() {
            uses.selections_of_kind[selection.kind].push(number);
        }
        for (number, tally) in self.tallies.iter().enumerate() {
            uses.tallies_of_selection[tally.selection].push(number);
        }
        for number in 0..self.wholes.len() {
            for (name, selection) in self.wholes[number].selections.clone() {
                let read = reads_of_list(&self.wholes[number].root, &name);
                let dependence = self.dependence(selection, read);
                uses.wholes_of_selection[selection].push((number, dependence));
            }
        }
        for (number, condition) in self.conditions.iter().enumerate() {
            condition.node.for_each_leaf(&mut |leaf| {
                let users = match leaf {
                    Leaf::Tally(tally) => &mut uses.conditions_of_tally[tally],
                    Leaf::Size(selection) => &mut uses.conditions_of_selection[selection],
                    Leaf::Whole(whole) => &mut uses.conditions_of_whole[whole],
                };
                if !users.contains(&number) {
                    users.push(number);
                }
            });
        }
        let mut occurrences = Vec::new();
        for (number, claim) in self.claims.iter().enumerate() {
            for condition in &claim.conditions {
                if !uses.claims_of_condition[*condition].contains(&number) {
                    uses.claims_of_condition[*condition].push(number);
                }
            }
            for (index, occurrence) in claim.occurrences.iter().enumerate() {
                if let What::Object { selection, predicate, .. } = occurrence.what {
                    occurrences.push((number, index, selection, predicate));
                }
            }
        }
        for (number, index, selection, predicate) in occurrences {
            let own = self.reads_of_predicate(predicate);
            let read = joined(own, self.reads_of_selection(selection));
            let dependence = self.dependence(selection, read);
            uses.occurrences_of_selection[selection].push((number, index, dependence));
        }
        self.uses = uses;
    }

    /// What a selection reads of objects, besides their namespace and name, which stay as they are.
    fn reads_of_selection(&self, selection: usize) -> Reads {
        let plan = &self.selections[selection];
        let mut paths = self.reads_of_predicate(plan.predicate)?;
        if !plan.labels.is_empty() {
            paths.insert(vec!["metadata".to_owned(), "labels".to_owned()]);
        }
        Some(paths)
    }

    fn reads_of_predicate(&self, predicate: usize) -> Reads {
        let Predicate { matches, body } = &self.predicates[predicate];
        let mut paths = match body {
            Some(body) => reads(&body.root, &body.variable)?,
            None => BTreeSet::new(),
        };
        if let Some(part) = matches {
            collect_paths(part, &mut Vec::new(), &mut paths);
        }
        Some(paths)
    }

    fn dependence(&mut self, selection: usize, read: Reads) -> Dependence {
        let Some(read) = read else { return Dependence::Everything };
        let known = &mut self.paths[self.selections[selection].kind];
        let numbers = read.into_iter().map(|path| {
            let number = known.iter().position(|known| *known == path);
            number.unwrap_or_else(|| {
                known.push(path);
                known.len() - 1
            })
        });
        Dependence::Paths(numbers.collect())
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
