//! The objects of a cluster, as the record shows them so far.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::scenario::history::{GapState, KindName, ObjectChange, ObjectEvent};
use crate::scenario::judge::program::{Dependence, FieldPath, KindId};
use crate::scenario::judge::table::{Id, Table};

/// The current objects of the kinds that a program reads.
#[derive(Debug)]
pub(in crate::scenario::judge) struct Objects {
    kinds: Table<KindName, OfKind>,
    api_is_lost: bool,
}

#[derive(Debug, Default)]
struct OfKind {
    ids: HashMap<String, SlotId>,
    slots: Table<Slot>,
    is_lost: bool,
}

/// The place for the objects of one namespace and name, one after the other.
#[derive(Debug)]
pub(in crate::scenario::judge) struct Slot {
    /// Namespace and name, with a separator that neither can contain.
    key: String,
    object: Option<Arc<Value>>,
}

pub(in crate::scenario::judge) type SlotId = Id<Slot>;

/// The change of one object.
#[derive(Debug)]
pub(in crate::scenario::judge) struct Applied {
    pub(in crate::scenario::judge) slot: SlotId,
    /// The object before; `None` where it did not exist.
    pub(in crate::scenario::judge) old: Option<Arc<Value>>,
    /// The object now; `None` where it does not exist any more.
    pub(in crate::scenario::judge) new: Option<Arc<Value>>,
    /// The object in the record's line.
    pub(in crate::scenario::judge) reported: Arc<Value>,
    pub(in crate::scenario::judge) event: ObjectEvent,
    /// Whether the field at each path is unchanged, as far as it was compared.
    same: Table<FieldPath, Option<bool>>,
}

impl Applied {
    /// Whether all fields that a result depends on are unchanged.
    pub(in crate::scenario::judge) fn is_same(
        &mut self,
        dependence: &Dependence,
        paths: &Table<FieldPath>,
    ) -> bool {
        let (Some(old), Some(new), Dependence::Paths(ids)) = (&self.old, &self.new, dependence)
        else {
            return false;
        };
        self.same.grow_to(paths);
        let same = &mut self.same;
        ids.iter().all(|id| *same[*id].get_or_insert_with(|| is_same_at(old, new, &paths[*id])))
    }
}

/// Whether both have the same value at a path, or end before it at the same place: a field that a
/// mapping lacks is not the same as a field of a value that has none.
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
    pub(super) fn new(kinds: &Table<KindName>) -> Self {
        Self { kinds: Table::for_each_of(kinds, OfKind::default), api_is_lost: false }
    }

    /// Applies a change. An object that takes the name of one whose deletion was not recorded counts as
    /// two changes.
    pub(super) fn apply(&mut self, kind: KindId, change: &ObjectChange) -> Vec<Applied> {
        let reported = &change.object;
        let of_kind = &mut self.kinds[kind];
        let slot = of_kind.slot(reported);
        let current = &mut of_kind.slots[slot].object;
        let old = current.clone();
        let is_same = old.as_ref().is_none_or(|old| uid(old) == uid(reported));
        let applied = |old, new, reported: &Arc<Value>, event| Applied {
            slot,
            old,
            new,
            reported: Arc::clone(reported),
            event,
            same: Table::default(),
        };
        if matches!(change.event, ObjectEvent::Deleted | ObjectEvent::Missed) {
            if !is_same {
                return Vec::new();
            }
            *current = None;
            return vec![applied(old, None, reported, change.event)];
        }
        *current = Some(Arc::clone(reported));
        let new = Some(Arc::clone(reported));
        match old {
            Some(old) if !is_same => vec![
                applied(Some(Arc::clone(&old)), None, &old, ObjectEvent::Missed),
                applied(None, new, reported, change.event),
            ],
            old => vec![applied(old, new, reported, change.event)],
        }
    }

    pub(super) fn gap(&mut self, kind: KindId, state: GapState) {
        self.kinds[kind].is_lost = state == GapState::Lost;
    }

    pub(super) fn api(&mut self, available: bool) {
        self.api_is_lost = !available;
    }

    /// Whether objects of any of the kinds can have changed without a line in the record.
    pub(in crate::scenario::judge) fn are_unknown(&self, kinds: &[KindId]) -> bool {
        !kinds.is_empty()
            && (self.api_is_lost || kinds.iter().any(|kind| self.kinds[*kind].is_lost))
    }

    /// All objects of a kind with their slots.
    pub(super) fn of_kind(&self, kind: KindId) -> impl Iterator<Item = (SlotId, &Arc<Value>)> {
        let slots = self.kinds[kind].slots.iter();
        slots.filter_map(|(id, slot)| Some((id, slot.object.as_ref()?)))
    }

    pub(super) fn object(&self, kind: KindId, slot: SlotId) -> Option<&Arc<Value>> {
        self.kinds[kind].slots[slot].object.as_ref()
    }

    /// The order of objects: by namespace, then by name.
    pub(super) fn key(&self, kind: KindId, slot: SlotId) -> &str {
        &self.kinds[kind].slots[slot].key
    }
}

impl OfKind {
    fn slot(&mut self, object: &Value) -> SlotId {
        let (namespace, name) = (metadata(object, "namespace"), metadata(object, "name"));
        let mut key = String::with_capacity(namespace.len() + name.len() + 1);
        key.push_str(namespace);
        key.push('\0');
        key.push_str(name);
        if let Some(slot) = self.ids.get(&key) {
            return *slot;
        }
        let slot = self.slots.push(Slot { key: key.clone(), object: None });
        self.ids.insert(key, slot);
        slot
    }
}

/// A text field of an object's metadata; empty where it does not exist.
pub(in crate::scenario::judge) fn metadata<'o>(object: &'o Value, field: &str) -> &'o str {
    let value = object.get("metadata").and_then(|metadata| metadata.get(field));
    value.and_then(Value::as_str).unwrap_or_default()
}

pub(in crate::scenario::judge) fn uid(object: &Value) -> &str {
    metadata(object, "uid")
}
