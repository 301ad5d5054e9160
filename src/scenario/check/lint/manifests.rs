//! Rules about the objects that steps apply.

use super::context::{Applied, Context, within};
use super::finding::{Finding, Findings, Severity};
use crate::scenario::check::type_check::object_mistakes;
use crate::scenario::read::{ManifestProblem, Origin};
use crate::yaml::{Node, Position};

pub(super) fn manifests(context: &Context<'_>, found: &mut Findings<'_>) {
    for applied in &context.applied {
        for problem in &applied.reading.problems {
            let ManifestProblem { origin, field, message } = problem.clone();
            at_origin(context, found, "manifest", &applied.path, origin, &field, message);
        }
        // Objects that the API server must refuse have mistakes on purpose.
        if applied.apply.refused.is_none() {
            objects(context, found, applied);
        }
    }
}

fn objects(context: &Context<'_>, found: &mut Findings<'_>, applied: &Applied<'_>) {
    for manifest in &applied.reading.manifests {
        for mistake in object_mistakes(&manifest.value) {
            let origin = manifest.origin_of(&mistake.path, mistake.is_about_name);
            let shown = match origin {
                Origin::Inline(_) => String::new(),
                _ => mistake.path,
            };
            at_origin(context, found, "manifest", &applied.path, origin, &shown, mistake.message)
                .suggest(mistake.suggestion);
        }
        let api_version = manifest.value["apiVersion"].as_str().unwrap_or_default();
        let kind = manifest.value["kind"].as_str().unwrap_or_default();
        let full = format!("{api_version}/{kind}");
        let is_custom = api_version.contains('.') && !api_version.contains(".k8s.io/");
        if is_custom && !context.expected.defines(&full) {
            let message = format!("no manifest here defines `{full}`, so lint cannot check it");
            let origin = manifest.origin_of("kind", false);
            let shown = if matches!(origin, Origin::Inline(_)) { "" } else { "kind" };
            at_origin(context, found, "unknown-kind", &applied.path, origin, shown, message)
                .warning();
        }
    }
}

/// Adds an error at the place of a manifest's part; `field` is shown after the step's path.
pub(super) fn at_origin<'f>(
    context: &Context<'_>,
    found: &'f mut Findings<'_>,
    rule: &'static str,
    path: &str,
    origin: Origin,
    field: &str,
    message: String,
) -> &'f mut Finding {
    match origin {
        Origin::Inline(inner) => found.error(rule, within(&within(path, &inner), field), message),
        Origin::Text(position) => {
            let text_path = format!("{path}.manifest");
            let node = context.variant.root.at(&text_path);
            let offset = offset_of(node.and_then(Node::text).unwrap_or_default(), position);
            let position = context.variant.locate(context.file, &text_path, offset);
            let shown = match field {
                "" => text_path.clone(),
                field => format!("{text_path}: {field}"),
            };
            let finding = found.error(rule, text_path, message).at(position);
            finding.path = shown;
            finding
        }
        Origin::File(_, file, Position { line, column }) => found.push(Finding {
            rule,
            severity: Severity::Error,
            file,
            line,
            column,
            path: field.to_owned(),
            message,
            suggestion: None,
        }),
    }
}

/// The offset of a position in a text, in bytes.
fn offset_of(text: &str, position: Position) -> usize {
    let start: usize =
        text.split_inclusive('\n').take(position.line.saturating_sub(1)).map(str::len).sum();
    let line = text[start..].lines().next().unwrap_or_default();
    let within = line.char_indices().nth(position.column.saturating_sub(1));
    start + within.map_or(line.len(), |(at, _)| at)
}
