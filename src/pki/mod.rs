//! The keys and certificates of a cluster, generated before anything starts.
//!
//! Source: <https://kubernetes.io/docs/setup/best-practices/certificates/>

mod certificates;
mod generate;

pub(crate) use certificates::KUBECONFIG_IDS;
pub use certificates::{Authority, CertificatePlan, Usage, certificates};
pub use generate::{Pki, PkiError, ServiceAccountKeys, generate};
