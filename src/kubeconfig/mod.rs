//! kubeconfig files: the entries of a cluster, and rewriting the user's files safely.
//!
//! [`Access`] and the functions beside it are pure. [`Files`] reads and writes files.

mod document;
mod emit;
mod files;
mod lock;
mod replace;
mod temporary;

pub use document::{Access, Credentials, Entries, entry_name, from_admin_conf, render};
pub use files::Files;
