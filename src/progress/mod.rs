//! Progress as a stream of typed events, which a [`Reporter`] shows.

mod event;
mod lines;
mod stage;
mod terminal;

pub use event::{Event, Reporter};
pub use lines::Lines;
pub use stage::{Progress, Stage};
pub use terminal::Terminal;
