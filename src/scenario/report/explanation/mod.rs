//! Why a step or an assertion did not pass: the objects, and what happened shortly before and
//! after.

mod failure;
mod nearby;
mod pending_pod;

pub(super) use failure::{FailureDetails, failures};
pub(super) use nearby::fault_line;
pub(super) use pending_pod::PendingPod;
