use std::time::Duration;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::cluster::inventory;
use crate::failure::Failure;
use crate::runtime::{Engine, EngineError};

use super::action::EngineAction;
use super::collect::client;
use super::journal::{self, Entry};
use super::{event, script};

/// How long a node's own timer may be late before kindrs steps in.
const TIMER_LATENESS: SignedDuration = SignedDuration::from_secs(2);

/// How long a node may take to shut down before it is killed.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(20);

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
    let node = &entry.node;
    let Some(container) = engine.container(node).await? else { return Ok(false) };
    match entry.engine {
        Some(EngineAction::Pause) if container.state == "paused" => {
            engine.unpause_container(node).await?;
        }
        Some(_) if container.state != "running" => engine.start_container(node).await?,
        None if container.state != "running" => {
            return Err(Failure::environment(format!(
                "{} ({}) on {node}: it is {}, so nothing can be put back in it",
                entry.id, entry.fault, container.state
            ))
            .with_hint(format!("start it with `docker start {node}` and heal again"))
            .into());
        }
        _ => {}
    }
    let path = format!("{}/{key}", script::JOURNAL);
    let command = format!("[ ! -e {path}/heal ] || sh {path}/heal && rm -rf {path}");
    match engine.exec(node, &["sh", "-c", &command], None).await {
        Ok(output) if output.code == 0 => Ok(output.stdout.ends_with(b"healed\n")),
        Ok(output) => Err(Failure::environment(format!(
            "{} ({}) on {node} is not healed: {}",
            entry.id,
            entry.fault,
            output.text().trim()
        ))
        .into()),
        Err(EngineError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
