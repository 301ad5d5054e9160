/// On every node image that kindrs made; its value is the Kubernetes version.
pub const IMAGE_LABEL: &str = "dev.kindrs.node-image";
/// On every image that kindrs made: `node`, `base` or `load-balancer`.
pub const IMAGE_KIND_LABEL: &str = "dev.kindrs.image";
/// The Kubernetes version of a node image, as `v1.37.2`.
pub const KUBERNETES_LABEL: &str = "dev.kindrs.kubernetes";
/// Where a node image's Kubernetes came from, as `release:v1.37.2`.
pub const SOURCE_LABEL: &str = "dev.kindrs.source";
/// A hash of all that kindrs itself put into an image.
pub const RECIPE_LABEL: &str = "dev.kindrs.recipe";
