//! Runs scenarios on clusters. Everything that happens is recorded, and judged while it happens.

mod active_faults;
mod api_probe;
mod batch;
mod cleanup;
mod cluster;
mod execute;
mod faults;
#[cfg(test)]
mod fixture;
mod lock;
mod logs;
mod namespace;
mod outcome;
mod recheck;
mod recorder;
mod resource;
mod retry;
mod run_one;
mod session;
mod step;
mod step_log;
#[cfg(test)]
mod step_tests;
mod timing;
mod watch;

pub use batch::{Batch, Shard, run_all};
pub use recheck::recheck;
pub use run_one::{Job, Keep, Options};
