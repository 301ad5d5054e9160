//! Node images: which one a cluster uses, and how one is made.

pub mod parts;
