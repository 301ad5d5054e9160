//! One walk over a scenario for all that read it.

use super::{
    Action, Assertion, Claim, Condition, Filter, Objects, Occurrence, Scenario, Selection,
    SelectionRef, Step,
};

/// What an expression can name besides `vars`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scope<'s> {
    /// The named selections.
    Selections,
    /// An object.
    Object(ObjectScope<'s>),
}

/// One object: `object`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObjectScope<'s> {
    /// The selection of the object.
    pub of: Subject<'s>,
    /// Whether `old` is its state before the change.
    pub with_old: bool,
}

/// The selection that a filter belongs to or refines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Subject<'s> {
    /// One in `selections`.
    Named(&'s str),
    /// One at hand.
    Selection(&'s Selection),
}

impl<'s> From<&'s SelectionRef> for Subject<'s> {
    fn from(reference: &'s SelectionRef) -> Self {
        match reference {
            SelectionRef::Named(name) => Self::Named(name),
            SelectionRef::Inline(selection) => Self::Selection(selection),
        }
    }
}

/// Visits the parts of a scenario in the order of its fields: selections, `record.logs`, assertions,
/// steps. Each method gets the path of its part, such as `steps[2].assert`.
///
/// The default methods walk on into the part. A method that is overridden ends the walk there, unless
/// it calls the `walk_…` function of the part.
pub trait Visitor<'s> {
    /// A selection of `selections`.
    fn named_selection(&mut self, path: &str, _name: &'s str, selection: &'s Selection) {
        self.selection(path, selection);
    }

    /// A step; groups come before their steps.
    fn step(&mut self, path: &str, step: &'s Step) {
        walk_step(self, path, step);
    }

    /// An assertion: of a step, or in the background.
    fn assertion(&mut self, path: &str, assertion: &'s Assertion, _step: Option<&'s Step>) {
        walk_assertion(self, path, assertion);
    }

    /// A condition that a step waits for.
    fn wait(&mut self, path: &str, condition: &'s Condition, _step: &'s Step) {
        self.condition(path, condition);
    }

    /// The objects that a step is about.
    fn objects(&mut self, path: &str, objects: &'s Objects) {
        walk_objects(self, path, objects);
    }

    /// A condition.
    fn condition(&mut self, path: &str, condition: &'s Condition) {
        walk_condition(self, path, condition);
    }

    /// An occurrence.
    fn occurrence(&mut self, path: &str, occurrence: &'s Occurrence) {
        walk_occurrence(self, path, occurrence);
    }

    /// A selection where one is used.
    fn reference(&mut self, path: &str, reference: &'s SelectionRef) {
        walk_reference(self, path, reference);
    }

    /// A selection: a named one, or an inline one.
    fn selection(&mut self, path: &str, selection: &'s Selection) {
        let scope = ObjectScope { of: Subject::Selection(selection), with_old: false };
        self.filter(path, &selection.filter, scope);
    }

    /// `match` and `where` of the part at `path`.
    fn filter(&mut self, path: &str, filter: &'s Filter, scope: ObjectScope<'s>) {
        walk_filter(self, path, filter, scope);
    }

    /// CEL.
    fn expression(&mut self, _path: &str, _text: &'s str, _scope: Scope<'s>) {}
}

/// Visits all parts of a scenario.
pub fn walk_scenario<'s, V: Visitor<'s> + ?Sized>(visitor: &mut V, scenario: &'s Scenario) {
    for (name, selection) in &scenario.selections {
        visitor.named_selection(&crate::yaml::join("selections", name), name, selection);
    }
    for (index, reference) in scenario.record.logs.iter().enumerate() {
        visitor.reference(&format!("record.logs[{index}]"), reference);
    }
    for (index, assertion) in scenario.assertions.iter().enumerate() {
        visitor.assertion(&format!("assertions[{index}]"), assertion, None);
    }
    walk_steps(visitor, "steps", &scenario.steps);
}

fn walk_steps<'s, V: Visitor<'s> + ?Sized>(visitor: &mut V, path: &str, steps: &'s [Step]) {
    for (index, step) in steps.iter().enumerate() {
        visitor.step(&format!("{path}[{index}]"), step);
    }
}

