//! Remembers on this machine which clusters have faults, so that other commands know when there may be
//! something to heal. Only a hint: the journal is in the cluster.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;

/// Remembers that a cluster has faults.
pub fn remember(cluster: &str) {
    if let Some(file) = marker(cluster) {
        let created = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let Err(error) = created.and_then(|()| std::fs::write(&file, "")) {
            tracing::debug!("{}: {error}", file.display());
        }
    }
}

/// Forgets a cluster that has no faults or does not exist any more.
pub fn forget(cluster: &str) {
    let Some(file) = marker(cluster) else { return };
    let _ = std::fs::remove_file(&file);
    // Removes the folders with their last file. Removing others fails, because they are not empty.
    for folder in file.ancestors().skip(1).take(2) {
        let _ = std::fs::remove_dir(folder);
    }
}

/// The remembered clusters.
pub(super) fn clusters() -> Vec<String> {
    let files = folder().and_then(|folder| std::fs::read_dir(folder).ok());
    let names = files.into_iter().flatten().flatten();
    names.filter_map(|file| file.file_name().into_string().ok()).collect()
}

fn folder() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("kindrs").join("faults"))
}

fn marker(cluster: &str) -> Option<PathBuf> {
    Some(folder()?.join(cluster))
}
