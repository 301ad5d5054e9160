use std::time::Duration;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::cluster::inventory;
use crate::failure::Failure;
use crate::runtime::{ContainerState, Engine, EngineError};

use super::action::EngineAction;
use super::entry::Entry;
use super::{event, journal, script};

/// How late a node's own timer can be before kindrs heals the fault instead.
const TIMER_LATENESS: SignedDuration = SignedDuration::from_secs(2);

/// How long a node can take to shut down before the engine kills it.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(20);

/// How often to heal a node that the engine changes in the meantime.
const ATTEMPTS: usize = 4;

/// A node that does not answer for this long is frozen.
const FROZEN_AFTER: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    All,
    Over,
    Named(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Healed {
    pub entries: Vec<Entry>,
    /// IDs without an active fault: healed before, healed by a timer, or deleted with the node.
    pub unknown: Vec<String>,
}

/// Heals faults of a cluster. A fault that is over, or on a node that does not exist any more, is not
/// an error.
/// Fails with [`Failure::Environment`], naming everything that could not be healed. The rest is
/// healed.
pub async fn heal(engine: &dyn Engine, cluster: &str, which: &Which) -> anyhow::Result<Healed> {
    let nodes = inventory::nodes(engine, cluster).await?;
    let now = Timestamp::now();
    let active = journal::read(engine, &nodes).await?;
    let mut unknown = match which {
        Which::Named(names) => names.clone(),
        _ => Vec::new(),
    };
    unknown.retain(|name| !active.iter().any(|(_, entry)| entry.id == *name));
    let wanted: Vec<(String, Entry)> = active
        .into_iter()
        .filter(|(_, entry)| match which {
            Which::All => true,
            Which::Over if entry.engine.is_none() => entry.is_over(now - TIMER_LATENESS),
            Which::Over => entry.is_over(now),
            Which::Named(names) => names.contains(&entry.id),
        })
        .collect();
    // A stopped node cannot heal anything else, so nodes come first.
    let (first, then): (Vec<_>, Vec<_>) =
        wanted.iter().partition(|(_, entry)| entry.engine.is_some());
    let mut failures = Vec::new();
    let mut healed = Vec::new();
    for group in [first, then] {
        let back = group.iter().map(|(key, entry)| put_back(engine, key, entry));
        for ((_, entry), result) in group.iter().zip(join_all(back).await) {
            match result {
                Ok(true) => healed.push(entry.clone()),
                // The node's own timer was faster, or the node does not exist any more.
                Ok(false) => {}
                Err(error) => failures.push(error),
            }
        }
    }
    if !healed.is_empty() {
        let events = healed.iter().map(|entry| event::healed(entry, Timestamp::now()));
        event::create(engine, cluster, events.collect()).await;
    }
    if failures.is_empty() {
        return Ok(Healed { entries: healed, unknown });
    }
    let reasons: Vec<String> = failures.iter().map(|error| format!("{error:#}")).collect();
    Err(Failure::environment(reasons.join("; "))
        .with_hint("run `kindrs fault list` to see what is left, and heal it again")
        .into())
}

/// Heals one action and removes it from the journal. Returns whether there was anything to heal. Harmless
/// to repeat.
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
        // A request of a killed kindrs can reach the engine only now.
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
    Err(Failure::environment(format!("{} does not start again", entry.node))
        .with_hint(format!("run `docker logs {}` to see why", entry.node))
        .into())
}

enum Reverted {
    Gone,
    Done,
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
            // The process that requested the stop can be dead, and the node still shutting down.
            let state = engine.exec(node, &["systemctl", "is-system-running"], None).await;
            if !state.is_ok_and(|state| state.stdout.trim_ascii() == b"stopping") {
                return Ok(Reverted::Nothing);
            }
            let _ = tokio::time::timeout(STOP_GRACE * 2, engine.wait_container(node)).await;
            engine.start_container(node).await?;
        }
        (_, ContainerState::Running) => return Ok(Reverted::Nothing),
        (Some(_), _) => engine.start_container(node).await?,
        (None, state) => {
            return Err(Failure::environment(format!(
                "cannot heal {} ({}): node `{node}` is {state}",
                entry.id, entry.fault
            ))
            .with_hint(format!("run `docker start {node}`, and heal again"))
            .into());
        }
    }
    Ok(Reverted::Done)
}

/// Runs the healing script in the node. Returns whether the script healed anything.
async fn run_script(engine: &dyn Engine, key: &str, entry: &Entry) -> anyhow::Result<bool> {
    let path = format!("{}/{key}", script::JOURNAL);
    let command = format!("[ ! -e {path}/heal ] || sh {path}/heal && rm -rf {path}");
    match engine.exec(&entry.node, &["sh", "-c", &command], None).await {
        Ok(output) if output.code == 0 => Ok(output.stdout.ends_with(b"healed\n")),
        Ok(output) => Err(Failure::environment(format!(
            "cannot heal {} ({}) on {}: {}",
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
