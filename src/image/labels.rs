/// On every node image that kindrs builds. Its value is the Kubernetes version.
pub const IMAGE_LABEL: &str = "dev.kindrs.node-image";
/// On every image that kindrs builds: `node`, `base` or `load-balancer`.
pub const IMAGE_KIND_LABEL: &str = "dev.kindrs.image";
/// The Kubernetes version of a node image, such as `v1.37.2`.
pub const KUBERNETES_LABEL: &str = "dev.kindrs.kubernetes";
/// The source of a node image's Kubernetes, such as `release:v1.37.2`.
pub const SOURCE_LABEL: &str = "dev.kindrs.source";
/// A hash of everything that kindrs itself adds to an image.
pub const RECIPE_LABEL: &str = "dev.kindrs.recipe";
