//! Reading Kubernetes Events, of both the core API and `events.k8s.io`.

use serde_json::Value;

use super::fields::{number, qualified, text};

/// The object that an Event is about.
pub(super) fn involved(event: &Value) -> &Value {
    event.get("involvedObject").or_else(|| event.get("regarding")).unwrap_or(&Value::Null)
}

pub(super) fn message(event: &Value) -> &str {
    match text(event, "/message") {
        "" => text(event, "/note"),
        message => message,
    }
}

/// An Event in one line: `Warning FailedScheduling, Pod default/big: 0/3 nodes are …`.
pub(super) fn line(event: &Value) -> String {
    let involved = involved(event);
    let times = match number(event, "/count").or_else(|| number(event, "/series/count")) {
        Some(count) if count > 1 => format!(" (×{count})"),
        _ => String::new(),
    };
    format!(
        "{} {}, {} {}: {}{times}",
        text(event, "/type"),
        text(event, "/reason"),
        text(involved, "/kind"),
        qualified(text(involved, "/namespace"), text(involved, "/name")),
        message(event).trim().replace('\n', " ")
    )
}
