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

/// The result of claiming a key.
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
    ///
    /// # Errors
    /// `Failure::Environment` when there is no home directory.
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

    pub fn directory(&self) -> &Path {
        &self.root
    }

    /// A directory of the cache. Creates it if it does not exist.
    pub fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder).map_err(|error| {
            diagnosis::io(&format!("cannot create {}", folder.display()), &error)
        })?;
        Ok(folder)
    }

    /// The directory of a key's entry, if it exists.
    pub fn landed(&self, key: &str) -> Option<PathBuf> {
        let folder = self.root.join("built").join(key);
        folder.is_dir().then_some(folder)
    }

    /// Claims a key: returns its entry, or a workspace for creating it.
    ///
    /// Waits while another process creates the same entry, and reports that with the name `what`.
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
                remove_folder(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Creates an empty workspace, and removes the workspaces of killed processes.
    ///
    /// Each has a new name, because the compiler of a killed kindrs can still write into the old one.
    fn workspace(&self, key: &str, lock_path: PathBuf, lock: File) -> anyhow::Result<Workspace> {
        let work = self.folder("work")?;
        // A workspace that cannot be removed only uses disk space.
        let _ = self.sweep(key);
        let created = (|| {
            let root =
                tempfile::Builder::new().prefix(&format!("{key}~")).tempdir_in(&work)?.keep();
            for folder in ["output", "module", "temporary"] {
                fs::create_dir_all(root.join(folder))?;
            }
            Ok(root)
        })();
        let root = created.map_err(|error: io::Error| {
            diagnosis::io(&format!("cannot create a directory in {}", work.display()), &error)
        })?;
        Ok(Workspace {
            target: self.folder("built")?.join(key),
            log: self.folder("logs")?.join(format!("{key}.log")),
            key: key.to_owned(),
            root,
            lock: lock_path,
            _held: lock,
        })
    }

    /// The short text with a name, such as the version of an archive.
    pub fn recall(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.root.join("memory").join(name)).ok()
    }

    /// Stores a short text. Ignores errors, because every such text can be computed again.
    pub fn remember(&self, name: &str, text: &str) {
        if let Ok(folder) = self.folder("memory") {
            let _ = write_atomically(&folder.join(name), text.as_bytes());
        }
    }
}

/// A directory for creating one entry, with the lock of its key. Removed on drop.
#[derive(Debug)]
pub struct Workspace {
    key: String,
    root: PathBuf,
    target: PathBuf,
    log: PathBuf,
    lock: PathBuf,
    // Declared last, so that it is unlocked after the directory is removed.
    _held: File,
}

impl Workspace {
    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory that becomes the entry.
    pub fn output(&self) -> PathBuf {
        self.root.join("output")
    }

    /// The directory for a module.
    pub fn module(&self) -> PathBuf {
        self.root.join("module")
    }

    /// The directory for temporary files of compilers.
    pub fn temporary(&self) -> PathBuf {
        self.root.join("temporary")
    }

    /// The locked file.
    pub fn lock(&self) -> &Path {
        &self.lock
    }

    /// The log file, which remains after the workspace is removed.
    pub fn log(&self) -> &Path {
        &self.log
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
        landed
            .await?
            .map_err(|error| diagnosis::io(&format!("cannot store {}", self.key), &error).into())
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // The next claim removes files that a dying compiler writes now.
        let _ = remove_folder(&self.root);
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

/// Bytes as lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file atomically.
fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, content)?;
    file.persist(path)?;
    Ok(())
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Event, Reporter};
    use std::sync::{Arc, Mutex};

    fn ours(claim: Claim) -> Workspace {
        match claim {
            Claim::Ours(workspace) => workspace,
            Claim::Landed(folder) => panic!("{} exists", folder.display()),
        }
    }

    #[tokio::test]
    async fn an_entry_is_not_created_twice() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PartsCache::at(folder.path());
        let workspace = ours(cache.claim("k", "it", &Progress::silent()).await.unwrap());
        fs::write(workspace.output().join("etcd"), "binary").unwrap();
        let root = workspace.root().to_owned();
        let landed = workspace.land().await.unwrap();
        assert_eq!(fs::read_to_string(landed.join("etcd")).unwrap(), "binary");
        assert!(!root.exists());
        match cache.claim("k", "it", &Progress::silent()).await.unwrap() {
            Claim::Landed(found) => assert_eq!(found, landed),
            Claim::Ours(_) => panic!("created twice"),
        }
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
        let held = ours(cache.claim("held", "it", &Progress::silent()).await.unwrap());
        let left = [leftover(&cache, "k"), leftover(&cache, "other")];

        let again = ours(cache.claim("k", "it", &Progress::silent()).await.unwrap());
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
        let first = ours(cache.claim("k", "etcd v3.7.0", &progress).await.unwrap());
        let second = tokio::spawn({
            let (cache, progress) = (cache.clone(), progress.clone());
            async move { cache.claim("k", "etcd v3.7.0", &progress).await }
        });
        while notes.0.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let landed = first.land().await.unwrap();
        match second.await.unwrap().unwrap() {
            Claim::Landed(found) => assert_eq!(found, landed),
            Claim::Ours(_) => panic!("created twice"),
        }
        assert_eq!(
            notes.0.lock().unwrap().as_slice(),
            ["waiting for another kindrs to create etcd v3.7.0"]
        );
    }

    #[test]
    fn a_fingerprint_separates_pieces() {
        let of = |pieces: &[&str]| fingerprint(pieces.iter().map(|p| p.as_bytes()));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["ab"]).len(), 16);
    }
}
