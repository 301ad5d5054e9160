use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::scenario::history::{KindName, Moment};

/// What is said of an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It held.
    Pass,
    /// It cannot be told, because something was not seen.
    Inconclusive,
    /// It did not hold.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        })
    }
}

/// An assertion's verdict with its reasons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// The assertion's name: unique in the scenario; that of its step where it is one.
    pub assertion: String,
    /// The step, where it is one; a `wait` or an `inject` with `when` counts as one too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What it says, as `eventually web.all(…) within 30s`.
    pub claim: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The part of the run that it is about; `None` when its span never began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// When the verdict was certain.
    pub decided: Moment,
    /// Why.
    pub explanation: Explanation,
}

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its beginning.
    pub from: Moment,
    /// Its end: the last moment that was looked at.
    pub to: Moment,
}

/// Why a verdict is what it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// In one sentence, as `did not hold within 30s: 2 of 3 objects match`.
    pub summary: String,
    /// The moment that decided: the first one at which it was false, or that proved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moment: Option<Moment>,
    /// How the condition's parts came out then: `web.all(…) = false`, `size(web) = 2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// The objects that are not as expected, at that moment; at most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaches: Vec<Breach>,
    /// How many more of them there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
    /// What was not seen: gaps and errors, for a verdict that is inconclusive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// An object that is not as expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Breach {
    /// Which object.
    pub object: ObjectName,
    /// What was expected against what there was, a line each: `status.phase: expected "Running", is
    /// "Pending"`.
    pub differences: Vec<String>,
    /// The object at that moment.
    pub then: Arc<Value>,
}

/// An object's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectName {
    /// Its kind, with group and version.
    pub kind: KindName,
    /// Its namespace; empty where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its unique identifier: a successor of the same name has another.
    pub uid: String,
}

impl fmt::Display for ObjectName {
    /// As `Pod default/web-1` or `Node worker`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.0.rsplit('/').next().unwrap_or_default();
        match self.namespace.as_str() {
            "" => write!(out, "{kind} {}", self.name),
            namespace => write!(out, "{kind} {namespace}/{}", self.name),
        }
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}
