use std::time::Duration;

use crate::config::Cluster;
use crate::image::KubernetesSource;

#[derive(Debug, Clone)]
pub struct CreateOptions {
    pub name: String,
    pub config: Cluster,
    /// Image for every node, which overrides the configuration's images.
    pub image: Option<String>,
    /// The Kubernetes to run where no image is named.
    pub kubernetes: KubernetesSource,
    /// How long to wait until the cluster is ready; `None` does not wait.
    pub wait: Option<Duration>,
    pub retain: bool,
}
