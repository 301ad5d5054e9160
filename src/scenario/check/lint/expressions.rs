//! CEL and partial objects that do not fit the kinds that they are about.

use super::context::{Context, within};
use super::finding::Findings;
use crate::scenario::check::type_check::{match_mistakes, scenario_mistakes};
use crate::scenario::judge::{Invalid, Program};
use crate::yaml::Node;

pub(super) fn expressions(context: &Context<'_>, found: &mut Findings<'_>) {
    for mistake in scenario_mistakes(context.scenario) {
        invalid(context, found, mistake);
    }
    // The judge has the last word, but other rules have better messages for the same mistakes.
    for mistake in Program::compile(context.scenario).err().unwrap_or_default() {
        let is_known = match mistake.rule {
            "condition" => found.has_error_around(&mistake.path),
            _ => found.has_error_at(&mistake.path),
        };
        if !is_known {
            invalid(context, found, mistake);
        }
    }
    for (path, filter, of) in &context.parts.filters {
        let (Some(selection), Some(matches)) = (context.scenario.selection(*of), &filter.matches)
        else {
            continue;
        };
        for mistake in match_mistakes(&selection.kind, matches) {
            let path = within(&format!("{path}.match"), &mistake.path);
            let finding = match mistake.is_about_name {
                true => found.error_at_name("match", path, mistake.message),
                false => found.error("match", path, mistake.message),
            };
            finding.suggest(mistake.suggestion);
        }
    }
}

/// Adds what another check found in a field's text.
fn invalid(context: &Context<'_>, found: &mut Findings<'_>, invalid: Invalid) {
    let Invalid { rule, path, message, suggestion, offset } = invalid;
    let text = context.variant.root.at(&path).and_then(Node::text);
    let position = match (offset, text) {
        (Some(range), Some(text)) => {
            let byte = text.char_indices().nth(range.start).map_or(text.len(), |(at, _)| at);
            context.variant.locate(context.file, &path, byte)
        }
        _ => context.variant.position(&path),
    };
    found.error(rule, path, message).suggest(suggestion).at(position);
}
