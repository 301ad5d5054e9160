use super::Compiler;
use super::condition::one_line;
use crate::scenario::history::FaultState;
use crate::scenario::judge::program::{ObjectEventKind, OccurrencePlan, StepPhase, Trigger};
use crate::scenario::language::{Occurrence, SelectionRef, Step};
use crate::yaml::nearest;

impl Compiler<'_> {
    pub(super) fn occurrence(
        &mut self,
        path: &str,
        occurrence: &Occurrence,
    ) -> Option<OccurrencePlan> {
        let objects = [
            ("created", ObjectEventKind::Created, &occurrence.created),
            ("deleted", ObjectEventKind::Deleted, &occurrence.deleted),
            ("changed", ObjectEventKind::Changed, &occurrence.changed),
            ("becomes", ObjectEventKind::Becomes, &occurrence.becomes),
        ];
        let others = [
            occurrence.holds.is_some(),
            occurrence.step.is_some(),
            occurrence.injected.is_some(),
            occurrence.healed.is_some(),
        ];
        let given: Vec<_> = objects
            .into_iter()
            .filter_map(|(field, event, selection)| Some((field, event, selection.as_ref()?)))
            .collect();
        let count = given.len() + others.iter().filter(|is_given| **is_given).count();
        if count != 1 {
            self.mistake(
                path,
                "expected exactly one of `created`, `deleted`, `changed`, `becomes`, `holds`, `step`, \
                 `injected` and `healed`",
            );
            return None;
        }
        let has_filter = occurrence.matches.is_some() || occurrence.filter.is_some();
        if let Some((field, event, selection)) = given.first() {
            return self.object_occurrence(path, (field, *event), selection, occurrence);
        }
        if has_filter {
            self.mistake(path, "`match` and `where` go with what happens to objects");
            return None;
        }
        if let Some(condition) = &occurrence.holds {
            let condition = self.condition(&format!("{path}.holds"), condition)?;
            let plan = &self.program.conditions[condition];
            let (text, kinds) = (format!("{} begins to hold", plan.text), plan.kinds.clone());
            return Some(OccurrencePlan { trigger: Trigger::Holds(condition), text, kinds });
        }
        if let Some(about) = &occurrence.step {
            let path = format!("{path}.step");
            let (field, step, phase) = match (&about.started, &about.finished) {
                (Some(step), None) => ("started", step, StepPhase::Started),
                (None, Some(step)) => ("finished", step, StepPhase::Finished),
                _ => {
                    self.mistake(&path, "expected exactly one of `started` and `finished`");
                    return None;
                }
            };
            self.require_step(&format!("{path}.{field}"), step)?;
            let verb = match phase {
                StepPhase::Started => "starts",
                StepPhase::Finished => "ends",
            };
            let text = format!("step {step:?} {verb}");
            let trigger = Trigger::Step { step: step.clone(), phase };
            return Some(OccurrencePlan { trigger, text, kinds: Vec::new() });
        }
        let (field, step, state, verb) = match (&occurrence.injected, &occurrence.healed) {
            (Some(step), _) => ("injected", step, FaultState::Injected, "is injected"),
            (_, Some(step)) => ("healed", step, FaultState::Healed, "is healed"),
            _ => return None,
        };
        self.require_step(&format!("{path}.{field}"), step)?;
        let text = format!("the fault of {step:?} {verb}");
        let trigger = Trigger::Fault { step: step.clone(), state };
        Some(OccurrencePlan { trigger, text, kinds: Vec::new() })
    }

    fn object_occurrence(
        &mut self,
        path: &str,
        (field, event): (&str, ObjectEventKind),
        selection: &SelectionRef,
        occurrence: &Occurrence,
    ) -> Option<OccurrencePlan> {
        let selection = self.selection_ref(&format!("{path}.{field}"), selection);
        let predicate = self.predicate(
            path,
            occurrence.matches.as_ref(),
            occurrence.filter.as_deref(),
            event == ObjectEventKind::Changed,
        );
        let (selection, predicate) = (selection?, predicate?);
        let plan = &self.program.selections[selection];
        let label = &plan.label;
        let asked = self.predicate_text(predicate);
        let verb = match event {
            ObjectEventKind::Created => "is created",
            ObjectEventKind::Deleted => "is deleted",
            ObjectEventKind::Changed => "changes",
            ObjectEventKind::Becomes if asked.is_empty() => "comes to be",
            ObjectEventKind::Becomes => "becomes",
        };
        let text = match (event, asked.as_str()) {
            (_, "") => format!("one of {label} {verb}"),
            (ObjectEventKind::Becomes, asked) => format!("one of {label} becomes {asked}"),
            (_, asked) => format!("one of {label} {verb} with {asked}"),
        };
        Some(OccurrencePlan {
            trigger: Trigger::Object { event, selection, predicate },
            text: one_line(&text),
            kinds: vec![plan.kind],
        })
    }

    /// Tells when there is no step of a name.
    pub(super) fn require_step(&mut self, path: &str, name: &str) -> Option<()> {
        let mut names = Vec::new();
        collect_names(&self.scenario.steps, &mut names);
        if names.contains(&name) {
            return Some(());
        }
        let suggestion = nearest(name, &names).map(str::to_owned);
        self.mistake_with(path, format!("there is no step {name:?}"), suggestion);
        None
    }
}

fn collect_names<'s>(steps: &'s [Step], names: &mut Vec<&'s str>) {
    for step in steps {
        names.extend(step.name.as_deref());
        for nested in [&step.parallel, &step.steps].into_iter().flatten() {
            collect_names(nested, names);
        }
    }
}
