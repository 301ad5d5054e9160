use std::time::Duration;

use futures::future::join_all;

use crate::runtime::{Engine, EngineError, Label};

use super::labels;

/// Removes everything that one run of `create` made, and nothing else. The engine may still be
/// busy with a request of that run, so it is asked until nothing new turns up.
///
/// # Errors
/// The last refusal, when something cannot be removed.
pub(super) async fn discard(
    engine: &dyn Engine,
    cluster: &str,
    run: &str,
) -> Result<(), EngineError> {
    let filter: Vec<Label> =
        vec![(labels::CLUSTER.into(), cluster.into()), (labels::RUN.into(), run.into())];
    let mut quiet = 0;
    let mut refusal = None;
    for _ in 0..20 {
        let containers = engine.containers(&filter).await?;
        let removals = containers.iter().map(|container| engine.remove_container(&container.id));
        let mut results = join_all(removals).await;
        let volumes = engine.volumes(&filter).await?;
        results.extend(join_all(volumes.iter().map(|name| engine.remove_volume(name))).await);
        let networks = engine.networks(&filter).await?;
        results.extend(
            join_all(networks.iter().map(|network| engine.remove_network(&network.id))).await,
        );
        let found = !results.is_empty();
        refusal = results.into_iter().find_map(Result::err);
        quiet = if found { 0 } else { quiet + 1 };
        if quiet == 2 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    refusal.map_or(Ok(()), Err)
}
