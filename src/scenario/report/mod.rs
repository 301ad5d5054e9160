//! What people and programs get to see of a run.

mod document;
mod explain;
mod figures;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod fixture_objects;
mod junit;
mod lives;
mod markdown;
mod object;
mod page;
mod runs;
mod text;
mod write;

pub use document::json;
pub use explain::{
    Cause, Details, NodeRefusal, ObjectThen, PendingPod, Surrounding, SurroundingKind, explanations,
};
pub use figures::{Figure, Unit, figures};
pub use junit::junit;
pub use markdown::markdown;
pub use page::page;
pub use runs::{ScenarioRuns, scenario_runs};
pub use text::{render, render_all};
pub use write::{Written, write};
