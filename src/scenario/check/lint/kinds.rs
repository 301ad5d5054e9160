//! Kinds that do not exist.

use super::context::Context;
use super::finding::Findings;
use crate::kubernetes::{find_kind, kinds};
use crate::yaml::nearest;

pub(super) fn recorded_kinds(context: &Context<'_>, found: &mut Findings<'_>) {
    for (index, kind) in context.scenario.record.kinds.iter().enumerate() {
        check_kind(context, found, &format!("record.kinds[{index}]"), kind);
    }
}

/// Checks that Kubernetes or the scenario defines a kind.
pub(super) fn check_kind(context: &Context<'_>, found: &mut Findings<'_>, path: &str, kind: &str) {
    if find_kind(kind).is_some() || context.expected.defines(kind) {
        return;
    }
    let shown = kind.escape_debug();
    if let Some((_, name)) = kind.rsplit_once('/') {
        let known = find_kind(name).map(|known| format!("{}/{}", known.api_version(), known.kind));
        let message = format!(
            "`{shown}` is not a kind of Kubernetes and no manifest here defines it, so lint cannot check it"
        );
        found.error("unknown-kind", path, message).suggest(known).warning();
        return;
    }
    let names: Vec<&str> = kinds().iter().flat_map(|known| [known.kind, known.plural]).collect();
    let near = nearest(kind, &names);
    let message = match near {
        Some(_) => format!("kind `{shown}` does not exist"),
        None => format!(
            "kind `{shown}` does not exist; write a custom resource with its group and version, such as \
             `example.com/v1/Widget`"
        ),
    };
    found.error("unknown-kind", path, message).suggest(near);
}
