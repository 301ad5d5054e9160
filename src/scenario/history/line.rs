//! A line while it is read. Serde's own form of [`Entry`] would buffer each line.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::Moment;
use super::record::{
    ApiState, Begin, Change, End, Entry, FaultEntry, Gap, LogLine, ObjectChange, StepEntry,
    VerdictEntry,
};

/// A line, with its object read as `O`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound(deserialize = "O: Deserialize<'de>"))]
pub(super) struct Line<O> {
    at: Moment,
    begin: Option<Box<Begin>>,
    object: Option<O>,
    gap: Option<Gap>,
    api: Option<ApiState>,
    step: Option<Box<StepEntry>>,
    fault: Option<Box<FaultEntry>>,
    log: Option<Box<LogLine>>,
    verdict: Option<Box<VerdictEntry>>,
    end: Option<End>,
}

impl<O> Line<O> {
    pub(super) fn into_entry(
        self,
        object: impl FnOnce(O) -> Result<ObjectChange, String>,
    ) -> Result<Entry, String> {
        let at = self.at;
        let mut changes = Vec::with_capacity(1);
        changes.extend(self.begin.map(Change::Begin));
        if let Some(found) = self.object {
            changes.push(Change::Object(Box::new(object(found)?)));
        }
        changes.extend(self.gap.map(Change::Gap));
        changes.extend(self.api.map(Change::Api));
        changes.extend(self.step.map(Change::Step));
        changes.extend(self.fault.map(Change::Fault));
        changes.extend(self.log.map(Change::Log));
        changes.extend(self.verdict.map(Change::Verdict));
        changes.extend(self.end.map(Change::End));
        match (changes.pop(), changes.is_empty()) {
            (Some(change), true) => Ok(Entry { at, change }),
            (None, _) => Err("expected one field besides `at`, found none".to_owned()),
            (Some(_), false) => Err("expected one field besides `at`, found several".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = Line::<ObjectChange>::deserialize(deserializer)?;
        line.into_entry(Ok).map_err(D::Error::custom)
    }
}
