use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Condition, Duration};

/// A fault: the kind, and its options by the names that `kindrs fault inject KIND` has for them,
/// without dashes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Inject {
    /// The kind, as `kindrs fault kinds` lists it
    pub fault: String,
    /// How long it lasts [default: until it is healed]
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Duration>,
    /// Whether it may take every node, every API server or etcd's quorum
    #[serde(default)]
    pub allow_total: bool,
    /// It is injected when this first holds, not at once
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// The kind's options: a text or number, `true` for one without a value, a list for one that may
    /// be given several times
    #[serde(flatten)]
    pub options: Map<String, Value>,
}
