//! A record as the lives of its objects: what was known of each, from its first to its last moment.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::object::{self, controller};
use crate::scenario::history::{Change, Entry, KindName, Moment, ObjectEvent};
use crate::scenario::judge::ObjectName;

/// Every object of a record, in the order in which they were first heard of.
#[derive(Debug, Default)]
pub(super) struct Lives {
    /// The objects.
    pub(super) all: Vec<Life>,
    /// The record's last moment.
    pub(super) end: Moment,
}

/// One object, from creation to deletion: a successor of the same name is another one.
#[derive(Debug)]
pub(super) struct Life {
    /// Its name.
    pub(super) name: ObjectName,
    /// All that was heard of it, in order; never empty.
    pub(super) versions: Vec<Version>,
    /// When it was created; `None` for what was there before, or came during a gap.
    pub(super) created: Option<Moment>,
    /// When it was gone.
    pub(super) gone: Option<Moment>,
}

/// An object from one moment on.
#[derive(Debug)]
pub(super) struct Version {
    /// When kindrs heard of it.
    pub(super) at: Moment,
    /// What had happened to it.
    pub(super) event: ObjectEvent,
    /// The object.
    pub(super) object: Arc<Value>,
}

impl Lives {
    /// Reads a record.
    pub(super) fn of(history: &[Entry]) -> Self {
        let mut lives = Self::default();
        let mut known: HashMap<(KindName, String), usize> = HashMap::new();
        for entry in history {
            lives.end = lives.end.max(entry.at);
            let Change::Object(change) = &entry.change else { continue };
            let name = object::name(&change.kind, &change.object);
            let key = match name.uid.as_str() {
                "" => format!("{}/{}", name.namespace, name.name),
                uid => uid.to_owned(),
            };
            let place = *known.entry((change.kind.clone(), key)).or_insert_with(|| {
                let created = (change.event == ObjectEvent::Added).then_some(entry.at);
                lives.all.push(Life { name, versions: Vec::new(), created, gone: None });
                lives.all.len() - 1
            });
            let life = &mut lives.all[place];
            let gone = matches!(change.event, ObjectEvent::Deleted | ObjectEvent::Missed);
            life.gone = gone.then_some(entry.at);
            let object = Arc::clone(&change.object);
            life.versions.push(Version { at: entry.at, event: change.event, object });
        }
        lives
    }

    /// Those of a kind, by its name without group and version.
    pub(super) fn of_kind<'a>(
        &'a self,
        kind: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a Life> {
        self.all.iter().filter(move |life| life.kind() == kind)
    }

    /// The objects of a kind that there were at a moment.
    pub(super) fn objects_at<'a>(&'a self, kind: &'a str, moment: Moment) -> Vec<&'a Value> {
        self.of_kind(kind)
            .filter_map(|life| life.at(moment))
            .map(|version| version.object.as_ref())
            .collect()
    }

    /// The objects that there were at a moment and that these control, by any number of steps: of a
    /// Deployment its ReplicaSets and their pods.
    pub(super) fn descendants(&self, of: &HashSet<&str>, moment: Moment) -> Vec<&Life> {
        let mut known: HashSet<&str> = of.clone();
        let mut found: Vec<&Life> = Vec::new();
        loop {
            let before = found.len();
            for life in &self.all {
                let owner = life.at(moment).and_then(|version| controller(&version.object));
                let is_owned = owner.is_some_and(|(_, _, owner)| known.contains(owner));
                if is_owned && known.insert(&life.name.uid) {
                    found.push(life);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }
}

impl Life {
    /// Its kind, without group and version.
    pub(super) fn kind(&self) -> &str {
        object::short_kind(&self.name.kind)
    }

    /// When it was first known of.
    pub(super) fn first(&self) -> Moment {
        self.versions.first().map(|version| version.at).unwrap_or_default()
    }

    /// What it was at a moment; `None` before it was known of and after it was gone.
    pub(super) fn at(&self, moment: Moment) -> Option<&Version> {
        if self.gone.is_some_and(|gone| gone <= moment) {
            return None;
        }
        let after = self.versions.partition_point(|version| version.at <= moment);
        after.checked_sub(1).and_then(|last| self.versions.get(last))
    }

    /// What it was last.
    pub(super) fn last(&self) -> Option<&Value> {
        self.versions.last().map(|version| version.object.as_ref())
    }

    /// The first moment from `from` on at which `holds` was true of it.
    pub(super) fn first_where(
        &self,
        from: Moment,
        holds: impl Fn(&Value) -> bool,
    ) -> Option<Moment> {
        let start = self.at(from).filter(|version| holds(&version.object)).map(|_| from);
        start.or_else(|| {
            let mut later = self.versions.iter().filter(|version| version.at > from);
            later.find(|version| holds(&version.object)).map(|version| version.at)
        })
    }
}
