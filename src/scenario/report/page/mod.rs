//! One run as one HTML page. The page needs no other file and makes no request.

mod bar_class;
mod data;
mod document;
mod occurrence;
mod sections;
mod size_limit;

pub use document::page;
