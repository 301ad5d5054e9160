//! Running scenarios on clusters: everything that happens is recorded, and judged as it happens.

mod api_probe;
mod batch;
mod cluster;
mod execute;
mod faults;
#[cfg(test)]
mod fixture;
mod judge_again;
mod logs;
mod namespace;
mod outcome;
mod patience;
mod recorder;
mod resource;
mod run_one;
mod session;
mod step;
mod step_reports;
#[cfg(test)]
mod step_tests;
mod tidy;
mod timing;
mod watch;

pub use batch::{Batch, Job, Shard, run_all};
pub use judge_again::judge_again;
pub use run_one::{Keep, Options};
