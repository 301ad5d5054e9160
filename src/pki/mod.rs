//! The keys and certificates of a cluster, made before anything starts.
//!
//! Source: <https://kubernetes.io/docs/setup/best-practices/certificates/>

mod generate;

pub use generate::{Identity, Pki, PkiError, ServiceAccountKeys, generate};
