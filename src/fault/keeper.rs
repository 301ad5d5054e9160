//! Healing on time for faults that no node can heal by itself, as one that is stopped.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use etcetera::BaseStrategy as _;
use jiff::Timestamp;

use crate::cluster::inventory;
use crate::runtime::Engine;

use super::heal::{Which, heal};
use super::journal;

/// Starts a process that heals a fault at its end, and outlives this one.
///
/// # Errors
/// When no process can be started.
pub fn start_keeper(cluster: &str, id: &str) -> std::io::Result<()> {
    Command::new(std::env::current_exe()?)
        .args(["--quiet", "fault", "heal", "--name", cluster, "--at-end", id])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
}

/// Waits for the end of a fault and heals it. It may have been healed by then.
///
/// # Errors
/// Those of [`heal`].
pub async fn keep(engine: &dyn Engine, cluster: &str, id: &str) -> anyhow::Result<()> {
    // A terminal that closes ends what belongs to it.
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

/// Remembers on this machine that a cluster has faults, so that other commands know that there may be
/// something to heal. Only a hint: the journal is in the cluster.
pub fn mark(cluster: &str) {
    if let Some(file) = marker(cluster) {
        let made = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let Err(error) = made.and_then(|()| std::fs::write(&file, "")) {
            tracing::debug!("{}: {error}", file.display());
        }
    }
}

/// Takes [`mark`] back, for a cluster that has no faults or is gone.
pub fn unmark(cluster: &str) {
    let Some(file) = marker(cluster) else { return };
    let _ = std::fs::remove_file(&file);
    // Folders go with their last file; others are not empty.
    for folder in file.ancestors().skip(1).take(2) {
        let _ = std::fs::remove_dir(folder);
    }
}

/// Heals the faults whose time is over in the clusters that have any, and returns what it healed.
/// Costs nothing where no fault was injected from this machine.
pub async fn heal_what_is_over(engine: &dyn Engine) -> Vec<journal::Entry> {
    let mut healed = Vec::new();
    for cluster in marked() {
        match heal(engine, &cluster, &Which::Over).await {
            Ok(done) => healed.extend(done.entries),
            Err(error) => tracing::warn!("{error:#}"),
        }
        let Ok(nodes) = inventory::nodes(engine, &cluster).await else { continue };
        if journal::read(engine, &nodes).await.is_ok_and(|left| left.is_empty()) {
            unmark(&cluster);
        }
    }
    healed
}

fn folder() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("kindrs").join("faults"))
}

fn marker(cluster: &str) -> Option<PathBuf> {
    Some(folder()?.join(cluster))
}

fn marked() -> Vec<String> {
    let files = folder().and_then(|folder| std::fs::read_dir(folder).ok());
    let names = files.into_iter().flatten().flatten();
    names.filter_map(|file| file.file_name().into_string().ok()).collect()
}
