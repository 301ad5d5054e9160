use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::replace::temporary_prefix;

const POLL: Duration = Duration::from_millis(50);

/// What a lock of kindrs' own starts with; kubectl's and kind's are empty.
const OWNER: &str = "kindrs ";

/// Exclusive use of a kubeconfig file among kindrs, kind and kubectl, until it is dropped.
///
/// All of them hold `FILE.lock` by being the one that created it. Ours is also locked with
/// `flock(2)`, which ends with its process: so one left by a killed kindrs is known and taken over.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    file: File,
}

/// Why a lock could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum LockError {
    /// Another holds it, and kept it for as long as we waited.
    #[error("{} is there: {holder} is changing the file", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Whose it may be.
        holder: String,
    },
    /// The lock file cannot be made.
    #[error("cannot make {}: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Lock {
    /// Locks `target`, waiting for at most `patience`. The folder of `target` must exist.
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

    /// Whether `other` is the lock file itself, by whatever name.
    pub(super) fn is(&self, other: &File) -> bool {
        same_file(&self.file, other)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nothing is left to do about a lock file that cannot be removed; the next run takes it over.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether a lock file made by kindrs is beside `target`, held or left over.
pub(super) fn is_ours_present(target: &Path) -> bool {
    std::fs::read_to_string(lock_path(target)).is_ok_and(|text| text.starts_with(OWNER))
}

fn lock_path(target: &Path) -> PathBuf {
    let mut path = target.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

/// One try; `None` when another holds the lock.
fn attempt(path: &Path, target: &Path) -> io::Result<Option<File>> {
    let folder = super::replace::folder(target);
    let mut temporary =
        tempfile::Builder::new().prefix(&temporary_prefix(path)).tempfile_in(folder)?;
    write_owner(temporary.as_file_mut())?;
    // A file system without flock(2) only loses the taking over.
    let _ = temporary.as_file().try_lock();
    // The link makes the lock appear complete: never empty, never without its flock.
    match std::fs::hard_link(temporary.path(), path) {
        Ok(()) => Ok(Some(temporary.into_parts().0)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => take_over(path),
        // Removed by another's cleaning up before it was locked.
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

/// The lock file of a kindrs that is no more; `None` when the lock is held.
fn take_over(path: &Path) -> io::Result<Option<File>> {
    // kubectl makes its lock without any permissions, so that it may not even open.
    let Ok(mut file) = OpenOptions::new().read(true).write(true).open(path) else {
        return Ok(None);
    };
    let mut text = String::new();
    let ours = file.read_to_string(&mut text).is_ok() && text.starts_with(OWNER);
    if !ours || file.try_lock().is_err() {
        return Ok(None);
    }
    // Its holder may have removed it between our opening and locking it.
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
    fn a_held_lock_is_waited_for_and_named() {
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
    fn the_lock_of_a_killed_kindrs_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config");
        std::fs::write(folder.path().join("config.lock"), "kindrs 1\n").unwrap();
        assert!(is_ours_present(&target));
        drop(Lock::acquire(&target, Duration::ZERO).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_lock_of_another_tool_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config");
        std::fs::write(folder.path().join("config.lock"), "").unwrap();
        assert!(!is_ours_present(&target));
        let error = Lock::acquire(&target, Duration::from_millis(120)).unwrap_err().to_string();
        assert!(error.contains("kubectl, kind or another tool"), "{error}");
        assert!(folder.path().join("config.lock").exists());
    }

    #[test]
    fn only_one_of_many_holds_it() {
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
