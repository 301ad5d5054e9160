//! Healing on time the faults that no node can heal by itself, such as those of a stopped node.

use std::process::{Command, Stdio};

use jiff::Timestamp;

use crate::cluster::inventory;
use crate::runtime::Engine;

use super::entry::Entry;
use super::heal::{Which, heal};
use super::{journal, marker};

/// Starts a process that heals a fault at its end, and outlives this one.
///
/// # Errors
/// If the process cannot be started.
pub fn start_healer(cluster: &str, id: &str) -> std::io::Result<()> {
    Command::new(std::env::current_exe()?)
        .args(["--quiet", "fault", "heal", "--name", cluster, "--at-end", id])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
}

/// Waits for the end of a fault and heals it, if it is still active then.
///
/// # Errors
/// As [`heal`].
pub async fn heal_at_end(engine: &dyn Engine, cluster: &str, id: &str) -> anyhow::Result<()> {
    // A terminal ends its processes when it closes.
    let _ = rustix::process::setsid();
    let nodes = inventory::nodes(engine, cluster).await?;
    let active = journal::read(engine, &nodes).await?;
    let until =
        active.iter().filter(|(_, entry)| entry.id == id).filter_map(|(_, e)| e.until).max();
    let Some(until) = until else { return Ok(()) };
    let left = until.duration_since(Timestamp::now());
    tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    heal(engine, cluster, &Which::Named(vec![id.to_owned()])).await.map(drop)
}

/// Heals the overdue faults of all clusters that had faults injected from this machine, and returns
/// what was healed. Costs nothing without such clusters.
pub async fn heal_overdue(engine: &dyn Engine) -> Vec<Entry> {
    let mut healed = Vec::new();
    for cluster in marker::clusters() {
        match heal(engine, &cluster, &Which::Over).await {
            Ok(done) => healed.extend(done.entries),
            Err(error) => tracing::warn!("{error:#}"),
        }
        let Ok(nodes) = inventory::nodes(engine, &cluster).await else { continue };
        if journal::read(engine, &nodes).await.is_ok_and(|left| left.is_empty()) {
            marker::forget(&cluster);
        }
    }
    healed
}
