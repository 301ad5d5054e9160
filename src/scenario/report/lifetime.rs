use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::fields::{self, controller};
use crate::scenario::history::{Change, Entry, KindName, Moment, ObjectEvent};
use crate::scenario::outcome::{Breach, ObjectName};

/// All objects of a record, in the order in which they first appear.
#[derive(Debug, Default)]
pub(super) struct Lifetimes {
    pub(super) all: Vec<Lifetime>,
    pub(super) end: Moment,
}

/// One object from creation to deletion. A successor of the same name has its own lifetime.
#[derive(Debug)]
pub(super) struct Lifetime {
    pub(super) name: ObjectName,
    /// All recorded versions in order, at least one. The version of a deletion is the last state.
    pub(super) versions: Vec<Version>,
    /// `None` if the object existed before the record or was created while its kind was not
    /// watched.
    pub(super) created: Option<Moment>,
    pub(super) deleted: Option<Moment>,
}

#[derive(Debug)]
pub(super) struct Version {
    pub(super) at: Moment,
    pub(super) event: ObjectEvent,
    pub(super) object: Arc<Value>,
}

impl Lifetimes {
    pub(super) fn of(history: &[Entry]) -> Self {
        let mut lifetimes = Self::default();
        let mut known: HashMap<(KindName, String), usize> = HashMap::new();
        for entry in history {
            lifetimes.end = lifetimes.end.max(entry.at);
            let Change::Object(change) = &entry.change else { continue };
            let name = fields::name(&change.kind, &change.object);
            let key = match name.uid.as_str() {
                "" => fields::qualified(&name.namespace, &name.name),
                uid => uid.to_owned(),
            };
            let place = *known.entry((change.kind.clone(), key)).or_insert_with(|| {
                let created = (change.event == ObjectEvent::Added).then_some(entry.at);
                lifetimes.all.push(Lifetime { name, versions: Vec::new(), created, deleted: None });
                lifetimes.all.len() - 1
            });
            let lifetime = &mut lifetimes.all[place];
            let is_deleted = matches!(change.event, ObjectEvent::Deleted | ObjectEvent::Missed);
            lifetime.deleted = is_deleted.then_some(entry.at);
            let object = Arc::clone(&change.object);
            lifetime.versions.push(Version { at: entry.at, event: change.event, object });
        }
        lifetimes
    }

    /// The objects of a kind, given without group and version.
    pub(super) fn of_kind<'a>(
        &'a self,
        kind: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a Lifetime> {
        self.all.iter().filter(move |lifetime| lifetime.kind() == kind)
    }

    pub(super) fn objects_at<'a>(&'a self, kind: &'a str, moment: Moment) -> Vec<&'a Value> {
        self.of_kind(kind)
            .filter_map(|lifetime| lifetime.at(moment))
            .map(|version| version.object.as_ref())
            .collect()
    }

    /// The uids of the breached objects and of the objects that they control at a moment, directly
    /// or indirectly: for a Deployment, its ReplicaSets and their pods.
    pub(super) fn family<'a>(&'a self, breaches: &'a [Breach], moment: Moment) -> HashSet<&'a str> {
        let mut known: HashSet<&str> =
            breaches.iter().map(|breach| breach.object.uid.as_str()).collect();
        loop {
            let before = known.len();
            for lifetime in &self.all {
                let owner = lifetime.at(moment).and_then(|version| controller(&version.object));
                if owner.is_some_and(|(_, _, owner)| known.contains(owner)) {
                    known.insert(&lifetime.name.uid);
                }
            }
            if known.len() == before {
                return known;
            }
        }
    }
}

impl Lifetime {
    /// The kind without group and version.
    pub(super) fn kind(&self) -> &str {
        fields::short_kind(&self.name.kind)
    }

    pub(super) fn first(&self) -> Moment {
        self.versions.first().map(|version| version.at).unwrap_or_default()
    }

    /// The version at a moment. `None` before the first version and after the deletion.
    pub(super) fn at(&self, moment: Moment) -> Option<&Version> {
        if self.deleted.is_some_and(|deleted| deleted <= moment) {
            return None;
        }
        let after = self.versions.partition_point(|version| version.at <= moment);
        after.checked_sub(1).and_then(|last| self.versions.get(last))
    }

    pub(super) fn last(&self) -> Option<&Value> {
        self.versions.last().map(|version| version.object.as_ref())
    }

    /// The first moment, `from` or later, at which the predicate is true.
    pub(super) fn first_where(
        &self,
        from: Moment,
        predicate: impl Fn(&Value) -> bool,
    ) -> Option<Moment> {
        let start = self.at(from).filter(|version| predicate(&version.object)).map(|_| from);
        start.or_else(|| {
            let mut later = self.versions.iter().filter(|version| version.at > from);
            later.find(|version| predicate(&version.object)).map(|version| version.at)
        })
    }
}
