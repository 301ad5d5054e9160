use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::scenario::history::Verdict;
use crate::scenario::history::{KindName, Moment};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// The assertion's name, unique in the scenario. An assertion in a step has the step's name.
    pub assertion: String,
    /// The step of the assertion, if there is one. A `wait`, or an `inject` with `when`, counts as an assertion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The assertion in words, such as `eventually web.all(…) within 30s`.
    pub claim: String,
    pub verdict: Verdict,
    /// The part of the run that the assertion is about; `None` if it never began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// When the verdict became certain.
    pub decided: Moment,
    pub explanation: Explanation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub from: Moment,
    /// The last moment that was judged.
    pub to: Moment,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The reason in one sentence, such as `did not hold within 30s: 2 of 3 objects of web match`.
    pub summary: String,
    /// The moment that decided the verdict: the first violation, or the proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moment: Option<Moment>,
    /// The values of the condition's parts at that moment, such as `size(web) = 2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// At most ten of the objects that were not as expected at that moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaches: Vec<Breach>,
    /// The number of further objects that were not as expected.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
    /// For an inconclusive verdict, the gaps and errors that made it so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Breach {
    pub object: ObjectName,
    /// One line for each difference, such as `status.phase: expected "Running", found "Pending"`.
    pub differences: Vec<String>,
    pub then: Arc<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectName {
    pub kind: KindName,
    /// Empty if the object is not namespaced.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    pub name: String,
    /// The UID: a later object with the same name has another one.
    pub uid: String,
}

impl fmt::Display for ObjectName {
    /// Such as `Pod default/web-1` or `Node worker`.
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
