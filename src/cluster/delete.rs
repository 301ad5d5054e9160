//! Deleting a cluster: everything with its label, whatever state it is in.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;

use crate::cluster::labels;
use crate::failure::Failure;
use crate::kubeconfig;
use crate::progress::Progress;
use crate::runtime::{Engine, EngineError};

/// How often something in use is tried again; with the pauses below, for about ten seconds.
const ATTEMPTS: usize = 14;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often the engine is asked again for what a `create` cut short let it make meanwhile.
const ROUNDS: usize = 3;

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deleted {
    /// Names of containers.
    pub containers: Vec<String>,
    /// Names of volumes.
    pub volumes: Vec<String>,
    /// Names of networks.
    pub networks: Vec<String>,
    /// kubeconfig files that had entries of the cluster.
    pub kubeconfigs: Vec<PathBuf>,
}

impl Deleted {
    /// Whether there was nothing to delete.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Deletes a cluster's containers, volumes, network and kubeconfig entries. That there is no such
/// cluster is fine.
///
/// # Errors
/// The first failure, after everything that can be deleted was: [`Failure::Environment`] for an
/// object of the engine, for the kubeconfig as [`kubeconfig::Files::remove_cluster`].
pub async fn delete(
    engine: &dyn Engine,
    cluster: &str,
    files: &kubeconfig::Files,
    progress: &Progress,
) -> Result<Deleted, Failure> {
    let stage = progress.stage(format!("Delete cluster {cluster}"));
    let objects = delete_objects(engine, cluster).await;
    let (files, name) = (files.clone(), cluster.to_owned());
    let kubeconfigs = tokio::task::spawn_blocking(move || files.remove_cluster(&name))
        .await
        .unwrap_or_else(|error| Err(Failure::environment(error.to_string())));
    let deleted = Deleted { kubeconfigs: kubeconfigs?, ..objects? };
    stage.finish();
    Ok(deleted)
}

/// Deletes a cluster's containers, volumes and network, and leaves the kubeconfig alone.
///
/// # Errors
/// [`Failure::Environment`] naming the objects that could not be deleted; the others are.
pub async fn delete_objects(engine: &dyn Engine, cluster: &str) -> Result<Deleted, Failure> {
    let mut deleted = Deleted::default();
    for _ in 0..ROUNDS {
        if !round(engine, cluster, &mut deleted).await? {
            break;
        }
    }
    Ok(deleted)
}

/// Deletes what there is now; says whether there was anything.
async fn round(
    engine: &dyn Engine,
    cluster: &str,
    deleted: &mut Deleted,
) -> Result<bool, Failure> {
    let filter = labels::in_cluster(cluster);
    let (containers, volumes, networks) = tokio::try_join!(
        engine.containers(&filter),
        engine.volumes(&filter),
        engine.networks(&filter)
    )?;
    if containers.is_empty() && volumes.is_empty() && networks.is_empty() {
        return Ok(false);
    }
    let containers: Vec<String> = containers.into_iter().map(|container| container.name).collect();
    let networks: Vec<String> = networks.into_iter().map(|network| network.name).collect();
    let mut failures = Vec::new();

    let removals = containers.iter().map(|name| persist(move || engine.remove_container(name)));
    sort(containers.iter(), join_all(removals).await, &mut deleted.containers, &mut failures);
    // Volumes and network are free only once no container uses them; those of a container that
    // could not be removed fail, and are in the message with it.
    let volume_removals = volumes.iter().map(|name| persist(move || engine.remove_volume(name)));
    let network_removals = networks.iter().map(|name| persist(move || engine.remove_network(name)));
    let (volume_results, network_results) =
        tokio::join!(join_all(volume_removals), join_all(network_removals));
    sort(volumes.iter(), volume_results, &mut deleted.volumes, &mut failures);
    sort(networks.iter(), network_results, &mut deleted.networks, &mut failures);
    if failures.is_empty() { Ok(true) } else { Err(not_deleted(cluster, &failures)) }
}

/// Tries again for a while when something is still in use.
async fn persist<F>(remove: impl Fn() -> F) -> Result<(), EngineError>
where
    F: Future<Output = Result<(), EngineError>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match remove().await {
            Err(EngineError::Conflict { what, reason }) => {
                tracing::debug!("{what}: {reason}; trying again in {pause:?}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            // Removed by another at the same time.
            Err(EngineError::NotFound { .. }) => return Ok(()),
            result => return result,
        }
    }
    remove().await
}

fn sort<'a>(
    names: impl Iterator<Item = &'a String>,
    results: Vec<Result<(), EngineError>>,
    deleted: &mut Vec<String>,
    failures: &mut Vec<EngineError>,
) {
    for (name, result) in names.zip(results) {
        match result {
            Ok(()) => deleted.push(name.clone()),
            Err(error) => failures.push(error),
        }
    }
}

fn not_deleted(cluster: &str, failures: &[EngineError]) -> Failure {
    let list: Vec<String> = failures.iter().map(EngineError::to_string).collect();
    let hint = if list.iter().any(|text| text.contains("active endpoints")) {
        format!(
            "a container of yours is on the network `{network}`: see which with \
             `docker network inspect {network}`, remove or disconnect it, and delete again",
            network = labels::network(cluster)
        )
    } else {
        let hint = failures.iter().find_map(EngineError::hint);
        hint.unwrap_or_else(|| format!("try again: kindrs delete cluster --name {cluster}"))
    };
    let message = format!("cluster `{cluster}` is not wholly deleted: {}", list.join("; "));
    Failure::environment(message).with_hint(hint)
}
