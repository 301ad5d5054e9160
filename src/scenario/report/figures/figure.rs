use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::scenario::report::format;

/// A measured figure of a run. Displays as `Node worker: time to NotReady`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    pub name: &'static str,
    /// The object, such as `Node worker`. Empty for the whole run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// `None` for an event that was expected but is not in the record.
    pub value: Option<f64>,
    pub unit: Unit,
    /// How the figure is measured: from where to where.
    pub method: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    Seconds,
    Count,
    Percent,
}

impl Figure {
    pub(super) fn time(
        name: &'static str,
        of: &str,
        time: Option<Duration>,
        method: impl Into<String>,
    ) -> Self {
        let value = time.map(|time| time.as_secs_f64());
        Self { name, of: of.to_owned(), value, unit: Unit::Seconds, method: method.into() }
    }

    pub(super) fn count(name: &'static str, count: usize, method: impl Into<String>) -> Self {
        // A double is exact for every count up to 2^53.
        let value = Some(count as f64);
        Self { name, of: String::new(), value, unit: Unit::Count, method: method.into() }
    }

    /// The value for people, such as `8.0 s`, `3` or `95.71%`.
    pub fn shown(&self) -> String {
        match (self.value, self.unit) {
            (None, _) => "did not happen".to_owned(),
            (Some(value), Unit::Seconds) => {
                format::duration(Duration::try_from_secs_f64(value).unwrap_or_default())
            }
            (Some(value), Unit::Count) => format!("{value:.0}"),
            (Some(value), Unit::Percent) => format::percent(value),
        }
    }

    pub fn subject(&self) -> &str {
        if self.of.is_empty() { "whole run" } else { &self.of }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of.as_str() {
            "" => out.write_str(self.name),
            of => write!(out, "{of}: {}", self.name),
        }
    }
}
