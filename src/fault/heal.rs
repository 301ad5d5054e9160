use std::time::Duration;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::cluster::access::client;
use crate::cluster::inventory;
use crate::failure::Failure;
use crate::runtime::{ContainerState, Engine, EngineError};

use super::action::EngineAction;
use super::journal::{self, Entry};
use super::{event, script};

/// How long a node's own timer may be late before kindrs steps in.
const TIMER_LATENESS: SignedDuration = SignedDuration::from_secs(2);

/// How long a node may take to shut down before it is killed.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(20);

/// How often a node that the engine changes meanwhile is put back.
const ATTEMPTS: usize = 4;

/// A node that does nothing for so long was frozen.
const FROZEN_AFTER: Duration = Duration::from_secs(10);

/// Which faults are healed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Every one.
    All,
    /// Those whose time is over.
    Over,
    /// Those with these names.
    Named(Vec<String>),
}

/// What healing found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Healed {
    /// What was put back.
    pub entries: Vec<Entry>,
    /// Names that no active fault has: healed before, by their own timer, or gone with their node.
    pub unknown: Vec<String>,
}

/// Puts faults of a cluster back. Faults that are over or whose node is gone are no error.
///
/// # Errors
/// [`Failure::Environment`] naming what could not be put back; the rest is.
pub async fn heal(engine: &dyn Engine, cluster: &str, which: &Which) -> anyhow::Result<Healed> {
    let nodes = inventory::nodes(engine, cluster).await?;
    let now = Timestamp::now();
    let active = journal::read(engine, &nodes).await?;
    let unknown = match which {
        Which::Named(names) => names
            .iter()
            .filter(|name| !active.iter().any(|(_, entry)| entry.id == **name))
            .cloned()
            .collect(),
        _ => Vec::new(),
    };
    let mut wanted: Vec<(String, Entry)> = active
        .into_iter()
        .filter(|(_, entry)| match which {
            Which::All => true,
            Which::Over if entry.engine.is_none() => entry.is_over(now - TIMER_LATENESS),
            Which::Over => entry.is_over(now),
            Which::Named(names) => names.contains(&entry.id),
        })
        .collect();
    // A node that does not run can put nothing else back.
    wanted.sort_by_key(|(_, entry)| entry.engine.is_none());
    let (first, then): (Vec<_>, Vec<_>) =
        wanted.iter().partition(|(_, entry)| entry.engine.is_some());
    let mut failures = Vec::new();
    let mut healed = Vec::new();
    for group in [first, then] {
        let back = group.iter().map(|(key, entry)| put_back(engine, key, entry));
        for ((_, entry), result) in group.iter().zip(join_all(back).await) {
            match result {
                Ok(true) => healed.push(entry.clone()),
                // The node's own timer was first, or the node is gone.
                Ok(false) => {}
                Err(error) => failures.push(error),
            }
        }
    }
    if !healed.is_empty() {
        let events = healed.iter().map(|entry| event::healed(entry, Timestamp::now()));
        match client(engine, cluster).await {
            Ok(client) => event::tell(Some(&client), events.collect()).await,
            Err(error) => tracing::debug!("no Events: {error:#}"),
        }
    }
    if failures.is_empty() {
        return Ok(Healed { entries: healed, unknown });
    }
    let reasons: Vec<String> = failures.iter().map(|error| format!("{error:#}")).collect();
    Err(Failure::environment(reasons.join("; "))
        .with_hint("what could not be healed is still in `kindrs fault list`; heal it again")
        .into())
}

/// Puts one action back and removes it from the journal; returns whether there was anything to put
/// back. Harmless to repeat.
pub(super) async fn put_back(
    engine: &dyn Engine,
    key: &str,
    entry: &Entry,
) -> anyhow::Result<bool> {
    let mut reverted = false;
    for _ in 0..ATTEMPTS {
        match revert(engine, entry).await? {
            Reverted::Gone => return Ok(false),
            Reverted::Done => reverted = true,
            Reverted::Nothing => {}
        }
        let patience = if entry.engine.is_some() { FROZEN_AFTER } else { Duration::MAX };
        let ran = tokio::time::timeout(patience, run_script(engine, key, entry)).await;
        // What a killed kindrs had asked of the engine may have come only now.
        let is_back = entry.engine.is_none()
            || engine
                .container(&entry.node)
                .await?
                .is_none_or(|now| now.state == ContainerState::Running);
        match ran {
            Ok(Ok(healed)) if is_back => return Ok(healed || reverted),
            Ok(Err(error)) if is_back => return Err(error),
            _ => {}
        }
    }
    Err(Failure::environment(format!("{} does not come back", entry.node))
        .with_hint(format!("see docker logs {}", entry.node))
        .into())
}

/// What was done through the engine to put an action back.
enum Reverted {
    /// The container is gone.
    Gone,
    /// It runs again.
    Done,
    /// There was nothing to do.
    Nothing,
}

async fn revert(engine: &dyn Engine, entry: &Entry) -> anyhow::Result<Reverted> {
    let node = &entry.node;
    let Some(container) = engine.container(node).await? else { return Ok(Reverted::Gone) };
    match (entry.engine, container.state) {
        (Some(EngineAction::Pause), ContainerState::Paused) => {
            engine.unpause_container(node).await?
        }
        (Some(EngineAction::Stop | EngineAction::Restart), ContainerState::Running) => {
            // Whoever asked for the stop may be gone, and the node still on its way down.
            let state = engine.exec(node, &["systemctl", "is-system-running"], None).await;
            if !state.is_ok_and(|state| state.stdout.starts_with(b"stopping")) {
                return Ok(Reverted::Nothing);
            }
            let _ = tokio::time::timeout(STOP_GRACE * 2, engine.wait_container(node)).await;
            engine.start_container(node).await?;
        }
        (_, ContainerState::Running) => return Ok(Reverted::Nothing),
        (Some(_), _) => engine.start_container(node).await?,
        (None, state) => {
            return Err(Failure::environment(format!(
                "{} ({}) on {node}: it is {state}, so nothing can be put back in it",
                entry.id, entry.fault
            ))
            .with_hint(format!("start it with `docker start {node}` and heal again"))
            .into());
        }
    }
    Ok(Reverted::Done)
}

/// Runs what puts an action back inside; returns whether it was there to be put back.
async fn run_script(engine: &dyn Engine, key: &str, entry: &Entry) -> anyhow::Result<bool> {
    let path = format!("{}/{key}", script::JOURNAL);
    let command = format!("[ ! -e {path}/heal ] || sh {path}/heal && rm -rf {path}");
    match engine.exec(&entry.node, &["sh", "-c", &command], None).await {
        Ok(output) if output.code == 0 => Ok(output.stdout.ends_with(b"healed\n")),
        Ok(output) => Err(Failure::environment(format!(
            "{} ({}) on {} is not healed: {}",
            entry.id,
            entry.fault,
            entry.node,
            output.text().trim()
        ))
        .into()),
        Err(EngineError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
