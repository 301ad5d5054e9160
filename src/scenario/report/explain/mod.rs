//! Why a step or an assertion did not pass: the objects, and what happened around the moment.

mod explanation;
mod pending;
mod surroundings;

pub use explanation::{Cause, Details, ObjectThen, explanations};
pub use pending::{NodeRefusal, PendingPod};
pub use surroundings::{Surrounding, SurroundingKind};
pub(super) use surroundings::{event_line, fault_line, involved};
