//! Reports of runs. [`Analysis`] derives everything from a run and its record once; the exporters
//! render it.

mod analysis;
mod explanation;
mod fields;
mod figures;
#[cfg(test)]
mod fixture;
mod format;
mod json;
mod junit;
mod kubernetes_event;
mod label;
mod lifetime;
mod markdown;
mod page;
mod periods;
mod status;
mod summary;
mod text;
mod write;

pub use analysis::Analysis;
pub use json::json;
pub use junit::junit;
pub use markdown::markdown;
pub use page::page;
pub use text::text;
pub use write::write;
