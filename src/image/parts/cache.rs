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

/// How often a lock that another kindrs holds is tried again.
const LOCK_RETRY: Duration = Duration::from_millis(300);

/// The folder in which compiled and unpacked parts are kept.
///
/// Everything in it has a key that says all that it depends on. A thing is made in a workspace of
/// its own and renamed into place when it is complete, so what is in place is never half done.
#[derive(Debug, Clone)]
pub struct PartsCache {
    root: PathBuf,
}

/// What asking for a key gives.
#[derive(Debug)]
pub enum Claim {
    /// It is there already, in this folder.
    Landed(PathBuf),
    /// It is to be made by whoever asked, in this workspace.
    Ours(Workspace),
}

impl PartsCache {
    /// The user's cache: `parts` in `$KINDRS_CACHE_DIR`, else in `kindrs` of the XDG cache folder.
    ///
    /// # Errors
    /// `Failure::Environment` when there is neither, nor a home folder.
    pub fn open() -> anyhow::Result<Self> {
        if let Some(folder) = std::env::var_os("KINDRS_CACHE_DIR").filter(|f| !f.is_empty()) {
            return Ok(Self::at(Path::new(&folder).join("parts")));
        }
        let base = etcetera::choose_base_strategy().map_err(|error| {
            Failure::environment(format!("there is no cache folder: {error}"))
                .with_hint("set KINDRS_CACHE_DIR to a folder that may be written")
        })?;
        Ok(Self::at(base.cache_dir().join("kindrs").join("parts")))
    }

    /// A cache in a folder of the caller's choice; it is made when it is first written to.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { root: directory.into() }
    }

    /// The folder itself.
    pub fn directory(&self) -> &Path {
        &self.root
    }

    /// A folder of the cache, made when it is missing.
    pub fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder)
            .map_err(|error| diagnosis::io(&format!("cannot make {}", folder.display()), &error))?;
        Ok(folder)
    }

    /// Where a key is kept, when it is.
    pub fn landed(&self, key: &str) -> Option<PathBuf> {
        let folder = self.root.join("built").join(key);
        folder.is_dir().then_some(folder)
    }

    /// Claims a key: gives what is there, or the right to make it.
    ///
    /// Waits while another process makes the same, and says so through `progress`, naming `what`.
    pub async fn claim(&self, key: &str, what: &str, progress: &Progress) -> anyhow::Result<Claim> {
        if let Some(folder) = self.landed(key) {
            return Ok(Claim::Landed(folder));
        }
        let lock = self.folder("locks")?.join(format!("{key}.lock"));
        let lock = File::create(&lock)
            .map_err(|error| diagnosis::io(&format!("cannot write {}", lock.display()), &error))?;
        let mut said = false;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    if !said {
                        progress.note(format!("another kindrs is making {what}; waiting for it"));
                        said = true;
                    }
                    tokio::time::sleep(LOCK_RETRY).await;
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).context("the lock of the parts cache cannot be taken");
                }
            }
        }
        if let Some(folder) = self.landed(key) {
            return Ok(Claim::Landed(folder));
        }
        Ok(Claim::Ours(self.workspace(key, lock)?))
    }

    /// Removes the workspaces of processes that were killed: those whose lock is free.
    fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join("work"))? {
            let entry = entry?;
            let name = format!("{}.lock", entry.file_name().to_string_lossy());
            let lock = File::create(self.root.join("locks").join(name))?;
            if lock.try_lock().is_ok() {
                remove_folder(&entry.path())?;
            }
        }
        Ok(())
    }

    /// An empty workspace; what a killed process left under this key is removed.
    fn workspace(&self, key: &str, lock: File) -> anyhow::Result<Workspace> {
        let root = self.folder("work")?.join(key);
        // A workspace that resists does no harm but to the disk.
        let _ = self.sweep();
        let made = (|| {
            remove_folder(&root)?;
            for folder in ["output", "module", "temporary"] {
                fs::create_dir_all(root.join(folder))?;
            }
            Ok(())
        })();
        made.map_err(|error: io::Error| {
            diagnosis::io(&format!("cannot make {}", root.display()), &error)
        })?;
        Ok(Workspace {
            target: self.folder("built")?.join(key),
            log: self.folder("logs")?.join(format!("{key}.log")),
            key: key.to_owned(),
            root,
            _lock: lock,
        })
    }

    /// A short text remembered under a name, as the version an archive holds.
    pub fn recall(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.root.join("memory").join(name)).ok()
    }

    /// Remembers a short text. What cannot be remembered is found out again.
    pub fn remember(&self, name: &str, text: &str) {
        if let Ok(folder) = self.folder("memory") {
            let _ = write_atomically(&folder.join(name), text.as_bytes());
        }
    }
}

/// A place to make one thing in, held under the lock of its key. Dropping it removes it.
#[derive(Debug)]
pub struct Workspace {
    key: String,
    root: PathBuf,
    target: PathBuf,
    log: PathBuf,
    _lock: File,
}

impl Workspace {
    /// The key that is claimed.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The workspace's own folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder whose content is kept.
    pub fn output(&self) -> PathBuf {
        self.root.join("output")
    }

    /// The folder for a module's files.
    pub fn module(&self) -> PathBuf {
        self.root.join("module")
    }

    /// The folder for temporary files of compilers.
    pub fn temporary(&self) -> PathBuf {
        self.root.join("temporary")
    }

    /// The log file, which outlives the workspace.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Puts the output in its place, complete and on disk; returns where.
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
            .map_err(|error| diagnosis::io(&format!("cannot keep {}", self.key), &error).into())
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // What a dying compiler still writes here is removed by the next claim.
        let _ = remove_folder(&self.root);
    }
}

/// A hash of several pieces, for a key: 16 hexadecimal digits.
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

/// Writes a file so that a reader sees all of it or nothing.
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
            Claim::Landed(folder) => panic!("{} is there already", folder.display()),
        }
    }

    #[tokio::test]
    async fn what_landed_is_not_made_again() {
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
            Claim::Ours(_) => panic!("made twice"),
        }
    }

    #[tokio::test]
    async fn what_a_killed_process_left_is_removed_and_not_taken_for_complete() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PartsCache::at(folder.path());
        let workspace = ours(cache.claim("k", "it", &Progress::silent()).await.unwrap());
        let half = workspace.output().join("half");
        fs::write(&half, "bin").unwrap();
        // A kill closes the lock's file and runs no destructor.
        let Workspace { root, .. } = &workspace;
        let root = root.clone();
        let copy = folder.path().join("copy");
        fs::rename(&root, &copy).unwrap();
        drop(workspace);
        fs::rename(&copy, &root).unwrap();
        assert!(half.exists());

        let other = ours(cache.claim("other", "it", &Progress::silent()).await.unwrap());
        assert!(!root.exists(), "swept");
        fs::create_dir_all(half.parent().unwrap()).unwrap();
        fs::write(&half, "bin").unwrap();
        let again = ours(cache.claim("k", "it", &Progress::silent()).await.unwrap());
        assert!(!half.exists());
        assert!(again.output().is_dir() && other.output().is_dir(), "held ones stay");
    }

    #[tokio::test]
    async fn a_second_process_waits_and_says_so() {
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
            Claim::Ours(_) => panic!("made twice"),
        }
        assert_eq!(
            notes.0.lock().unwrap().as_slice(),
            ["another kindrs is making etcd v3.7.0; waiting for it"]
        );
    }

    #[test]
    fn a_fingerprint_tells_where_pieces_end() {
        let of = |pieces: &[&str]| fingerprint(pieces.iter().map(|p| p.as_bytes()));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["ab"]).len(), 16);
    }
}
