use std::fmt::Write as _;

use super::Paint;
use super::layout::wrapped;
use crate::scenario::report::explanation::{FailureDetails, PendingPod};
use crate::scenario::report::format;
use crate::scenario::report::label::Label;

/// The details of a failure in lines of 80 columns.
pub fn failure_text(failure: &FailureDetails, paint: Paint) -> String {
    let mut out = String::new();
    let label = Label::from(failure.verdict);
    let heading = format!(
        "{}  {}{}",
        paint.label(label, &label.to_string()),
        paint.strong(&failure.name),
        paint.faint(&format!(", at {}", failure.moment)),
    );
    wrapped(&mut out, "", "  ", &heading);
    if !failure.claim.is_empty() && failure.claim != failure.name {
        wrapped(&mut out, "  ", "      ", &failure.claim);
    }
    wrapped(&mut out, "  ", "  ", &paint.strong(&failure.summary));
    for part in &failure.parts {
        wrapped(&mut out, "    ", "      ", part);
    }
    for unknown in &failure.unknown {
        wrapped(&mut out, "    not observed: ", "      ", unknown);
    }
    objects(&mut out, failure, paint);
    for pod in failure.other_pending() {
        wrapped(&mut out, "\n  ", "  ", &paint.strong(&format!("{}: pending", pod.pod)));
        pending(&mut out, pod);
    }
    nearby(&mut out, failure, paint);
    out
}

fn objects(out: &mut String, failure: &FailureDetails, paint: Paint) {
    for object in &failure.objects {
        let state = match object.state.as_str() {
            "" => String::new(),
            state => format!(": {state}"),
        };
        out.push('\n');
        let name = paint.strong(&object.object.to_string());
        wrapped(out, "  ", "    ", &format!("{name}{state}"));
        for difference in &object.differences {
            wrapped(out, "    ", "      ", difference);
        }
        if let Some(pod) = failure.pending_of(object) {
            pending(out, pod);
        }
    }
    if failure.more_objects > 0 {
        let _ = writeln!(out, "  and {}", format::count(failure.more_objects, "more object"));
    }
}

fn pending(out: &mut String, pod: &PendingPod) {
    if let Some(message) = &pod.message {
        wrapped(out, "    scheduler: ", "      ", message);
    }
    for refusal in &pod.refusals {
        wrapped(out, &format!("    {}: ", refusal.node), "      ", &refusal.reasons.join("; "));
    }
}

fn nearby(out: &mut String, failure: &FailureDetails, paint: Paint) {
    if failure.nearby.is_empty() {
        return;
    }
    let legend = match failure.nearby.iter().any(|entry| entry.is_related) {
        true => " (*: about these objects)",
        false => "",
    };
    let _ = writeln!(out, "\n  Around that moment{legend}");
    for entry in &failure.nearby {
        let mark = if entry.is_related { "*" } else { " " };
        let moment = paint.faint(&format!("{:>9}", entry.at.to_string()));
        let first = format!("  {mark} {moment}  {:<7}  ", entry.kind.word());
        wrapped(out, &first, &" ".repeat(24), &entry.text);
    }
    if failure.more_nearby > 0 {
        let _ = writeln!(out, "    and {} more in the record", failure.more_nearby);
    }
}
