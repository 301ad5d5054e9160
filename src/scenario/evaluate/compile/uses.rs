use super::condition::Leaf;
use crate::scenario::evaluate::plan::{Program, Uses, What};

impl Program {
    /// Fills in which parts depend on which.
    pub(super) fn link(&mut self) {
        let empty = |length: usize| vec![Vec::new(); length];
        let mut uses = Uses {
            selections_of_kind: empty(self.kinds.len()),
            tallies_of_selection: empty(self.selections.len()),
            wholes_of_selection: empty(self.selections.len()),
            conditions_of_selection: empty(self.selections.len()),
            conditions_of_tally: empty(self.tallies.len()),
            conditions_of_whole: empty(self.wholes.len()),
            claims_of_condition: empty(self.conditions.len()),
            occurrences_of_selection: vec![Vec::new(); self.selections.len()],
        };
        for (number, selection) in self.selections.iter().enumerate() {
            uses.selections_of_kind[selection.kind].push(number);
        }
        for (number, tally) in self.tallies.iter().enumerate() {
            uses.tallies_of_selection[tally.selection].push(number);
        }
        for (number, whole) in self.wholes.iter().enumerate() {
            for (_, selection) in &whole.selections {
                uses.wholes_of_selection[*selection].push(number);
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
        for (number, claim) in self.claims.iter().enumerate() {
            for condition in &claim.conditions {
                if !uses.claims_of_condition[*condition].contains(&number) {
                    uses.claims_of_condition[*condition].push(number);
                }
            }
            for (index, occurrence) in claim.occurrences.iter().enumerate() {
                if let What::Object { selection, .. } = occurrence.what {
                    uses.occurrences_of_selection[selection].push((number, index));
                }
            }
        }
        self.uses = uses;
    }
}
