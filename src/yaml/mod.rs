//! YAML texts as trees whose values know their places, and what is said of their mistakes.

mod core;
mod decode;
mod document;
mod fields;
mod header;
mod locate;
mod path;
mod position;
mod problem;
mod schema;
mod words;

#[cfg(test)]
mod decode_tests;

pub(crate) use core::describe;
pub(crate) use decode::{Checked, Decoded, Decoder};
pub(crate) use document::{Data, Entry, Mapping, Node, Style, parse};
pub(crate) use header::Header;
pub(crate) use path::{enclosing, join};
pub(crate) use position::Position;
pub(crate) use problem::write_finding;
pub use problem::{Problem, Problems};
pub(crate) use words::{list, nearest, one_of};
