//! CEL and partial objects that do not fit the kinds they are about.

use super::linter::Linter;
use crate::scenario::check::type_check::{ObjectMistake, match_mistakes, scenario_mistakes};
use crate::scenario::judge::{Invalid, Program};
use crate::scenario::language::{Condition, SelectionRef};
use crate::yaml::Node;

impl Linter<'_> {
    pub(super) fn expressions(&mut self) {
        for invalid in scenario_mistakes(self.scenario) {
            self.invalid("cel", invalid);
        }
        // What the evaluator refuses beyond that: it has the last word.
        for invalid in Program::compile(self.scenario).err().unwrap_or_default() {
            if !self.has_error_within(&invalid.path) {
                self.invalid("condition", invalid);
            }
        }
        let mut parts = Vec::new();
        for (path, selection) in &self.walk.selections {
            parts.push((path.clone(), Some(selection.kind.clone()), selection.matches.as_ref()));
        }
        for (path, condition) in &self.walk.conditions {
            if let Condition::Quantified(quantified) = condition {
                let all = [&quantified.all, &quantified.any, &quantified.none, &quantified.count];
                let kind = all.into_iter().flatten().next().and_then(|one| self.kind_of(one));
                parts.push((path.clone(), kind, quantified.matches.as_ref()));
            }
        }
        for (path, occurrence) in &self.walk.occurrences {
            let all = [
                &occurrence.created,
                &occurrence.deleted,
                &occurrence.changed,
                &occurrence.becomes,
            ];
            let kind = all.into_iter().flatten().next().and_then(|one| self.kind_of(one));
            parts.push((path.clone(), kind, occurrence.matches.as_ref()));
        }
        for (path, kind, matches) in parts {
            let (Some(kind), Some(matches)) = (kind, matches) else { continue };
            for mistake in match_mistakes(&kind, matches) {
                self.object_mistake("match", &format!("{path}.match"), mistake);
            }
        }
    }

    /// The kind of a selection's objects; `None` for a selection that is not there.
    pub(super) fn kind_of(&self, reference: &SelectionRef) -> Option<String> {
        match reference {
            SelectionRef::Inline(selection) => Some(selection.kind.clone()),
            SelectionRef::Named(name) => {
                self.scenario.selections.get(name).map(|selection| selection.kind.clone())
            }
        }
    }

    /// Whether an error at, in or right around a path is noted already.
    fn has_error_within(&self, path: &str) -> bool {
        let is_part = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let is_same = |known: &str| is_part(known, path) || is_part(path, known);
        self.findings.iter().any(|finding| finding.is_error() && is_same(&finding.path))
    }

    /// Notes what another check found in the field's text.
    fn invalid(&mut self, rule: &'static str, invalid: Invalid) {
        let Invalid { path, message, suggestion, offset } = invalid;
        let text = self.variant.root.at(&path).and_then(Node::text);
        let position = match (offset, text) {
            (Some(range), Some(text)) => {
                let byte = text.char_indices().nth(range.start).map_or(text.len(), |(at, _)| at);
                self.variant.locate(self.file, &path, byte)
            }
            _ => self.variant.position(&path),
        };
        self.report(rule, path, message).suggest(suggestion).at(position);
    }

    pub(super) fn object_mistake(
        &mut self,
        rule: &'static str,
        path: &str,
        mistake: ObjectMistake,
    ) {
        let ObjectMistake { path: inner, message, suggestion } = mistake;
        let path = within(path, &inner);
        // An unknown field is wrong by its name.
        let finding = if message.ends_with("has no such field") {
            self.report_name(rule, path, message)
        } else {
            self.report(rule, path, message)
        };
        finding.suggest(suggestion);
    }
}

/// A path below another.
pub(super) fn within(path: &str, inner: &str) -> String {
    match (path, inner) {
        (path, "") => path.to_owned(),
        ("", inner) => inner.to_owned(),
        (path, inner) if inner.starts_with('[') => format!("{path}{inner}"),
        (path, inner) => format!("{path}.{inner}"),
    }
}
