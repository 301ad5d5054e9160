//! The active faults, stored in the containers that they hit. Everybody who uses the same engine sees
//! them; they survive kindrs and a restart of the container, and disappear with the container.

use std::collections::BTreeMap;
use std::io::Read as _;

use bytes::Bytes;
use futures::future::try_join_all;
use jiff::Timestamp;

use crate::cluster::inventory::NodeSummary;
use crate::render::{NodeFile, archive};
use crate::runtime::{Engine, EngineError};

use super::action::Action;
use super::entry::Entry;
use super::plan::FaultPlan;
use super::{event, script};

/// The journal entry of an action.
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
        // A fault that ends at once is over already, so anybody who finds its entry heals it.
        until: if plan.fault.is_instant() { Some(since) } else { until },
        effect: action.effect.clone(),
        healing: action.healing.clone(),
        engine: action.engine,
        script: action.heal.is_some(),
        holds: action.holds.clone(),
        impact: action.impact,
    }
}

/// The requested parameters, with the seed of a random choice.
fn parameters(plan: &FaultPlan) -> serde_json::Value {
    let mut parameters = serde_json::to_value(&plan.fault).unwrap_or_default();
    if let (Some(seed), Some(fields)) = (plan.seed, parameters.as_object_mut()) {
        fields.insert("seed".to_owned(), seed.into());
    }
    parameters
}

/// The files of an action in the journal, its entry and its scripts, as a tar archive for `/`.
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
    // The entry comes last, so that an entry implies the other files.
    files.push(file("fault.json", serde_json::to_string_pretty(&entry)?));
    Ok(archive(&files)?)
}

/// The key of each action of a plan: the fault's ID, and a number after the first on the same node.
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

/// Reads the entries of these nodes with their keys, in the nodes' order, oldest first on each. A node
/// that does not exist any more has none.
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

/// The entries in a tar archive of the journal. A fault without a complete entry was never injected, or
/// is healed already.
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
