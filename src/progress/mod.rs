//! Progress as a stream of typed events; what shows them is a [`Reporter`].

mod event;
mod lines;
mod stage;
mod terminal;

pub use event::{Event, Reporter};
pub use lines::Lines;
pub use stage::{Progress, Stage};
pub use terminal::Terminal;