/// Visits the parts of a step.
pub fn walk_step<'s, V: Visitor<'s> + ?Sized>(visitor: &mut V, path: &str, step: &'s Step) {
    let path = format!("{path}.{}", step.action.name());
    let target = |field: &str| format!("{path}.{field}");
    match &step.action {
        Action::Patch(patch) => visitor.objects(&target("target"), &patch.target),
        Action::Scale(scale) => visitor.objects(&target("target"), &scale.target),
        Action::Label(label) => visitor.objects(&target("target"), &label.target),
        Action::Delete(delete) => visitor.objects(&target("target"), &delete.target),
        Action::Exec(exec) => visitor.objects(&target("pod"), &exec.pod),
        Action::Wait(condition) => visitor.wait(&path, condition, step),
        Action::Inject(inject) => {
            if let Some(condition) = &inject.when {
                visitor.wait(&target("when"), condition, step);
            }
        }
        Action::Assert(assertion) => visitor.assertion(&path, assertion, Some(step)),
        Action::Parallel(steps) | Action::Steps(steps) => walk_steps(visitor, &path, steps),
        Action::Apply(_)
        | Action::Create(_)
        | Action::Cordon(_)
        | Action::Drain(_)
        | Action::Taint(_)
        | Action::LoadImage(_)
        | Action::Kubectl(_)
        | Action::Heal(_)
        | Action::Sleep(_) => {}
    }
}

/// Visits the parts of an assertion.
pub fn walk_assertion<'s, V>(visitor: &mut V, path: &str, assertion: &'s Assertion)
where
    V: Visitor<'s> + ?Sized,
{
    let path = format!("{path}.{}", assertion.claim.name());
    match &assertion.claim {
        Claim::Eventually { condition, .. }
        | Claim::Always { condition, .. }
        | Claim::Never { condition, .. }
        | Claim::Stable { condition, .. } => visitor.condition(&path, condition),
        Claim::Until { until, .. } => {
            visitor.condition(&format!("{path}.hold"), &until.hold);
            visitor.condition(&format!("{path}.until"), &until.until);
        }
        Claim::Order { order, .. } => {
            for (index, occurrence) in order.iter().enumerate() {
                visitor.occurrence(&format!("{path}[{index}]"), occurrence);
            }
        }
        Claim::Count { count, .. } => visitor.occurrence(&format!("{path}.of"), &count.of),
        Claim::After { after, .. } => {
            visitor.occurrence(&format!("{path}.event"), &after.event);
            visitor.occurrence(&format!("{path}.then"), &after.then);
        }
    }
}

/// Visits the selection of a step's objects.
pub fn walk_objects<'s, V: Visitor<'s> + ?Sized>(
    visitor: &mut V,
    path: &str,
    objects: &'s Objects,
) {
    if let Objects::Selected { select, .. } = objects {
        visitor.reference(&format!("{path}.select"), select);
    }
}

/// Visits the parts of a condition.
pub fn walk_condition<'s, V>(visitor: &mut V, path: &str, condition: &'s Condition)
where
    V: Visitor<'s> + ?Sized,
{
    match condition {
        Condition::Cel(text) => visitor.expression(path, text, Scope::Selections),
        Condition::Quantified(quantified) => {
            let (quantifier, filter) = (&quantified.quantifier, &quantified.filter);
            visitor.reference(&format!("{path}.{}", quantifier.name()), quantifier.selection());
            let of = quantifier.selection().into();
            visitor.filter(path, filter, ObjectScope { of, with_old: false });
        }
    }
}

/// Visits the parts of an occurrence.
pub fn walk_occurrence<'s, V>(visitor: &mut V, path: &str, occurrence: &'s Occurrence)
where
    V: Visitor<'s> + ?Sized,
{
    let field = format!("{path}.{}", occurrence.name());
    if let Some((selection, filter)) = occurrence.objects() {
        visitor.reference(&field, selection);
        let with_old = matches!(occurrence, Occurrence::Changed { .. });
        visitor.filter(path, filter, ObjectScope { of: selection.into(), with_old });
    } else if let Occurrence::Holds { holds } = occurrence {
        visitor.condition(&field, holds);
    }
}

/// Visits an inline selection.
pub fn walk_reference<'s, V>(visitor: &mut V, path: &str, reference: &'s SelectionRef)
where
    V: Visitor<'s> + ?Sized,
{
    if let SelectionRef::Inline(selection) = reference {
        visitor.selection(path, selection);
    }
}

/// Visits the expression of a filter.
pub fn walk_filter<'s, V>(visitor: &mut V, path: &str, filter: &'s Filter, scope: ObjectScope<'s>)
where
    V: Visitor<'s> + ?Sized,
{
    if let Some(text) = &filter.expression {
        visitor.expression(&format!("{path}.where"), text, Scope::Object(scope));
    }
}
