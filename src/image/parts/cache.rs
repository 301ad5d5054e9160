use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use etcetera::BaseStrategy as _;
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;
use crate::progress::Progress;

use super::diagnosis;

/// Time between attempts to take a lock that another kindrs holds.
const LOCK_RETRY: Duration = Duration::from_millis(300);

/// The directory of compiled and unpacked parts.
///
/// The key of each entry includes everything that the entry depends on. kindrs creates an entry in a
/// workspace and renames it when it is complete, so no entry is incomplete.
#[derive(Debug, Clone)]
pub struct PartsCache {
    root: PathBuf,
}

#[derive(Debug)]
pub enum Claim {
    /// The entry exists, in this directory.
    Landed(PathBuf),
    /// The caller has to create the entry in this workspace.
    Ours(Workspace),
}

impl PartsCache {
    /// The user's cache: `parts` in `KINDRS_CACHE_DIR`, otherwise `kindrs/parts` in the XDG cache
    /// directory.
    pub fn open() -> anyhow::Result<Self> {
        if let Some(folder) = std::env::var_os("KINDRS_CACHE_DIR").filter(|f| !f.is_empty()) {
            return Ok(Self::at(Path::new(&folder).join("parts")));
        }
        let base = etcetera::choose_base_strategy().map_err(|error| {
            Failure::environment(format!("no cache directory: {error}"))
                .with_hint("set KINDRS_CACHE_DIR to a writable directory")
        })?;
        Ok(Self::at(base.cache_dir().join("kindrs").join("parts")))
    }

    /// A cache in another directory, which the first write creates.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { root: directory.into() }
    }

    pub fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder).map_err(|error| {
            diagnosis::io(&format!("cannot create {}", folder.display()), &error)
        })?;
        Ok(folder)
    }

    pub fn landed(&self, key: &str) -> Option<PathBuf> {
        let folder = self.root.join("built").join(key);
        folder.is_dir().then_some(folder)
    }

    /// Returns the entry of a key, or a workspace for creating it. Waits while another process
    /// creates the entry, and reports that with the name `what`.
    pub async fn claim(&self, key: &str, what: &str, progress: &Progress) -> anyhow::Result<Claim> {
        if let Some(folder) = self.landed(key) {
            return Ok(Claim::Landed(folder));
        }
        let waiting = format!("waiting for another kindrs to create {what}");
        let (path, lock) = self.lock(key, &waiting, progress).await?;
        if let Some(folder) = self.landed(key) {
            return Ok(Claim::Landed(folder));
        }
        Ok(Claim::Ours(self.workspace(key, path, lock)?))
    }

    /// Locks a name against other processes, and returns the path of the lock file too. Reports the
    /// text `waiting` while another process holds the lock.
    pub async fn lock(
        &self,
        name: &str,
        waiting: &str,
        progress: &Progress,
    ) -> anyhow::Result<(PathBuf, File)> {
        let path = self.folder("locks")?.join(format!("{name}.lock"));
        let lock = File::create(&path)
            .map_err(|error| diagnosis::io(&format!("cannot write {}", path.display()), &error))?;
        let mut reported = false;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok((path, lock)),
                Err(TryLockError::WouldBlock) => {
                    if !reported {
                        progress.note(waiting);
                        reported = true;
                    }
                    tokio::time::sleep(LOCK_RETRY).await;
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", path.display()));
                }
            }
        }
    }

    /// Removes the workspaces of killed processes: those of the key `held`, which the caller has
    /// locked, and those whose lock is free.
    fn sweep(&self, held: &str) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join("work"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let key = name.split('~').next().unwrap_or(&name);
            let lock = File::create(self.root.join("locks").join(format!("{key}.lock")))?;
            if key == held || lock.try_lock().is_ok() {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }

    /// Creates an empty workspace, and removes the workspaces of killed processes. Each has a new
    /// name, because the compiler of a killed kindrs can still write into the old one.
    fn workspace(&self, key: &str, lock_path: PathBuf, lock: File) -> anyhow::Result<Workspace> {
        let work = self.folder("work")?;
        // A workspace that cannot be removed only uses disk space.
        let _ = self.sweep(key);
        let failed = |error: io::Error| {
            diagnosis::io(&format!("cannot create a directory in {}", work.display()), &error)
        };
        let root = tempfile::Builder::new().prefix(&format!("{key}~")).tempdir_in(&work);
        let root = root.map_err(failed)?.keep();
        for folder in ["output", "module", "temporary"] {
            fs::create_dir_all(root.join(folder)).map_err(failed)?;
        }
        Ok(Workspace {
            target: self.folder("built")?.join(key),
            log: self.folder("logs")?.join(format!("{key}.log")),
            key: key.to_owned(),
            root,
            lock: lock_path,
            _held: lock,
        })
    }

    pub fn recall(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.root.join("memory").join(name)).ok()
    }

    /// Stores a short text atomically. Ignores errors, because each text can be computed again.
    pub fn remember(&self, name: &str, text: &str) {
        let write = || -> anyhow::Result<()> {
            let folder = self.folder("memory")?;
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            io::Write::write_all(&mut file, text.as_bytes())?;
            file.persist(folder.join(name))?;
            Ok(())
        };
        let _ = write();
    }
}

