//! A state machine for each kind of assertion. It receives occurrences, changes of its conditions and the
//! end of its time, and decides.

mod after;
mod count;
mod eventually;
mod invariant;
mod monitor;
mod order;
mod rule;
mod stable;
mod until;
mod view;

pub(super) use monitor::{Decision, Ending, Monitor, Occurred};
pub(super) use rule::monitor;
pub(super) use view::{Observed, View, Visibility};
