use std::time::Duration;

use crate::config::Cluster;
use crate::image::KubernetesSource;

/// How a cluster is created.
#[derive(Debug, Clone)]
pub struct CreateOptions {
    pub name: String,
    /// The configuration, already validated.
    pub config: Cluster,
    /// Image for every node, which overrides the configuration's images.
    pub image: Option<String>,
    /// The Kubernetes to run where no image is named.
    pub kubernetes: KubernetesSource,
    /// How long to wait until the cluster is ready; `None` does not wait.
    pub wait: Option<Duration>,
    /// Whether to keep the containers when creating fails.
    pub retain: bool,
}
