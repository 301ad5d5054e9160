//! Rules about what a step does.

use regex::Regex;

use super::linter::Linter;
use crate::kubernetes::{find_kind, kinds};
use crate::scenario::language::{Action, Expect, Objects, Step};
use crate::yaml::{list, nearest};

/// Effects of taints: <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/>.
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

impl Linter<'_> {
    pub(super) fn steps(&mut self) {
        if self.scenario.steps.is_empty() {
            self.report("one-action", "steps", "there is nothing to do: expected steps");
        }
        let steps: Vec<(String, &Step)> =
            self.walk.steps.iter().map(|at| (at.path.clone(), at.step)).collect();
        for (path, step) in steps {
            let actions = step.actions();
            let fields: Vec<&str> = actions.iter().map(|(field, _)| *field).collect();
            match fields.as_slice() {
                [] => {
                    let message = "does nothing: expected one of `apply`, `wait`, `assert`, \
                                   `inject` and the other actions";
                    self.report("one-action", path.as_str(), message);
                }
                [_] => {}
                several => {
                    let message = format!(
                        "does several things, {}: make a step of each",
                        list(several, "and")
                    );
                    self.report("one-action", path.as_str(), message);
                }
            }
            if step.retries.as_ref().is_some_and(|retries| retries.attempts == 0) {
                let path = format!("{path}.retries.attempts");
                self.report("no-attempt", path, "expected 1 or more, the first try counted");
            }
            for (field, action) in actions {
                self.action(&format!("{path}.{field}"), action);
            }
        }
        let objects: Vec<_> = self.walk.objects.iter().map(|(p, o)| (p.clone(), *o)).collect();
        for (path, objects) in objects {
            self.objects(&path, objects);
        }
        let kinds = &self.scenario.record.kinds;
        for (index, kind) in kinds.iter().enumerate() {
            self.kind(&format!("record.kinds[{index}]"), kind);
        }
    }

    fn action(&mut self, path: &str, action: Action<'_>) {
        let mut empty = |is_empty: bool, message: &str| {
            if is_empty {
                self.report("empty-step", path, message);
            }
        };
        match action {
            Action::Apply(apply) | Action::Create(apply) => empty(
                apply.objects.is_empty() && apply.manifest.is_none() && apply.files.is_empty(),
                "has no objects: expected `objects`, `manifest` or `files`",
            ),
            Action::Cordon(cordon) => empty(cordon.nodes.is_empty(), "names no nodes"),
            Action::Taint(taint) => {
                empty(taint.nodes.is_empty(), "names no nodes");
                empty(
                    taint.set.is_empty() && taint.remove.is_empty(),
                    "changes nothing: expected `set` or `remove`",
                );
                for (index, text) in taint.set.iter().enumerate() {
                    self.taint(&format!("{path}.set[{index}]"), text, true);
                }
                for (index, text) in taint.remove.iter().enumerate() {
                    self.taint(&format!("{path}.remove[{index}]"), text, false);
                }
            }
            Action::Label(label) => empty(
                label.set.is_empty() && label.remove.is_empty(),
                "changes nothing: expected `set` or `remove`",
            ),
            Action::LoadImage(load) => match (load.images.is_empty(), &load.archive) {
                (true, None) => empty(true, "names no image: expected `images` or `archive`"),
                (false, Some(_)) => {
                    let message = "has both `images` and `archive`: make a step of each";
                    self.report("one-action", path, message);
                }
                _ => {}
            },
            Action::Exec(exec) => {
                empty(exec.command.is_empty(), "has no command");
                self.expect(&format!("{path}.expect"), &exec.expect);
            }
            Action::Kubectl(command) => {
                empty(command.args.is_empty(), "has no arguments");
                self.expect(&format!("{path}.expect"), &command.expect);
                if command.args.first().is_some_and(|word| word == "kubectl") {
                    let path = format!("{path}.args[0]");
                    self.report("kubectl-twice", path, "the arguments come without `kubectl`");
                }
            }
            Action::Heal(heal) => match (&heal.step, heal.all) {
                (None, false) => empty(true, "heals nothing: expected `step`, or `all: true`"),
                (Some(_), true) => {
                    self.report("one-action", path, "has both `step` and `all`: leave out either");
                }
                _ => {}
            },
            Action::Sleep(sleep) => empty(
                sleep.reason.trim().is_empty(),
                "has no reason: say why no condition can be waited for",
            ),
            Action::Parallel(steps) | Action::Steps(steps) => {
                empty(steps.is_empty(), "has no steps");
            }
            Action::Patch(_)
            | Action::Scale(_)
            | Action::Delete(_)
            | Action::Drain(_)
            | Action::Wait(_)
            | Action::Inject(_)
            | Action::Assert(_) => {}
        }
    }

    fn objects(&mut self, path: &str, objects: &Objects) {
        match (&objects.object, &objects.select) {
            (None, None) => {
                let message = "names no object: expected `object` or `select`";
                self.report("one-target", path, message);
            }
            (Some(_), Some(_)) => {
                let message = "has both `object` and `select`: leave out either";
                self.report("one-target", path, message);
            }
            (Some(object), None) => self.object_name(&format!("{path}.object"), object),
            (None, Some(_)) => {}
        }
        let unused = |field: &str, what: &str| {
            (format!("{path}.{field}"), format!("is not used: it goes with `{what}`"))
        };
        if objects.first.is_some() && objects.select.is_none() {
            let (path, message) = unused("first", "select");
            self.report_name("unused-field", path, message);
        }
        if objects.namespace.is_some() && objects.object.is_none() {
            let (path, message) = unused("namespace", "object");
            self.report_name("unused-field", path, message);
        }
    }

    fn object_name(&mut self, path: &str, object: &str) {
        match object.rsplit_once('/') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() => self.kind(path, kind),
            _ => {
                let message = format!(
                    "expected a kind and a name as `deployment/web`, found `{}`",
                    object.escape_debug()
                );
                self.report("one-target", path, message);
            }
        }
    }

    /// A kind that no one knows.
    pub(super) fn kind(&mut self, path: &str, kind: &str) {
        if find_kind(kind).is_some() || self.created.defines(kind) {
            return;
        }
        let shown = kind.escape_debug().to_string();
        if let Some((_, name)) = kind.rsplit_once('/') {
            let known =
                find_kind(name).map(|known| format!("{}/{}", known.api_version(), known.kind));
            let message = format!(
                "`{shown}` is no kind of Kubernetes' own, and no manifest here defines it: nothing of \
                 it can be checked"
            );
            self.report("unknown-kind", path, message).suggest(known).warning();
            return;
        }
        let names: Vec<&str> =
            kinds().iter().flat_map(|known| [known.kind, known.plural]).collect();
        let near = nearest(kind, &names);
        let message = format!("there is no kind `{shown}`");
        let message = match near {
            Some(_) => message,
            None => format!(
                "{message}; give one that is not Kubernetes' own with its group and version, as \
                 `example.com/v1/Widget`"
            ),
        };
        self.report("unknown-kind", path, message).suggest(near);
    }

    fn taint(&mut self, path: &str, text: &str, with_effect: bool) {
        let (rest, effect) = match text.split_once(':') {
            Some((rest, effect)) => (rest, Some(effect)),
            None => (text, None),
        };
        let key = rest.split('=').next().unwrap_or_default();
        let is_key =
            !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        if !is_key || rest.matches('=').count() > 1 {
            let message = format!(
                "expected a taint as `key=value:NoSchedule`, found `{}`",
                text.escape_debug()
            );
            self.report("taint-syntax", path, message);
            return;
        }
        match effect {
            None if with_effect => {
                let message = format!(
                    "`{}` has no effect: expected one of {} after a colon",
                    text.escape_debug(),
                    list(&EFFECTS, "or")
                );
                self.report("taint-syntax", path, message)
                    .suggest(Some(format!("{text}:NoSchedule")));
            }
            Some(effect) if !EFFECTS.contains(&effect) => {
                let near = nearest(effect, &EFFECTS).map(|near| format!("{rest}:{near}"));
                let message = format!(
                    "expected {} as the taint's effect, found `{}`",
                    list(&EFFECTS, "or"),
                    effect.escape_debug()
                );
                self.report("taint-syntax", path, message).suggest(near);
            }
            _ => {}
        }
    }

    fn expect(&mut self, path: &str, expect: &Expect) {
        for (field, text) in [("stdout", &expect.stdout), ("stderr", &expect.stderr)] {
            let Some(text) = text else { continue };
            if let Err(error) = Regex::new(text) {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default();
                let reason = reason.strip_prefix("error: ").unwrap_or(reason);
                let message = format!("is no regular expression: {reason}");
                self.report("regular-expression", format!("{path}.{field}"), message);
            }
        }
    }
}
