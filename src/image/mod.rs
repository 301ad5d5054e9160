//! Node images: choosing the image of a cluster, and building one.

mod archive;
mod assemble;
mod base;
mod builder;
mod components;
mod labels;
mod load_balancer;
mod lock;
mod node_image;
pub mod parts;
mod pull;
mod recipe;
mod resolve;
mod root;
mod sources;

pub use assemble::build;
pub use components::BUSYBOX;
pub use labels::{IMAGE_KIND_LABEL, IMAGE_LABEL, KUBERNETES_LABEL, RECIPE_LABEL, SOURCE_LABEL};
pub use load_balancer::load_balancer;
pub use lock::remove_leftovers;
pub use node_image::{NodeImage, inspect};
pub use parts::{KubernetesSource, api_faults, api_faults_version};
pub use resolve::{ImageRequest, resolve};
