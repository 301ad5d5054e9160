//! Plain text: the report for a terminal, and the failures in JUnit and Markdown.

mod failure;
mod layout;
mod paint;
mod run;

pub(super) use failure::failure_text;
pub(super) use paint::Paint;
pub use run::text;
