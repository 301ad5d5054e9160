use std::fs::File;
use std::sync::OnceLock;

use super::docker::{docker, try_docker};
use super::words;

/// The start of the names of the sandboxes' folders.
pub(crate) const FOLDER_PREFIX: &str = "kindrs-e2e-";

/// Locked as long as this process runs.
static LOCK: OnceLock<File> = OnceLock::new();

/// Waits, once in each process, until no other process of this machine uses a sandbox, because a session
/// starts with removing what others left.
pub(crate) fn begin() {
    LOCK.get_or_init(|| {
        let file = File::create(std::env::temp_dir().join("kindrs-e2e.lock")).unwrap();
        if file.try_lock().is_err() {
            eprintln!("waiting for another run of the end-to-end tests or a task of xtask");
            file.lock().unwrap();
        }
        remove_leftovers();
        file
    });
}

/// Removes what killed sessions left, with Docker alone.
fn remove_leftovers() {
    for (list, remove) in [
        ("ps --all --filter name=^e2e- --format {{.Names}}", "rm --force --volumes"),
        ("volume ls --filter name=^e2e- --format {{.Name}}", "volume rm"),
        ("network ls --filter name=^kindrs-e2e- --format {{.Name}}", "network rm"),
        ("network ls --filter name=^e2e- --format {{.Name}}", "network rm"),
        ("images --filter reference=e2e-* --format {{.Repository}}:{{.Tag}}", "rmi --force"),
    ] {
        let found = docker(list);
        for name in found.lines() {
            eprintln!("removing {name}, left by an earlier run");
            let mut arguments = words(remove);
            arguments.push(name);
            try_docker(&arguments);
        }
    }
    for entry in std::fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with(FOLDER_PREFIX) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
