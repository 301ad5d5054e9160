//! Declarative end-to-end tests: what is done to a cluster, and what must hold over its whole
//! recorded history.

pub mod evaluate;
pub mod expression;
pub mod history;
pub mod language;
pub mod lint;
pub mod placement;
pub mod read;
pub mod report;
pub mod run;
pub mod typecheck;
