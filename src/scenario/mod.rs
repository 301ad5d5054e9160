//! Declarative end-to-end tests: what is done to a cluster, and what must hold over its whole
//! recorded history.

pub mod check;
pub mod history;
pub mod judge;
pub mod language;
pub mod outcome;
pub mod read;
pub mod report;
pub mod run;
