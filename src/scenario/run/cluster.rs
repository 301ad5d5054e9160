use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::timing::with_timing;
use crate::cluster::CreateOptions;
use crate::cluster::create::create;
use crate::cluster::{delete, inventory};
use crate::config::ContainerRole;
use crate::config::{self, Cluster};
use crate::failure::Failure;
use crate::image::KubernetesSource;
use crate::kubeconfig::Files;
use crate::kubernetes::Version;
use crate::progress::Progress;
use crate::runtime::Engine;
use crate::scenario::language::{ClusterSource, Existing};

/// How long a cluster of the run's own may take to come up.
const PATIENCE: Duration = Duration::from_secs(300);

/// Makes the cluster of a run; its kubeconfig goes into `kubeconfig`, not into the user's. Returns how
/// long it took.
///
/// # Errors
/// As [`create`].
pub(super) async fn make(
    engine: &Arc<dyn Engine>,
    name: &str,
    config: Cluster,
    source: &ClusterSource,
    kubernetes: Option<&str>,
    kubeconfig: &Path,
    progress: &Progress,
) -> anyhow::Result<Duration> {
    let mut config = with_timing(config, source.timing);
    config.name = Some(name.to_owned());
    config::validate_cluster_name(name)?;
    config::validate(&config).map_err(Failure::from)?;
    let version = source.version().cloned().unwrap_or_default();
    let kubernetes = match version.kubernetes.as_deref().or(kubernetes) {
        Some(source) => source.parse()?,
        None => KubernetesSource::Version(Version::default_release()),
    };
    let options = CreateOptions {
        name: name.to_owned(),
        config,
        image: version.image,
        kubernetes,
        wait: Some(PATIENCE),
        retain: false,
    };
    let files = Files::choose(Some(kubeconfig), "".as_ref(), None);
    Ok(create(engine.as_ref(), &options, &files, progress).await?.elapsed)
}

/// Checks that a cluster that is said to exist does, and has the nodes that the scenario needs.
///
/// # Errors
/// [`Failure::Input`] when it does not.
pub(super) async fn check(engine: &dyn Engine, existing: &Existing) -> anyhow::Result<()> {
    let nodes = inventory::require(engine, &existing.name).await?;
    let workers = nodes.iter().filter(|node| node.role == ContainerRole::WORKER).count();
    if workers < existing.workers {
        return Err(Failure::input(format!(
            "cluster `{}` has {workers} workers, the scenario needs {}",
            existing.name, existing.workers
        ))
        .with_hint("make a larger one, or let the scenario make its own")
        .into());
    }
    Ok(())
}

/// Deletes the cluster of a run.
///
/// # Errors
/// As [`delete::delete`].
pub(super) async fn remove(
    engine: &dyn Engine,
    name: &str,
    kubeconfig: &Path,
    progress: &Progress,
) -> anyhow::Result<()> {
    let files = Files::choose(Some(kubeconfig), "".as_ref(), None);
    delete::delete(engine, name, &files, progress).await?;
    Ok(())
}
