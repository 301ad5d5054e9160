use std::fs::File;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::docker::{docker, try_docker};
use super::sandbox::FOLDER_PREFIX;
use super::words;

static TURN: Mutex<()> = Mutex::new(());
static RUN: OnceLock<File> = OnceLock::new();

/// Waits until no other test works: clusters side by side would only be slower, and one run of
/// these tests would sweep away another's.
pub fn take() -> MutexGuard<'static, ()> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    RUN.get_or_init(|| {
        let path = std::env::temp_dir().join("kindrs-e2e.lock");
        let file = File::create(path).unwrap();
        file.lock().unwrap();
        sweep();
        file
    });
    turn
}

/// Removes what killed runs of these tests left, by Docker's own means.
fn sweep() {
    for (list, remove) in [
        ("ps --all --filter name=^e2e- --format {{.Names}}", "rm --force --volumes"),
        ("volume ls --filter name=^e2e- --format {{.Name}}", "volume rm"),
        ("network ls --filter name=^kindrs-e2e- --format {{.Name}}", "network rm"),
        ("network ls --filter name=^e2e- --format {{.Name}}", "network rm"),
        ("images --filter reference=e2e-* --format {{.Repository}}:{{.Tag}}", "rmi --force"),
    ] {
        let found = docker(list);
        for name in found.lines() {
            eprintln!("left by an earlier run: {name}");
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
