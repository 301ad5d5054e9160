//! A state machine for each kind of assertion. It receives occurrences, changes of its conditions and the
//! end of its time, and decides.

mod after;
mod count;
mod decision;
mod eventually;
mod invariant;
mod monitor;
mod order;
mod rule;
mod stable;
mod until;
mod view;

pub(super) use decision::{Decision, Ending};
pub(super) use monitor::{Monitor, Occurred};
pub(super) use rule::monitor;
pub(super) use view::{Observed, View, Visibility};
