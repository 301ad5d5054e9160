use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::scenario::history::{GapState, ObjectChange, ObjectEvent};
use crate::scenario::judge::plan::Dependence;

/// All objects of the kinds that are looked at, as they are now.
#[derive(Debug)]
pub(in crate::scenario::judge) struct Objects {
    kinds: Vec<OfKind>,
    api_is_lost: bool,
}

#[derive(Debug, Default)]
struct OfKind {
    /// By namespace and name, with a separator that neither can have.
    slots: HashMap<String, usize>,
    keys: Vec<String>,
    objects: Vec<Option<Arc<Value>>>,
    is_lost: bool,
}

/// What became of one object.
#[derive(Debug)]
pub(in crate::scenario::judge) struct Applied {
    pub(in crate::scenario::judge) slot: usize,
    /// As it was, where it was there.
    pub(in crate::scenario::judge) old: Option<Arc<Value>>,
    /// As it is, where it is there.
    pub(in crate::scenario::judge) new: Option<Arc<Value>>,
    /// The object that the line tells of.
    pub(in crate::scenario::judge) told: Arc<Value>,
    pub(in crate::scenario::judge) event: ObjectEvent,
    /// Which of its kind's paths are known to be as they were, or not to be.
    same: Vec<Option<bool>>,
}

impl Applied {
    /// Whether all that something depends on is as it was.
    pub(in crate::scenario::judge) fn is_same(
        &mut self,
        dependence: &Dependence,
        paths: &[Vec<String>],
    ) -> bool {
        let (Some(old), Some(new), Dependence::Paths(numbers)) = (&self.old, &self.new, dependence)
        else {
            return false;
        };
        self.same.resize(paths.len(), None);
        let same = &mut self.same;
        numbers.iter().all(|number| {
            *same[*number].get_or_insert_with(|| is_same_at(old, new, &paths[*number]))
        })
    }
}

/// Whether there is the same at the end of a path, or it ends at the same place in the same way: a
/// field that is not there is another thing than one of what has no fields.
fn is_same_at(old: &Value, new: &Value, path: &[String]) -> bool {
    let (mut old, mut new) = (old, new);
    for field in path {
        match (old.get(field), new.get(field)) {
            (Some(next_old), Some(next_new)) => (old, new) = (next_old, next_new),
            (None, None) => return std::mem::discriminant(old) == std::mem::discriminant(new),
            _ => return false,
        }
    }
    old == new
}

impl Objects {
    pub(super) fn new(kinds: usize) -> Self {
        let kinds = std::iter::repeat_with(OfKind::default).take(kinds).collect();
        Self { kinds, api_is_lost: false }
    }

    /// Takes in what happened to an object of a kind. An object that took another's name without its
    /// end having been told makes two.
    pub(super) fn apply(&mut self, kind: usize, change: &ObjectChange) -> Vec<Applied> {
        let told = &change.object;
        let of_kind = &mut self.kinds[kind];
        let slot = of_kind.slot(told);
        let old = of_kind.objects[slot].clone();
        let is_same = old.as_ref().is_none_or(|old| uid(old) == uid(told));
        let applied = |old, new, told: &Arc<Value>, event| Applied {
            slot,
            old,
            new,
            told: Arc::clone(told),
            event,
            same: Vec::new(),
        };
        if matches!(change.event, ObjectEvent::Deleted | ObjectEvent::Missed) {
            if !is_same {
                return Vec::new();
            }
            of_kind.objects[slot] = None;
            return vec![applied(old, None, told, change.event)];
        }
        of_kind.objects[slot] = Some(Arc::clone(told));
        let new = Some(Arc::clone(told));
        match old {
            Some(old) if !is_same => vec![
                applied(Some(Arc::clone(&old)), None, &old, ObjectEvent::Missed),
                applied(None, new, told, change.event),
            ],
            old => vec![applied(old, new, told, change.event)],
        }
    }

    pub(super) fn gap(&mut self, kind: usize, state: GapState) {
        self.kinds[kind].is_lost = state == GapState::Lost;
    }

    pub(super) fn api(&mut self, available: bool) {
        self.api_is_lost = !available;
    }

    /// Whether what is known of any of the kinds may be old.
    pub(in crate::scenario::judge) fn are_unknown(&self, kinds: &[usize]) -> bool {
        !kinds.is_empty()
            && (self.api_is_lost || kinds.iter().any(|kind| self.kinds[*kind].is_lost))
    }

    /// All objects of a kind with their slots.
    pub(super) fn of_kind(&self, kind: usize) -> impl Iterator<Item = (usize, &Arc<Value>)> {
        let objects = self.kinds[kind].objects.iter().enumerate();
        objects.filter_map(|(slot, object)| Some((slot, object.as_ref()?)))
    }

    pub(super) fn object(&self, kind: usize, slot: usize) -> Option<&Arc<Value>> {
        self.kinds[kind].objects.get(slot)?.as_ref()
    }

    /// By what objects of a kind are ordered: namespace, then name.
    pub(super) fn key(&self, kind: usize, slot: usize) -> &str {
        self.kinds[kind].keys.get(slot).map_or("", String::as_str)
    }
}

impl OfKind {
    fn slot(&mut self, object: &Value) -> usize {
        let (namespace, name) = (metadata(object, "namespace"), metadata(object, "name"));
        let mut key = String::with_capacity(namespace.len() + name.len() + 1);
        key.push_str(namespace);
        key.push('\0');
        key.push_str(name);
        if let Some(slot) = self.slots.get(&key) {
            return *slot;
        }
        let slot = self.objects.len();
        self.keys.push(key.clone());
        self.slots.insert(key, slot);
        self.objects.push(None);
        slot
    }
}

/// A field of an object's metadata; empty where it has none.
pub(in crate::scenario::judge) fn metadata<'o>(object: &'o Value, field: &str) -> &'o str {
    let value = object.get("metadata").and_then(|metadata| metadata.get(field));
    value.and_then(Value::as_str).unwrap_or_default()
}

/// An object's unique identifier.
pub(in crate::scenario::judge) fn uid(object: &Value) -> &str {
    metadata(object, "uid")
}