/// A directory for creating an entry, with the lock of its key. Removed on drop, without the log.
#[derive(Debug)]
pub struct Workspace {
    pub key: String,
    pub root: PathBuf,
    pub log: PathBuf,
    /// The locked file.
    pub lock: PathBuf,
    target: PathBuf,
    // Declared last, so that it is unlocked after the directory is removed.
    _held: File,
}

impl Workspace {
    /// The directory that becomes the entry.
    pub fn output(&self) -> PathBuf {
        self.root.join("output")
    }

    pub fn module(&self) -> PathBuf {
        self.root.join("module")
    }

    pub fn temporary(&self) -> PathBuf {
        self.root.join("temporary")
    }

    /// Turns the output into the entry, after syncing it to disk. Returns its directory.
    pub async fn land(self) -> anyhow::Result<PathBuf> {
        let (output, target) = (self.output(), self.target.clone());
        let landed = tokio::task::spawn_blocking(move || {
            for entry in fs::read_dir(&output)? {
                File::open(entry?.path())?.sync_all()?;
            }
            File::open(&output)?.sync_all()?;
            fs::rename(&output, &target)?;
            if let Some(parent) = target.parent() {
                File::open(parent)?.sync_all()?;
            }
            Ok::<_, io::Error>(target)
        });
        let failed = |error| diagnosis::io(&format!("cannot store {}", self.key), &error);
        Ok(landed.await?.map_err(failed)?)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // The next claim removes files that a dying compiler writes now.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// A hash of several pieces with 16 hexadecimal digits.
pub fn fingerprint<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update((piece.len() as u64).to_le_bytes());
        hash.update(piece);
    }
    hexadecimal(&hash.finalize())[..16].to_owned()
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Event, Reporter};
    use std::sync::{Arc, Mutex};

    async fn ours(cache: &PartsCache, key: &str, progress: &Progress) -> Workspace {
        match cache.claim(key, "etcd v3.7.0", progress).await.unwrap() {
            Claim::Ours(workspace) => workspace,
            Claim::Landed(folder) => panic!("{} exists", folder.display()),
        }
    }

    fn landed(claim: Claim) -> PathBuf {
        match claim {
            Claim::Landed(folder) => folder,
            Claim::Ours(_) => panic!("created twice"),
        }
    }

    #[tokio::test]
    async fn an_entry_is_not_created_twice() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PartsCache::at(folder.path());
        let progress = Progress::silent();
        let workspace = ours(&cache, "k", &progress).await;
        fs::write(workspace.output().join("etcd"), "binary").unwrap();
        let root = workspace.root.clone();
        let folder = workspace.land().await.unwrap();
        assert_eq!(fs::read_to_string(folder.join("etcd")).unwrap(), "binary");
        assert!(!root.exists());
        assert_eq!(landed(cache.claim("k", "it", &progress).await.unwrap()), folder);
    }

    /// A directory in `work` whose lock is free, as a killed process leaves it.
    fn leftover(cache: &PartsCache, key: &str) -> PathBuf {
        let folder = cache.folder(&format!("work/{key}~dead/output")).unwrap();
        fs::write(folder.join("half"), "bin").unwrap();
        folder
    }

    #[tokio::test]
    async fn removes_the_workspaces_of_killed_processes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PartsCache::at(folder.path());
        let held = ours(&cache, "held", &Progress::silent()).await;
        let left = [leftover(&cache, "k"), leftover(&cache, "other")];

        let again = ours(&cache, "k", &Progress::silent()).await;
        assert!(left.iter().all(|folder| !folder.exists()));
        assert_eq!(fs::read_dir(again.output()).unwrap().count(), 0);
        assert!(held.output().is_dir());
    }

    #[tokio::test]
    async fn a_second_process_waits_and_reports_it() {
        #[derive(Default)]
        struct Notes(Mutex<Vec<String>>);
        impl Reporter for Notes {
            fn report(&self, event: &Event) {
                if let Event::Note(text) = event {
                    self.0.lock().unwrap().push(text.clone());
                }
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let cache = PartsCache::at(folder.path());
        let notes = Arc::new(Notes::default());
        let progress = Progress::new(notes.clone());
        let first = ours(&cache, "k", &progress).await;
        let second = tokio::spawn({
            let (cache, progress) = (cache.clone(), progress.clone());
            async move { cache.claim("k", "etcd v3.7.0", &progress).await }
        });
        while notes.0.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let folder = first.land().await.unwrap();
        assert_eq!(landed(second.await.unwrap().unwrap()), folder);
        let notes = notes.0.lock().unwrap();
        assert_eq!(notes.as_slice(), ["waiting for another kindrs to create etcd v3.7.0"]);
    }

    #[test]
    fn a_fingerprint_separates_pieces() {
        let of = |pieces: &[&str]| fingerprint(pieces.iter().map(|p| p.as_bytes()));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["ab"]).len(), 16);
    }
}
