//! kubeconfig files: a cluster's entries in them, and their safe rewriting.
//!
//! [`Access`] and the functions beside it are pure; [`Files`] is where files are touched.

mod document;
mod emit;
mod files;
mod lock;
mod replace;

pub use document::{Access, DocumentError, entry_name, from_admin_conf, merge, remove, render};
pub use files::Files;
