//! Rules about the actions of steps.

use regex::Regex;

use super::context::Context;
use super::finding::Findings;
use super::kinds::check_kind;
use crate::scenario::language::{Action, Expect, Objects};
use crate::yaml::{list, nearest};

/// Effects of taints: <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/>.
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

pub(super) fn steps(context: &Context<'_>, found: &mut Findings<'_>) {
    if context.scenario.steps.is_empty() {
        found.error("empty-step", "steps", "expected at least one step");
    }
    for at in &context.parts.steps {
        action(found, &at.action_path(), &at.step.action);
    }
    for (path, objects) in &context.parts.objects {
        if let Objects::Named { object, .. } = objects {
            object_name(context, found, &format!("{path}.object"), object);
        }
    }
}

fn action(found: &mut Findings<'_>, path: &str, action: &Action) {
    let mut empty = |is_empty: bool, message: &str| {
        if is_empty {
            found.error("empty-step", path, message);
        }
    };
    match action {
        Action::Apply(apply) | Action::Create(apply) => empty(
            apply.objects.is_empty() && apply.manifest.is_none() && apply.files.is_empty(),
            "has no objects; expected `objects`, `manifest` or `files`",
        ),
        Action::Taint(taint) => {
            empty(
                taint.set.is_empty() && taint.remove.is_empty(),
                "changes nothing; expected `set` or `remove`",
            );
            for (index, text) in taint.set.iter().enumerate() {
                taint_syntax(found, &format!("{path}.set[{index}]"), text, true);
            }
            for (index, text) in taint.remove.iter().enumerate() {
                taint_syntax(found, &format!("{path}.remove[{index}]"), text, false);
            }
        }
        Action::Label(label) => empty(
            label.set.is_empty() && label.remove.is_empty(),
            "changes nothing; expected `set` or `remove`",
        ),
        Action::Sleep(sleep) => empty(
            sleep.reason.trim().is_empty(),
            "the reason is empty; say why the step cannot wait for a condition instead",
        ),
        Action::Exec(exec) => expect(found, &format!("{path}.expect"), &exec.expect),
        Action::Kubectl(command) => {
            expect(found, &format!("{path}.expect"), &command.expect);
            if command.args.first().is_some_and(|word| word == "kubectl") {
                let path = format!("{path}.args[0]");
                found.error("kubectl-twice", path, "leave out `kubectl`; these are its arguments");
            }
        }
        _ => {}
    }
}

fn object_name(context: &Context<'_>, found: &mut Findings<'_>, path: &str, object: &str) {
    match object.rsplit_once('/') {
        Some((kind, name)) if !kind.is_empty() && !name.is_empty() => {
            check_kind(context, found, path, kind);
        }
        _ => {
            let shown = object.escape_debug();
            let message =
                format!("expected a kind and a name such as `deployment/web`, found `{shown}`");
            found.error("object-name", path, message);
        }
    }
}

fn taint_syntax(found: &mut Findings<'_>, path: &str, text: &str, needs_effect: bool) {
    let (rest, effect) = match text.split_once(':') {
        Some((rest, effect)) => (rest, Some(effect)),
        None => (text, None),
    };
    let key = rest.split('=').next().unwrap_or_default();
    let is_key =
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let (message, suggestion) = match effect {
        _ if !is_key || rest.matches('=').count() > 1 => {
            let shown = text.escape_debug();
            (format!("expected a taint such as `key=value:NoSchedule`, found `{shown}`"), None)
        }
        None if needs_effect => (
            format!(
                "`{}` has no effect; append a colon and {}",
                text.escape_debug(),
                list(&EFFECTS, "or")
            ),
            Some(format!("{text}:NoSchedule")),
        ),
        Some(effect) if !EFFECTS.contains(&effect) => (
            format!(
                "expected {} as the taint's effect, found `{}`",
                list(&EFFECTS, "or"),
                effect.escape_debug()
            ),
            nearest(effect, &EFFECTS).map(|near| format!("{rest}:{near}")),
        ),
        _ => return,
    };
    found.error("taint-syntax", path, message).suggest(suggestion);
}

fn expect(found: &mut Findings<'_>, path: &str, expect: &Expect) {
    for (field, text) in [("stdout", &expect.stdout), ("stderr", &expect.stderr)] {
        let Some(text) = text else { continue };
        if let Err(error) = Regex::new(text) {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            let message = format!("invalid regular expression: {reason}");
            found.error("regular-expression", format!("{path}.{field}"), message);
        }
    }
}
