//! The record of a run, `history.jsonl`: everything that happened, in the order in which kindrs
//! heard of it.

mod moment;
mod record;

pub use moment::Moment;
pub use record::{
    ApiState, Begin, Change, End, Entry, FaultAction, FaultEntry, FaultState, Gap, GapState,
    KindName, LogLine, ObjectChange, ObjectEvent, StepEntry, StepState, VerdictEntry,
};
