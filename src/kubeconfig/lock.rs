use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::temporary::temporary;

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

#[derive(Debug, thiserror::Error)]
pub(super) enum LockError {
    /// Another process held it for as long as kindrs waited.
    #[error("{} exists: {holder} is changing the file", path.display())]
    Held { path: PathBuf, holder: String },
    #[error("cannot create {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl Lock {
    /// Locks `target`, waiting for at most `patience`. The directory of `target` must exist.
    pub(super) fn acquire(target: &Path, patience: Duration) -> Result<Self, LockError> {
        let path = lock_path(target);
        let deadline = Instant::now() + patience;
        loop {
            match attempt(&path) {
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
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether `target` has a lock file of kindrs, held or left over.
pub(super) fn is_ours_present(target: &Path) -> bool {
    fs::read_to_string(lock_path(target)).is_ok_and(|text| text.starts_with(OWNER))
}

pub(super) fn lock_path(target: &Path) -> PathBuf {
    let mut path = target.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

/// Tries once; `None` when another process holds the lock.
fn attempt(path: &Path) -> io::Result<Option<File>> {
    let mut temporary = temporary(path)?;
    write_owner(temporary.as_file_mut())?;
    // Without flock(2), only taking over a lock does not work.
    let _ = temporary.as_file().try_lock();
    // The lock file appears complete: never empty, never without its flock.
    match temporary.persist_noclobber(path).map_err(|error| error.error) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => take_over(path),
        // Another kindrs removed the temporary file before it was locked.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
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
    if !File::open(path).is_ok_and(|now| same_file(&now, &file)) {
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
    let text = fs::read_to_string(path).unwrap_or_default();
    match text.strip_prefix(OWNER) {
        Some(process) => format!("another kindrs (process {})", process.trim()),
        None => "kubectl, kind or another tool".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config");
        (folder, target)
    }

    #[test]
    fn waits_for_a_held_lock_and_names_its_holder() {
        let (folder, target) = target();
        let held = Lock::acquire(&target, Duration::ZERO).unwrap();
        assert!(folder.path().join("config.lock").exists());
        let error = Lock::acquire(&target, Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains("config.lock"), "{error}");
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(held);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        Lock::acquire(&target, Duration::ZERO).unwrap();
    }

    #[test]
    fn takes_over_the_lock_of_a_killed_kindrs() {
        let (folder, target) = target();
        fs::write(folder.path().join("config.lock"), "kindrs 1\n").unwrap();
        assert!(is_ours_present(&target));
        drop(Lock::acquire(&target, Duration::ZERO).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn keeps_the_lock_of_another_tool() {
        let (folder, target) = target();
        fs::write(folder.path().join("config.lock"), "").unwrap();
        assert!(!is_ours_present(&target));
        let error = Lock::acquire(&target, Duration::from_millis(120)).unwrap_err().to_string();
        assert!(error.contains("kubectl, kind or another tool"), "{error}");
        assert!(folder.path().join("config.lock").exists());
    }

    #[test]
    fn only_one_process_at_a_time_holds_the_lock() {
        let (folder, target) = target();
        let counter = folder.path().join("counter");
        fs::write(&counter, "0").unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let lock = Lock::acquire(&target, Duration::from_secs(60)).unwrap();
                        let count: u32 = fs::read_to_string(&counter).unwrap().parse().unwrap();
                        fs::write(&counter, (count + 1).to_string()).unwrap();
                        drop(lock);
                    }
                });
            }
        });
        assert_eq!(fs::read_to_string(&counter).unwrap(), "20");
    }
}
