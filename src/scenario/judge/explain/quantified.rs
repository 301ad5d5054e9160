use std::sync::Arc;

use serde_json::Value;

use super::breach::{breaches, share};
use super::object;
use crate::plural::plural;
use crate::scenario::judge::pattern;
use crate::scenario::judge::program::{Predicate, Quantifier, Quantity};
use crate::scenario::judge::state::State;
use crate::scenario::judge::truth::Truth;
use crate::scenario::outcome::Explanation;

pub(super) fn explain(state: &State, quantity: &Quantity, expected: bool) -> Explanation {
    let program = &state.program;
    let tally = &program.tallies[quantity.tally];
    let selection = &program.selections[tally.selection];
    let predicate = &program.predicates[tally.predicate];
    let members = state.members(tally.selection);
    let (matching, others): (Vec<&Arc<Value>>, Vec<&Arc<Value>>) = members
        .iter()
        .copied()
        .partition(|object| predicate.test(object, None, &program.variables) == Truth::True);
    let (all, label) = (members.len(), selection.label.as_str());
    let asks = !predicate.is_empty();
    let verb = |count: usize| if count <= 1 { "matches" } else { "match" };
    let matching_share = match asks {
        true => format!("{} {}", share(matching.len(), all, label), verb(matching.len())),
        false => format!("there {}", there_are(all, label)),
    };
    let summary = match quantity.quantifier {
        _ if all == 0 && quantity.quantifier != Quantifier::None => {
            format!("there are no objects of {label}")
        }
        Quantifier::All if matching.len() == all && !expected => matching_share,
        Quantifier::All if matching.len() == all => {
            format!("there {}, expected {}", there_are(all, label), quantity.range.text())
        }
        Quantifier::Count if expected => {
            format!("{matching_share}, expected {}", quantity.range.text())
        }
        _ => matching_share,
    };
    // Shows the objects that would have to change for the condition to be as expected.
    let wants_more = match quantity.quantifier {
        Quantifier::All | Quantifier::Any => expected,
        Quantifier::None => !expected,
        Quantifier::Count => {
            expected
                && u64::try_from(matching.len()).is_ok_and(|count| count < quantity.range.least())
        }
    };
    let culprits = if wants_more { others } else { matching };
    let (breaches, more) = breaches(state, selection.kind, &culprits, |object| match wants_more {
        true => differences(state, predicate, object),
        false => facts(state, predicate, object),
    });
    Explanation { summary, breaches, more, ..Explanation::default() }
}

fn there_are(count: usize, label: &str) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{verb} {} of {label}", plural(count, "object"))
}

pub(super) fn differences(state: &State, predicate: &Predicate, object: &Value) -> Vec<String> {
    let mut lines = predicate
        .matches
        .as_ref()
        .map(|part| pattern::differences(part, Some(object)))
        .unwrap_or_default();
    if let Some(filter) = &predicate.filter {
        lines.extend(object::differences(state, &filter.root, &filter.variable, object, true));
    }
    lines
}

/// Why an object matches a predicate, although it must not.
fn facts(state: &State, predicate: &Predicate, object: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(part) = &predicate.matches {
        lines.push(format!("must not match {}", pattern::part_text(part)));
    }
    if let Some(filter) = &predicate.filter {
        lines.extend(object::differences(state, &filter.root, &filter.variable, object, false));
    }
    lines
}
