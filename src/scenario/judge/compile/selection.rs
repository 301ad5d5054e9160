use std::sync::Arc;

use serde_json::Value;

use super::Compiler;
use crate::kubernetes::{find_kind, kinds};
use crate::scenario::history::KindName;
use crate::scenario::judge::labels::requirements;
use crate::scenario::judge::plan::{Body, Predicate, SelectionPlan, Tally};
use crate::scenario::language::{Selection, SelectionRef};
use crate::yaml::nearest;

impl Compiler<'_> {
    pub(super) fn selection_ref(&mut self, path: &str, selection: &SelectionRef) -> Option<usize> {
        match selection {
            SelectionRef::Named(name) => match self.named.get(name) {
                Some(number) => *number,
                None => {
                    let names: Vec<&str> = self.named.keys().map(String::as_str).collect();
                    let suggestion = nearest(name, &names).map(str::to_owned);
                    let message = format!("there is no selection `{name}`");
                    self.mistake_with(path, message, suggestion);
                    None
                }
            },
            SelectionRef::Inline(selection) => {
                let number = self.selection(path, selection, None)?;
                self.program.inline.push((selection.clone(), number));
                Some(number)
            }
        }
    }

    pub(super) fn selection(
        &mut self,
        path: &str,
        selection: &Selection,
        name: Option<&str>,
    ) -> Option<usize> {
        let kind = self.kind(&format!("{path}.kind"), &selection.kind);
        let labels = selection.labels.as_ref().map(requirements).transpose();
        let labels = match labels {
            Ok(labels) => Some(labels.unwrap_or_default()),
            Err(message) => {
                self.mistake(&format!("{path}.labels"), message);
                None
            }
        };
        let predicate =
            self.predicate(path, selection.matches.as_ref(), selection.filter.as_deref(), false);
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
        let known = self.program.selections.iter().position(|known| *known == plan);
        Some(known.unwrap_or_else(|| {
            self.program.selections.push(plan);
            self.program.selections.len() - 1
        }))
    }

    fn kind(&mut self, path: &str, name: &str) -> Option<usize> {
        let full = match find_kind(name) {
            Some(kind) => format!("{}/{}", kind.api_version(), kind.kind),
            None if name.contains('/') => name.to_owned(),
            None => {
                let names: Vec<&str> = kinds().iter().map(|kind| kind.kind).collect();
                let suggestion = nearest(name, &names).map(str::to_owned);
                self.mistake_with(
                    path,
                    format!(
                        "Kubernetes has no kind `{name}`: one of your own is named with its group \
                         and version, as example.com/v1/Widget"
                    ),
                    suggestion,
                );
                return None;
            }
        };
        let known = self.program.kinds.iter().position(|kind| *kind.0 == *full);
        Some(known.unwrap_or_else(|| {
            self.program.kinds.push(KindName(Arc::from(full)));
            self.program.kinds.len() - 1
        }))
    }

    /// `match` and `where` below `path`, of one `object`, and where `with_old` of `old` too.
    pub(super) fn predicate(
        &mut self,
        path: &str,
        matches: Option<&Value>,
        filter: Option<&str>,
        with_old: bool,
    ) -> Option<usize> {
        let body = match filter {
            Some(text) => {
                let names: &[&str] =
                    if with_old { &["object", "old", "vars"] } else { &["object", "vars"] };
                let expression = self.expression(&format!("{path}.where"), text, names)?;
                Some(Body::new(expression.root().clone(), "object".to_owned()))
            }
            None => None,
        };
        Some(self.intern_predicate(Predicate { matches: matches.cloned(), body }))
    }

    pub(super) fn intern_predicate(&mut self, predicate: Predicate) -> usize {
        let known = self.program.predicates.iter().position(|known| known.is_same(&predicate));
        known.unwrap_or_else(|| {
            self.program.predicates.push(predicate);
            self.program.predicates.len() - 1
        })
    }

    pub(super) fn tally(&mut self, selection: usize, predicate: usize) -> usize {
        let tally = Tally { selection, predicate };
        let known = self.program.tallies.iter().position(|known| *known == tally);
        known.unwrap_or_else(|| {
            self.program.tallies.push(tally);
            self.program.tallies.len() - 1
        })
    }
}
