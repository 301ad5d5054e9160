//! A run as text: for a terminal, and as the text of other formats' failures.

mod details;
mod paint;
mod terminal;
mod words;

pub(super) use details::details_text;
pub(super) use paint::Paint;
pub use terminal::{render, render_all};
pub(super) use words::{seconds, step_mark, step_word, verdict_mark, verdict_word};
