//! The record of a run, `history.jsonl`: everything that happened, in the order in which kindrs learned of
//! it.

mod line;
mod moment;
mod read;
mod record;
mod verdict;
mod write;

pub use moment::Moment;
pub use read::{FORMAT, ReadError, Reader};
pub use record::{
    ApiState, Begin, Change, End, Entry, FaultAction, FaultEntry, FaultState, Gap, GapState,
    KindName, LogLine, ObjectChange, ObjectEvent, StepCause, StepEntry, StepState, VerdictEntry,
};
pub use verdict::Verdict;
pub use write::Writer;

#[cfg(test)]
mod tests;
