//! The JSON form of a line, with one field for each type of change. A tag inside the change would need
//! buffering.

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    /// Converts the line to an entry.
    ///
    /// # Errors
    /// A text for the user, if the line does not have exactly one change.
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

impl Change {
    /// The name of the line's field, such as `object`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Begin(_) => "begin",
            Self::Object(_) => "object",
            Self::Gap(_) => "gap",
            Self::Api(_) => "api",
            Self::Step(_) => "step",
            Self::Fault(_) => "fault",
            Self::Log(_) => "log",
            Self::Verdict(_) => "verdict",
            Self::End(_) => "end",
        }
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = Line::<ObjectChange>::deserialize(deserializer)?;
        line.into_entry(Ok).map_err(D::Error::custom)
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("at", &self.at)?;
        let name = self.change.name();
        match &self.change {
            Change::Begin(begin) => map.serialize_entry(name, begin)?,
            Change::Object(object) => map.serialize_entry(name, object)?,
            Change::Gap(gap) => map.serialize_entry(name, gap)?,
            Change::Api(api) => map.serialize_entry(name, api)?,
            Change::Step(step) => map.serialize_entry(name, step)?,
            Change::Fault(fault) => map.serialize_entry(name, fault)?,
            Change::Log(log) => map.serialize_entry(name, log)?,
            Change::Verdict(verdict) => map.serialize_entry(name, verdict)?,
            Change::End(end) => map.serialize_entry(name, end)?,
        }
        map.end()
    }
}
