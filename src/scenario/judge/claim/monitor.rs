use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;

use super::decision::{Decision, Ending};
use super::view::View;
use crate::scenario::history::Moment;
use crate::scenario::judge::program::{KindId, OccurrenceId};

#[derive(Debug, Clone)]
pub(in crate::scenario::judge) struct Occurred {
    pub occurrence: OccurrenceId,
    /// The object that it happened to, where the occurrence is about objects.
    pub object: Option<Arc<Value>>,
    /// Whether it happened in a gap, at an unknown moment.
    pub is_doubtful: bool,
}

pub(in crate::scenario::judge) trait Monitor: Debug + Send {
    /// Receives occurrences, in the order in which the claim lists them, and reads the conditions as they
    /// are now.
    fn update(&mut self, view: &View<'_>, occurred: &[Occurred]) -> Option<Decision>;

    /// The objects of a kind were listed again: changes can have been missed.
    fn relisted(&mut self, _view: &View<'_>, _kind: KindId) {}

    /// When to call [`Self::expired`].
    fn timer(&self) -> Option<Moment> {
        None
    }

    /// The moment of [`Self::timer`] has passed.
    fn expired(&mut self, _view: &View<'_>) -> Option<Decision> {
        None
    }

    /// The claim's time ends. `None` where it waits for something that can still follow.
    fn end(&mut self, view: &View<'_>, ending: &Ending) -> Option<Decision>;

    /// Until when the claim goes on after the end of its span.
    fn last_wait(&self) -> Option<Moment> {
        None
    }
}
