use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::action::{EngineAction, Hold, Impact, Subject};

/// An active fault on one node, as the journal of the node keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The ID of the fault. Its entries on other nodes have the same.
    pub id: String,
    pub cluster: String,
    /// The kind of fault.
    pub fault: String,
    /// The parameters and targets as they were requested, and the seed of a random choice.
    pub parameters: serde_json::Value,
    pub node: String,
    pub subject: Subject,
    /// When the fault was injected.
    pub since: Timestamp,
    /// When the fault ends by itself; `None` if it lasts until it is healed.
    pub until: Option<Timestamp>,
    pub effect: String,
    pub healing: String,
    /// The action of the engine that healing reverts.
    pub engine: Option<EngineAction>,
    /// Whether the node has a script that heals the fault.
    pub script: bool,
    pub holds: Vec<Hold>,
    pub impact: Impact,
}

impl Entry {
    /// Whether the fault should have ended by `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}
