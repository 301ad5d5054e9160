//! Rules about the steps that assertions and occurrences name.

use super::context::Context;
use super::finding::Findings;
use super::parts::Order;
use crate::scenario::language::{Action, Occurrence};
use crate::yaml::list;

pub(super) fn occurrences(context: &Context<'_>, found: &mut Findings<'_>) {
    for (path, occurrence) in &context.parts.occurrences {
        let path = format!("{path}.{}", occurrence.name());
        match occurrence {
            Occurrence::Step { step } => {
                context.named_step(found, &format!("{path}.{}", step.name()), step.step());
            }
            Occurrence::Injected { injected: step } | Occurrence::Healed { healed: step } => {
                named_fault(context, found, &path, step);
            }
            _ => {}
        }
    }
}

pub(super) fn spans(context: &Context<'_>, found: &mut Findings<'_>) {
    let parts = &context.parts;
    for at in &parts.assertions {
        let mut named = |field: &str, name: &Option<String>| {
            context.named_step(found, &format!("{}.{field}", at.path), name.as_ref()?)
        };
        let (from, to) = (named("from", &at.assertion.from), named("to", &at.assertion.to));
        if let (Some(from), Some(to), None) = (from, to, at.step)
            && from != to
            && parts.order(to, from) == Order::Before
        {
            let (from, to) = (parts.steps[from].name(), parts.steps[to].name());
            let message = format!("`{to}` comes before `{from}`, where the span begins");
            found.error("span-reversed", format!("{}.to", at.path), message);
        }
        if let (Some(from), Some(own)) = (from, at.step)
            && from != own
            && parts.order(from, own) == Order::After
        {
            let message = format!("`{}` comes after this step", parts.steps[from].name());
            found.error("span-reversed", format!("{}.from", at.path), message);
        }
    }
}

/// The number of the `inject` step that a field names; anything else is an error.
pub(super) fn named_fault(
    context: &Context<'_>,
    found: &mut Findings<'_>,
    path: &str,
    name: &str,
) -> Option<usize> {
    let parts = &context.parts;
    let step = context.named_step(found, path, name)?;
    if matches!(parts.steps[step].step.action, Action::Inject(_)) {
        return Some(step);
    }
    if !context.is_readable(&parts.steps[step]) {
        return None;
    }
    let faults: Vec<&str> = parts.injects().map(|(step, ..)| parts.steps[step].name()).collect();
    let message = match faults.as_slice() {
        [] => format!("step `{name}` injects no fault, and neither does any other step"),
        faults => format!("step `{name}` injects no fault; expected {}", list(faults, "or")),
    };
    found.error("no-fault", path, message);
    None
}
