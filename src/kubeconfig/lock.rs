use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::replace::temporary_prefix;

const POLL: Duration = Duration::from_millis(50);

/// First word of a lock file of kindrs. The lock files of kubectl and kind are empty.
const OWNER: &str = "kindrs ";

/// Exclusive use of a kubeconfig file among kindrs, kind and kubectl, until it is dropped.
///
/// Whichever of them creates `FILE.lock` holds the lock. kindrs also locks that file with
/// `flock(2)`, which ends with its process, so the next run recognizes and takes over the lock of a
/// killed one.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    file: File,
}

/// Why a lock was not acquired.
#[derive(Debug, thiserror::Error)]
pub(super) enum LockError {
    /// Another process held it for as long as kindrs waited.
    #[error("{} exists: {holder} is changing the file", path.display())]
    Held { path: PathBuf, holder: String },
    /// The lock file cannot be created.
    #[error("cannot create {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl Lock {
    /// Locks `target`, waiting for at most `patience`. The directory of `target` must exist.
    pub(super) fn acquire(target: &Path, patience: Duration) -> Result<Self, LockError> {
        let path = lock_path(target);
        let deadline = Instant::now() + patience;
        loop {
            match attempt(&path, target) {
                Ok(Some(file)) => return Ok(Self { path, file }),
                Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
                Ok(None) => return Err(LockError::Held { holder: holder(&path), path }),
                Err(source) => return Err(LockError::Io { path, source }),
            }
        }
    }

    /// Whether `other` is the lock file itself, under any name.
    pub(super) fn is(&self, other: &File) -> bool {
        same_file(&self.file, other)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The next run takes over a lock file that cannot be removed.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether `target` has a lock file of kindrs, held or left over.
pub(super) fn is_ours_present(target: &Path) -> bool {
    std::fs::read_to_string(lock_path(target)).is_ok_and(|text| text.starts_with(OWNER))
}

fn lock_path(target: &Path) -> PathBuf {
    let mut path = target.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

/// Tries once; `None` when another process holds the lock.
fn attempt(path: &Path, target: &Path) -> io::Result<Option<File>> {
    let folder = super::replace::folder(target);
    let mut temporary =
        tempfile::Builder::new().prefix(&temporary_prefix(path)).tempfile_in(folder)?;
    write_owner(temporary.as_file_mut())?;
    // Without flock(2), only taking over a lock does not work.
    let _ = temporary.as_file().try_lock();
    // The lock file appears complete through the link: never empty, never without its flock.
    match std::fs::hard_link(temporary.path(), path) {
        Ok(()) => Ok(Some(temporary.into_parts().0)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => take_over(path),
        // Another kindrs removed the temporary file before it was locked.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(_) => create_directly(path),
    }
}

/// For file systems without hard links.
fn create_directly(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().read(true).write(true).create_new(true).open(path) {
        Ok(mut file) => {
            let _ = file.try_lock();
            write_owner(&mut file)?;
            Ok(Some(file))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => take_over(path),
        Err(error) => Err(error),
    }
}

/// The lock file of a kindrs that no longer runs; `None` when the lock is held.
fn take_over(path: &Path) -> io::Result<Option<File>> {
    // kubectl creates its lock file without permissions, so opening it can fail.
    let Ok(mut file) = OpenOptions::new().read(true).write(true).open(path) else {
        return Ok(None);
    };
    let mut text = String::new();
    let ours = file.read_to_string(&mut text).is_ok() && text.starts_with(OWNER);
    if !ours || file.try_lock().is_err() {
        return Ok(None);
    }
    // The holder can remove the file between opening and locking it here.
    let still_there = File::open(path).is_ok_and(|now| same_file(&now, &file));
    if !still_there {
        return Ok(None);
    }
    write_owner(&mut file)?;
    Ok(Some(file))
}

fn write_owner(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{OWNER}{}", std::process::id())
}

fn same_file(one: &File, other: &File) -> bool {
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

fn holder(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    match text.strip_prefix(OWNER) {
        Some(process) => format!("another kindrs (process {})", process.trim()),
        None => "kubectl, kind or another tool".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_a_held_lock_and_names_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config");
        let held = Lock::acquire(&target, Duration::ZERO).unwrap();
        assert!(folder.path().join("config.lock").exists());
        let error = Lock::acquire(&target, Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains("config.lock"), "{error}");
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(held);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        Lock::acquire(&target, Duration::ZERO).unwrap();
    }

    #[test]
    fn takes_over_the_lock_of_a_killed_kindrs() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config");
        std::fs::write(folder.path().join("config.lock"), "kindrs 1\n").unwrap();
        assert!(is_ours_present(&target));
        drop(Lock::acquire(&target, Duration::ZERO).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn keeps_the_lock_of_another_tool() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config");
        std::fs::write(folder.path().join("config.lock"), "").unwrap();
        assert!(!is_ours_present(&target));
        let error = Lock::acquire(&target, Duration::from_millis(120)).unwrap_err().to_string();
        assert!(error.contains("kubectl, kind or another tool"), "{error}");
        assert!(folder.path().join("config.lock").exists());
    }

    #[test]
    fn only_one_process_at_a_time_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config");
        let counter = folder.path().join("counter");
        std::fs::write(&counter, "0").unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let lock = Lock::acquire(&target, Duration::from_secs(60)).unwrap();
                        let count: u32 =
                            std::fs::read_to_string(&counter).unwrap().parse().unwrap();
                        std::fs::write(&counter, (count + 1).to_string()).unwrap();
                        drop(lock);
                    }
                });
            }
        });
        assert_eq!(std::fs::read_to_string(&counter).unwrap(), "20");
    }
}
