use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::timing::with_timing;
use crate::cluster::{CreateOptions, create, delete, inventory};
use crate::config::{self, Cluster, ContainerRole};
use crate::failure::Failure;
use crate::image::KubernetesSource;
use crate::kubeconfig::Files;
use crate::kubernetes::Version;
use crate::progress::Progress;
use crate::runtime::Engine;
use crate::scenario::language::{ClusterSource, Existing};

/// The time limit for a new cluster to become ready.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Creates the cluster of a run, with its kubeconfig in `kubeconfig` and not in the user's. Returns how
/// long it took.
///
/// # Errors
/// The same as [`create::create`].
pub(super) async fn create(
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
        wait: Some(TIMEOUT),
        retain: false,
    };
    let files = Files::choose(Some(kubeconfig), "".as_ref(), None);
    Ok(create::create(engine.as_ref(), &options, &files, progress).await?.elapsed)
}

/// Checks that an existing cluster has the nodes that the scenario needs.
///
/// # Errors
/// [`Failure::Input`] if it does not.
pub(super) async fn check(engine: &dyn Engine, existing: &Existing) -> anyhow::Result<()> {
    let nodes = inventory::require(engine, &existing.name).await?;
    let workers = nodes.iter().filter(|node| node.role == ContainerRole::WORKER).count();
    if workers < existing.workers {
        return Err(Failure::input(format!(
            "cluster `{}` has too few workers: expected at least {}, found {workers}",
            existing.name, existing.workers
        ))
        .with_hint("use a larger cluster, or remove `cluster.existing` so that the scenario creates its own")
        .into());
    }
    Ok(())
}

/// Deletes the cluster of a run.
///
/// # Errors
/// The same as [`delete::delete`].
pub(super) async fn delete(
    engine: &dyn Engine,
    name: &str,
    kubeconfig: &Path,
    progress: &Progress,
) -> anyhow::Result<()> {
    let files = Files::choose(Some(kubeconfig), "".as_ref(), None);
    delete::delete(engine, name, &files, progress).await?;
    Ok(())
}
