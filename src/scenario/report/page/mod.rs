//! A run as one HTML page that needs nothing else: it opens from a file, and asks nothing of any
//! network.

mod data;
mod delta;
mod document;
mod limit;
mod occurrences;
mod sections;
mod state;

pub use document::page;
