//! What is active, kept in the containers it is about: it is there for whoever uses the same engine,
//! survives kindrs and the container's restart, and goes with the container.

use std::collections::BTreeMap;
use std::io::Read as _;

use bytes::Bytes;
use futures::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cluster::inventory::NodeSummary;
use crate::render::{NodeFile, archive};
use crate::runtime::{Engine, EngineError};

use super::action::{Action, EngineAction, Hold, Impact, Subject};
use super::plan::FaultPlan;
use super::{event, script};

/// An active fault on one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Name of the fault; its entries on other containers have the same.
    pub id: String,
    /// The cluster.
    pub cluster: String,
    /// The kind of fault.
    pub fault: String,
    /// Its parameters and targets, as they were asked for.
    pub parameters: serde_json::Value,
    /// The container.
    pub node: String,
    /// What it is about.
    pub subject: Subject,
    /// When it was injected.
    pub since: Timestamp,
    /// When it ends by itself; `None` when it is to be healed.
    pub until: Option<Timestamp>,
    /// What it does.
    pub effect: String,
    /// What healing does.
    pub healing: String,
    /// What was done through the engine, which healing reverts.
    pub engine: Option<EngineAction>,
    /// Whether the node has a script that heals.
    pub script: bool,
    /// What it has for itself.
    pub holds: Vec<Hold>,
    /// What it takes from the cluster.
    pub impact: Impact,
}

impl Entry {
    /// Whether its time is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// The entry of an action.
pub(super) fn entry(plan: &FaultPlan, action: &Action, since: Timestamp) -> Entry {
    let until = plan.duration.and_then(|duration| since.checked_add(duration).ok());
    Entry {
        id: plan.id.clone(),
        cluster: plan.cluster.clone(),
        fault: plan.fault.name(),
        parameters: parameters(plan),
        node: action.node.clone(),
        subject: action.subject.clone(),
        since,
        // What is over as soon as it was done is over now: whoever finds it undone heals it.
        until: if plan.fault.is_instant() { Some(since) } else { until },
        effect: action.effect.clone(),
        healing: action.healing.clone(),
        engine: action.engine,
        script: action.heal.is_some(),
        holds: action.holds.clone(),
        impact: action.impact,
    }
}

/// What was asked for, with the seed that chance took.
fn parameters(plan: &FaultPlan) -> serde_json::Value {
    let mut parameters = serde_json::to_value(&plan.fault).unwrap_or_default();
    if let (Some(seed), Some(fields)) = (plan.seed, parameters.as_object_mut()) {
        fields.insert("seed".to_owned(), seed.into());
    }
    parameters
}

/// What the journal has of an action: its entry and its scripts, as a tar to be unpacked at `/`.
/// Several actions of a plan on one container are numbered.
pub(super) fn archive_of(
    plan: &FaultPlan,
    key: &str,
    action: &Action,
    since: Timestamp,
) -> anyhow::Result<Bytes> {
    let folder = format!("{}/{key}", script::JOURNAL);
    let file =
        |name: &str, content: String| NodeFile::text(format!("{folder}/{name}"), 0o600, content);
    let entry = entry(plan, action, since);
    let mut files = vec![
        file("heal", script::heal(key, action)),
        file("healed.json", event::healed(&entry, entry.until.unwrap_or(since)).to_string()),
    ];
    files.extend(script::inject(key, action, plan.duration).map(|text| file("inject", text)));
    files.extend(action.files.iter().map(|(name, content)| file(name, content.clone())));
    // The entry comes last: where it is, all of it is.
    files.push(file("fault.json", serde_json::to_string_pretty(&entry)?));
    Ok(archive(&files)?)
}

/// The key of a plan's action: the fault's id, and a number after the first on the same node.
pub(super) fn keys(plan: &FaultPlan) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    plan.actions
        .iter()
        .map(|action| {
            let number = seen.entry(&action.node).or_default();
            *number += 1;
            if *number == 1 { plan.id.clone() } else { format!("{}.{number}", plan.id) }
        })
        .collect()
}

/// Every active entry of these nodes with its key, in the nodes' order, oldest first on each.
///
/// # Errors
/// What the engine says; a node that is gone has none.
pub async fn read(
    engine: &dyn Engine,
    nodes: &[NodeSummary],
) -> Result<Vec<(String, Entry)>, EngineError> {
    let of_each = try_join_all(nodes.iter().filter(|node| node.role.is_node()).map(|node| async {
        match engine.download(&node.name, script::JOURNAL).await {
            Ok(tar) => Ok(entries(&tar, node)),
            Err(EngineError::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }))
    .await?;
    Ok(of_each.into_iter().flatten().collect())
}

/// The entries in a tar of the journal. A folder without a whole entry was never acted upon, or is
/// healed already.
fn entries(tar: &[u8], node: &NodeSummary) -> Vec<(String, Entry)> {
    let mut archive = tar::Archive::new(tar);
    let Ok(files) = archive.entries() else { return Vec::new() };
    let mut found = Vec::new();
    for mut file in files.flatten() {
        let Ok(path) = file.path().map(|path| path.into_owned()) else { continue };
        if path.file_name().is_none_or(|name| name != "fault.json") {
            continue;
        }
        let key = path.parent().and_then(|folder| folder.file_name());
        let key = key.map(|key| key.to_string_lossy().into_owned()).unwrap_or_default();
        let mut text = String::new();
        if file.read_to_string(&mut text).is_err() {
            continue;
        }
        if let Ok(entry) = serde_json::from_str::<Entry>(&text)
            && entry.node == node.name
        {
            found.push((key, entry));
        }
    }
    found.sort_by_key(|(_, entry)| entry.since);
    found
}
