use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use tokio::sync::RwLock;

/// The faults of a run, by the names of the steps that injected them.
#[derive(Default)]
pub(super) struct Faults {
    pub active: Mutex<BTreeMap<String, Active>>,
    pub ended: Mutex<BTreeSet<String>>,
    /// Held while a fault is injected or healed. Neither is ever left half done, so the end of the run
    /// waits for both.
    pub changing: Arc<RwLock<()>>,
}

#[derive(Clone)]
pub(super) struct Active {
    pub id: String,
    pub fault: String,
}
