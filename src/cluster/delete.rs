//! Deleting a cluster: everything with its label, in whatever state.

use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;

use crate::failure::Failure;
use crate::kubeconfig;
use crate::plan::labels;
use crate::progress::Progress;
use crate::runtime::{Engine, EngineError, Label, Refusal};

/// How many times to retry objects that are in use: with the pauses below, for about ten seconds.
const ATTEMPTS: usize = 14;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The engine can still be busy with the last request of an interrupted `create`, so kindrs lists
/// the objects until this many answers in a row, this far apart, are empty.
const QUIET_ANSWERS: usize = 2;
const BETWEEN_ANSWERS: Duration = Duration::from_millis(150);
/// The maximum number of answers, in case another process keeps creating objects.
const MOST_ANSWERS: usize = 40;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deleted {
    pub containers: Vec<String>,
    pub volumes: Vec<String>,
    pub networks: Vec<String>,
    /// The kubeconfig files that had entries for the cluster.
    pub kubeconfigs: Vec<PathBuf>,
}

impl Deleted {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Deletes a cluster's containers, volumes, network and kubeconfig entries. Succeeds if the cluster
/// does not exist.
///
/// # Errors
/// The first failure, after everything else is deleted: [`Failure::Environment`] for an object of
/// the engine, for the kubeconfig as [`kubeconfig::Files::remove_cluster`].
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

/// Deletes a cluster's containers, volumes and network, but not its kubeconfig entries.
/// Fails with [`Failure::Environment`], naming the objects that could not be deleted; all others are
/// deleted.
pub async fn delete_objects(engine: &dyn Engine, cluster: &str) -> Result<Deleted, Failure> {
    delete_labelled(engine, cluster, &labels::in_cluster(cluster)).await
}

/// Deletes the objects that one run of `create` created, and no others.
///
/// # Errors
/// As [`delete_objects`].
pub async fn delete_run(engine: &dyn Engine, cluster: &str, run: &str) -> Result<Deleted, Failure> {
    let filter: Vec<Label> = labels::cluster(cluster, run).into_iter().collect();
    delete_labelled(engine, cluster, &filter).await
}

async fn delete_labelled(
    engine: &dyn Engine,
    cluster: &str,
    filter: &[Label],
) -> Result<Deleted, Failure> {
    let mut deleted = Deleted::default();
    let (mut quiet, mut blocked) = (0, 0);
    let mut pause = FIRST_PAUSE;
    for _ in 0..MOST_ANSWERS {
        match round(engine, filter, &mut deleted).await? {
            None => quiet += 1,
            Some(failures) if failures.is_empty() => (quiet, blocked) = (0, 0),
            Some(failures) => {
                blocked += 1;
                let in_use =
                    |error: &EngineError| error.refusal().is_some_and(Refusal::is_conflict);
                if blocked == ATTEMPTS || !failures.iter().all(in_use) {
                    return Err(not_deleted(cluster, &failures));
                }
                // A container that the engine was still creating can use the object.
                quiet = 0;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
        }
        if quiet == QUIET_ANSWERS {
            break;
        }
        tokio::time::sleep(BETWEEN_ANSWERS).await;
    }
    Ok(deleted)
}

/// Deletes all objects that exist now; returns the failures, or `None` if there were no objects.
async fn round(
    engine: &dyn Engine,
    filter: &[Label],
    deleted: &mut Deleted,
) -> Result<Option<Vec<EngineError>>, Failure> {
    let (containers, volumes, networks) = tokio::try_join!(
        engine.containers(filter),
        engine.volumes(filter),
        engine.networks(filter)
    )?;
    if containers.is_empty() && volumes.is_empty() && networks.is_empty() {
        return Ok(None);
    }
    let containers: Vec<String> = containers.into_iter().map(|container| container.name).collect();
    let networks: Vec<String> = networks.into_iter().map(|network| network.name).collect();
    let mut failures = Vec::new();

    let removals = containers.iter().map(|name| engine.remove_container(name));
    sort(&containers, join_all(removals).await, &mut deleted.containers, &mut failures);
    // Volumes and networks can be removed only when no container uses them. Those of a container
    // that could not be removed fail as well, and appear in the message with it.
    let (volume_results, network_results) = tokio::join!(
        join_all(volumes.iter().map(|name| engine.remove_volume(name))),
        join_all(networks.iter().map(|name| engine.remove_network(name)))
    );
    sort(&volumes, volume_results, &mut deleted.volumes, &mut failures);
    sort(&networks, network_results, &mut deleted.networks, &mut failures);
    Ok(Some(failures))
}

fn sort(
    names: &[String],
    results: Vec<Result<(), EngineError>>,
    deleted: &mut Vec<String>,
    failures: &mut Vec<EngineError>,
) {
    for (name, result) in names.iter().zip(results) {
        match result {
            Ok(()) => deleted.push(name.clone()),
            // Another process removed it at the same time.
            Err(EngineError::NotFound { .. }) => {}
            Err(error) => failures.push(error),
        }
    }
}

fn not_deleted(cluster: &str, failures: &[EngineError]) -> Failure {
    let list: Vec<String> = failures.iter().map(EngineError::to_string).collect();
    let hint = if failures.iter().any(|error| error.refusal() == Some(Refusal::ActiveEndpoints)) {
        format!(
            "another container is connected to network `{network}`: find it with \
             `docker network inspect {network}`, disconnect or remove it, and delete again",
            network = labels::network(cluster)
        )
    } else {
        let hint = failures.iter().find_map(EngineError::hint).map(str::to_owned);
        hint.unwrap_or_else(|| format!("run `kindrs delete cluster --name {cluster}` again"))
    };
    let message = format!("cluster `{cluster}` was not fully deleted: {}", list.join("; "));
    Failure::environment(message).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::cluster::fixture::{
        IMAGE, THREE, engine, make, make_network, make_volume, sample_access,
    };
    use crate::runtime::fake::{self, FakeEngine};
    use crate::runtime::{ContainerSpec, NetworkAttachment};

    fn conflict(what: &str) -> EngineError {
        fake::refused(what, Refusal::Conflict, "in use")
    }

    fn refused(what: &str) -> EngineError {
        EngineError::refused(what, "input/output error")
    }

    fn removals(engine: &FakeEngine) -> Vec<String> {
        engine.calls().into_iter().filter(|call| call.starts_with("remove_")).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn deletes_one_cluster_and_no_other() {
        let engine = engine();
        make(&engine, "dev-b", 2, &THREE).await;
        let others = engine.objects();
        make(&engine, "dev", 1, &THREE).await;
        let deleted = delete_objects(&engine, "dev").await.unwrap();
        assert_eq!(engine.objects(), others);
        assert_eq!(deleted.containers, ["dev-control-plane", "dev-worker", "dev-worker2"]);
        assert_eq!(deleted.volumes.len(), 3);
        assert_eq!(deleted.networks, ["kindrs-dev"]);
        assert!(delete_objects(&engine, "dev").await.unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn succeeds_if_the_cluster_does_not_exist() {
        let engine = engine();
        assert!(delete_objects(&engine, "dev").await.unwrap().is_empty());
        assert_eq!(removals(&engine), Vec::<String>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn deletes_an_incomplete_cluster() {
        let engine = engine();
        make_network(&engine, "dev", 1).await;
        make_volume(&engine, "dev", "any-name").await;
        delete_objects(&engine, "dev").await.unwrap();
        assert_eq!(engine.objects(), Vec::<String>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn retries_objects_that_are_in_use() {
        let engine = engine();
        make(&engine, "dev", 1, &THREE).await;
        engine.fail("remove_container", 1, conflict("container"));
        engine.fail("remove_volume", 2, conflict("volume"));
        engine.fail("remove_network", 1, conflict("network"));
        engine.fail("remove_network", 2, conflict("network"));
        delete_objects(&engine, "dev").await.unwrap();
        assert_eq!(engine.objects(), Vec::<String>::new());
        assert!(removals(&engine).len() > 7);
    }

    #[tokio::test(start_paused = true)]
    async fn deletes_a_container_that_appears_late() {
        let engine = Arc::new(engine());
        make(&engine, "dev", 1, &THREE[..1]).await;
        // Docker has the volume in use by a container that it does not list yet.
        let labels = |engine: &FakeEngine, labels: BTreeMap<String, String>| {
            let mut state = engine.state();
            let container = state.containers.get_mut("dev-control-plane").unwrap();
            std::mem::replace(&mut container.info.labels, labels)
        };
        let known = labels(&engine, BTreeMap::new());
        let late = tokio::spawn({
            let engine = Arc::clone(&engine);
            async move {
                tokio::time::sleep(FIRST_PAUSE / 2).await;
                labels(&engine, known);
            }
        });
        delete_objects(&*engine, "dev").await.unwrap();
        late.await.unwrap();
        assert_eq!(engine.objects(), Vec::<String>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn one_failure_does_not_keep_the_other_objects() {
        let engine = engine();
        make(&engine, "dev", 1, &THREE).await;
        engine.fail("remove_container", 2, refused("removing container dev-worker"));
        let failure = delete_objects(&engine, "dev").await.unwrap_err();
        assert!(matches!(failure, Failure::Environment { .. }));
        assert_eq!(
            failure.to_string(),
            "cluster `dev` was not fully deleted: removing container dev-worker: input/output \
             error; removing volume dev-worker-var: volume is in use; removing network kindrs-dev: has active endpoints"
        );
        assert_eq!(engine.objects(), ["dev-worker", "dev-worker-var", "kindrs-dev"]);
        delete_objects(&engine, "dev").await.unwrap();
        assert_eq!(engine.objects(), Vec::<String>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn names_the_network_of_another_container() {
        let engine = engine();
        make(&engine, "dev", 1, &THREE[..1]).await;
        let guest = ContainerSpec {
            name: "guest".into(),
            image: IMAGE.into(),
            network: Some(NetworkAttachment { network: "kindrs-dev".into(), address: None }),
            ..Default::default()
        };
        engine.create_container(&guest).await.unwrap();
        engine.start_container("guest").await.unwrap();
        let failure = delete_objects(&engine, "dev").await.unwrap_err();
        assert!(failure.hint().unwrap().contains("docker network inspect kindrs-dev"));
        assert_eq!(engine.objects(), ["guest", "kindrs-dev"]);
    }

    #[tokio::test(start_paused = true)]
    async fn removes_the_kubeconfig_entries_if_the_engine_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let files = kubeconfig::Files::choose(Some(&path), "".as_ref(), None);
        files.add(&sample_access("other")).unwrap();
        files.add(&sample_access("dev")).unwrap();
        let engine = engine();
        make(&engine, "dev", 1, &THREE[..1]).await;
        engine.fail("remove_container", 1, refused("removing container dev-control-plane"));
        engine.fail("remove_volume", 1, refused("removing volume"));
        engine.fail("remove_network", 1, refused("removing network"));
        let silent = Progress::silent();
        delete(&engine, "dev", &files, &silent).await.unwrap_err();
        let left = std::fs::read_to_string(&path).unwrap();
        assert!(left.contains("kindrs-other") && !left.contains("kindrs-dev"), "{left}");
        let deleted = delete(&engine, "dev", &files, &silent).await.unwrap();
        assert_eq!(deleted.kubeconfigs, Vec::<PathBuf>::new());
        assert_eq!(deleted.containers, ["dev-control-plane"]);
    }
}
