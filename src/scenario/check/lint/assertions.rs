//! Rules about assertions and occurrences that fit the schema but not their place.

use super::context::Context;
use super::finding::Findings;
use crate::scenario::language::{Claim, Occurrence};

pub(super) fn assertions(context: &Context<'_>, found: &mut Findings<'_>) {
    for at in &context.parts.assertions {
        let (path, claim) = (&at.path, &at.assertion.claim);
        let is_stable = matches!(claim, Claim::Stable { .. });
        if at.step.is_none() && claim.lasting().is_some() && !is_stable {
            let message = "cannot be used in the background, where `from` and `to` set the span";
            found.error_at_name("unused-field", format!("{path}.for"), message);
        }
        if at.step.is_some() && at.assertion.to.is_some() {
            let message = "cannot be used in a step, where the span ends with the step";
            found.error_at_name("unused-field", format!("{path}.to"), message);
        }
    }
}

pub(super) fn occurrences(context: &Context<'_>, found: &mut Findings<'_>) {
    for (path, occurrence) in &context.parts.occurrences {
        let Occurrence::Becomes { selection, filter } = occurrence else { continue };
        // An object joins such a selection only by its creation.
        let selects_whole_kind = context
            .scenario
            .selection(selection.into())
            .is_some_and(|selection| selection.labels.is_none() && selection.filter.is_empty());
        if filter.is_empty() && selects_whole_kind {
            let message =
                "needs `match` or `where`: an object is in this selection from its creation on";
            found.error("becomes-nothing", path.as_str(), message);
        }
    }
}
