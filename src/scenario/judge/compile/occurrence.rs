use super::Compiler;
use super::condition::one_line;
use crate::scenario::history::FaultState;
use crate::scenario::judge::program::{ObjectEventKind, OccurrencePlan, StepPhase, Trigger};
use crate::scenario::language::{self, Filter, Occurrence, SelectionRef};
use crate::yaml::nearest;

impl Compiler<'_> {
    pub(super) fn compile_occurrence(
        &mut self,
        path: &str,
        occurrence: &Occurrence,
    ) -> Option<OccurrencePlan> {
        let field = format!("{path}.{}", occurrence.name());
        let (event, selection, filter) = match occurrence {
            Occurrence::Created { selection, filter } => {
                (ObjectEventKind::Created, selection, filter)
            }
            Occurrence::Deleted { selection, filter } => {
                (ObjectEventKind::Deleted, selection, filter)
            }
            Occurrence::Changed { selection, filter } => {
                (ObjectEventKind::Changed, selection, filter)
            }
            Occurrence::Becomes { selection, filter } => {
                (ObjectEventKind::Becomes, selection, filter)
            }
            Occurrence::Holds { holds } => {
                let condition = self.compile_condition(&field, holds)?;
                let plan = &self.program.conditions[condition];
                let (text, kinds) = (format!("{} begins to hold", plan.text), plan.kinds.clone());
                return Some(OccurrencePlan { trigger: Trigger::Holds(condition), text, kinds });
            }
            Occurrence::Step { step: written } => {
                let (phase, verb) = match written {
                    language::StepPhase::Started(_) => (StepPhase::Started, "starts"),
                    language::StepPhase::Finished(_) => (StepPhase::Finished, "ends"),
                };
                let step = written.step().to_owned();
                self.require_step(&format!("{field}.{}", written.name()), &step)?;
                let text = format!("step {step:?} {verb}");
                let trigger = Trigger::Step { step, phase };
                return Some(OccurrencePlan { trigger, text, kinds: Vec::new() });
            }
            Occurrence::Injected { injected } => {
                return self.fault(&field, injected, FaultState::Injected);
            }
            Occurrence::Healed { healed } => return self.fault(&field, healed, FaultState::Healed),
        };
        self.object_occurrence(path, (&field, event), selection, filter)
    }

    fn fault(&mut self, path: &str, step: &str, state: FaultState) -> Option<OccurrencePlan> {
        self.require_step(path, step)?;
        let verb = if state == FaultState::Injected { "is injected" } else { "is healed" };
        let text = format!("the fault of {step:?} {verb}");
        let trigger = Trigger::Fault { step: step.to_owned(), state };
        Some(OccurrencePlan { trigger, text, kinds: Vec::new() })
    }

    fn object_occurrence(
        &mut self,
        path: &str,
        (field, event): (&str, ObjectEventKind),
        selection: &SelectionRef,
        filter: &Filter,
    ) -> Option<OccurrencePlan> {
        let selection = self.selection_ref(field, selection);
        let predicate = self.predicate(path, filter, event == ObjectEventKind::Changed);
        let (selection, predicate) = (selection?, predicate?);
        let plan = &self.program.selections[selection];
        let label = &plan.label;
        let asked = self.predicate_text(predicate);
        let verb = match event {
            ObjectEventKind::Created => "is created",
            ObjectEventKind::Deleted => "is deleted",
            ObjectEventKind::Changed => "changes",
            ObjectEventKind::Becomes if asked.is_empty() => "appears",
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

    /// Notes a mistake when no step has a name.
    pub(super) fn require_step(&mut self, path: &str, name: &str) -> Option<()> {
        let steps = self.scenario.all_steps();
        let names: Vec<&str> = steps.into_iter().filter_map(|step| step.name.as_deref()).collect();
        if names.contains(&name) {
            return Some(());
        }
        let suggestion = nearest(name, &names).map(str::to_owned);
        self.mistake_with(
            "unknown-step",
            path,
            format!("step {name:?} does not exist"),
            suggestion,
        );
        None
    }
}
