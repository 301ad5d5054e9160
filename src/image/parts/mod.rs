//! The parts of a node image: binaries from an archive, or compiled from pinned Go modules and cached,
//! so that nothing is compiled twice.

mod archive;
mod binaries;
mod cache;
mod compile;
mod component_tags;
mod container;
mod diagnosis;
mod elf;
mod generate;
mod module;
mod obtain;
mod pause;
mod process;
mod recipe;
mod release;
mod source;
mod toolchain;

pub use binaries::BINARIES;
pub use cache::PartsCache;
pub use container::remove_abandoned;
pub use obtain::{PartSet, api_faults, obtain};
pub use recipe::api_faults_version;
pub use source::KubernetesSource;
