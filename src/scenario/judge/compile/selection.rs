use std::sync::Arc;

use super::Compiler;
use crate::kubernetes::{find_kind, kinds};
use crate::scenario::history::KindName;
use crate::scenario::judge::expression::{OBJECT, OLD, VARIABLES};
use crate::scenario::judge::labels::label_expressions;
use crate::scenario::judge::program::{
    KindId, ObjectExpression, Predicate, PredicateId, SelectionId, SelectionPlan, Tally, TallyId,
};
use crate::scenario::language::{Filter, Selection, SelectionRef};
use crate::yaml::nearest;

impl Compiler<'_> {
    pub(super) fn selection_ref(
        &mut self,
        path: &str,
        selection: &SelectionRef,
    ) -> Option<SelectionId> {
        match selection {
            SelectionRef::Named(name) => match self.named.get(name) {
                Some(number) => *number,
                None => {
                    let names: Vec<&str> = self.named.keys().map(String::as_str).collect();
                    let suggestion = nearest(name, &names).map(str::to_owned);
                    let message = format!("selection `{name}` does not exist");
                    self.mistake_with("unknown-selection", path, message, suggestion);
                    None
                }
            },
            SelectionRef::Inline(selection) => {
                let number = self.compile_selection(path, selection, None)?;
                self.program.inline.push((selection.clone(), number));
                Some(number)
            }
        }
    }

    pub(super) fn compile_selection(
        &mut self,
        path: &str,
        selection: &Selection,
        name: Option<&str>,
    ) -> Option<SelectionId> {
        let kind = self.kind(&format!("{path}.kind"), &selection.kind);
        let labels = selection.labels.as_ref().map(label_expressions).transpose();
        let labels = match labels {
            Ok(labels) => Some(labels.unwrap_or_default()),
            Err(message) => {
                self.mistake("label-selector", &format!("{path}.labels"), message);
                None
            }
        };
        let predicate = self.predicate(path, &selection.filter, false);
        let (kind, labels, predicate) = (kind?, labels?, predicate?);
        let kind_name = self.program.kinds[kind].0.rsplit('/').next().unwrap_or_default();
        let label = match name {
            Some(name) => name.to_owned(),
            None => find_kind(&self.program.kinds[kind].0)
                .map_or_else(|| format!("{} objects", kind_name), |kind| kind.plural.to_owned()),
        };
        let namespace = selection.namespace.as_ref().unwrap_or(&self.scenario.namespace);
        let plan = SelectionPlan {
            kind,
            namespace: (namespace != "*").then(|| namespace.clone()),
            name: selection.name.clone(),
            labels,
            predicate,
            label,
        };
        Some(self.program.selections.intern(plan, SelectionPlan::eq))
    }

    fn kind(&mut self, path: &str, name: &str) -> Option<KindId> {
        let full = match find_kind(name) {
            Some(kind) => format!("{}/{}", kind.api_version(), kind.kind),
            None if name.contains('/') => name.to_owned(),
            None => {
                let names: Vec<&str> = kinds().iter().map(|kind| kind.kind).collect();
                let suggestion = nearest(name, &names).map(str::to_owned);
                self.mistake_with(
                    "unknown-kind",
                    path,
                    format!(
                        "Kubernetes has no kind `{name}`; write a custom resource with its group and \
                         version, such as example.com/v1/Widget"
                    ),
                    suggestion,
                );
                return None;
            }
        };
        Some(self.program.kinds.intern(KindName(Arc::from(full)), KindName::eq))
    }

    /// `match` and `where` of the object at `path`, over `object` and, with `with_old`, `old`.
    pub(super) fn predicate(
        &mut self,
        path: &str,
        filter: &Filter,
        with_old: bool,
    ) -> Option<PredicateId> {
        let expression = match &filter.expression {
            Some(text) => {
                let names: &[&str] =
                    if with_old { &[OBJECT, OLD, VARIABLES] } else { &[OBJECT, VARIABLES] };
                let expression = self.expression(&format!("{path}.where"), text, names)?;
                Some(ObjectExpression::new(expression.root().clone(), OBJECT.to_owned()))
            }
            None => None,
        };
        let matches = filter.matches.clone();
        Some(self.intern_predicate(Predicate { matches, filter: expression }))
    }

    pub(super) fn intern_predicate(&mut self, predicate: Predicate) -> PredicateId {
        self.program.predicates.intern(predicate, Predicate::is_same)
    }

    pub(super) fn tally(&mut self, selection: SelectionId, predicate: PredicateId) -> TallyId {
        self.program.tallies.intern(Tally { selection, predicate }, Tally::eq)
    }
}
