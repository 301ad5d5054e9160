use std::sync::{Condvar, Mutex, PoisonError};

/// The order of all steps of a run, as a list of stages: those of one stage run at the same time, and a
/// stage starts when every stage before it has ended. Clusters side by side would only be slower.
#[derive(Default)]
pub(crate) struct Schedule {
    /// How many selected steps of each stage have not ended.
    pending: Mutex<Vec<usize>>,
    changed: Condvar,
}

impl Schedule {
    /// Adds a stage without steps after all others; returns its number.
    pub(crate) fn add_stage(&self) -> usize {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.push(0);
        pending.len() - 1
    }

    /// Adds a step to a stage.
    pub(crate) fn add_step(&self, stage: usize) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)[stage] += 1;
    }

    /// Waits until every stage before this one has ended.
    pub(crate) fn wait_for(&self, stage: usize) {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = |pending: &mut Vec<usize>| pending[..stage].iter().any(|steps| *steps > 0);
        drop(self.changed.wait_while(pending, earlier));
    }

    /// Ends a step of a stage.
    pub(crate) fn end_step(&self, stage: usize) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)[stage] -= 1;
        self.changed.notify_all();
    }
}
