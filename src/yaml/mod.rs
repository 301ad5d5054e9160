//! YAML texts as trees with positions, the strict decoder that reads them by a JSON Schema, and the
//! problems that it reports.

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

#[cfg(test)]
mod decode_tests;

pub(crate) use crate::words::{list, nearest, one_of};
pub(crate) use core::describe;
pub(crate) use decode::{Checked, Decoded, Decoder};
pub(crate) use document::{Data, Entry, Mapping, Node, Style, parse};
pub(crate) use header::Header;
pub(crate) use path::{enclosing, join};
pub(crate) use position::Position;
pub(crate) use problem::write_finding;
pub use problem::{Problem, Problems};
