use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::{self, Access, DocumentError};
use super::lock::{self, Lock, LockError};
use super::replace::{follow_links, make_folder, remove_leftovers, replace, temporaries};
use crate::failure::Failure;

/// How long to wait for a lock that another tool holds.
const PATIENCE: Duration = Duration::from_secs(10);

/// The kubeconfig files to use, chosen as kubectl and kind choose them.
///
/// Reading and writing block for up to ten seconds while another tool holds a file's lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    paths: Vec<PathBuf>,
    patience: Duration,
}

impl Files {
    /// The file of `--kubeconfig`, otherwise the files of `KUBECONFIG`, otherwise `~/.kube/config`.
    pub fn from_environment(explicit: Option<&Path>) -> Self {
        let list = std::env::var_os("KUBECONFIG").unwrap_or_default();
        Self::choose(explicit, &list, etcetera::home_dir().ok().as_deref())
    }

    /// Like [`Files::from_environment`], with the environment as arguments: `list` is the value of
    /// `KUBECONFIG`, or empty.
    pub fn choose(explicit: Option<&Path>, list: &OsStr, home: Option<&Path>) -> Self {
        let mut paths: Vec<PathBuf> = explicit.map(Path::to_owned).into_iter().collect();
        if explicit.is_none() {
            for path in std::env::split_paths(list) {
                if !path.as_os_str().is_empty() && !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        if paths.is_empty() {
            paths.extend(home.map(|home| home.join(".kube").join("config")));
        }
        Self { paths, patience: PATIENCE }
    }

    /// The file that receives new entries: the first one that exists, otherwise the last one.
    /// Fails with [`Failure::Input`] when there is no home directory and no file is specified, or
    /// when the file is a directory.
    fn target(&self) -> Result<&Path, Failure> {
        let existing = self.paths.iter().find(|path| path.exists() && !path.is_dir());
        let message = match existing.or(self.paths.last()) {
            Some(path) if path.is_dir() => {
                format!("{} is a directory: expected a kubeconfig file", path.display())
            }
            Some(path) => return Ok(path),
            None => "cannot choose a kubeconfig file: there is no home directory".to_owned(),
        };
        Err(Failure::input(message)
            .with_hint("specify a file with --kubeconfig FILE or the variable KUBECONFIG"))
    }

    /// Checks that the target can receive entries, without changing it.
    /// Fails with [`Failure::Input`] when the file is not a kubeconfig, [`Failure::Environment`]
    /// when it cannot be read.
    pub fn check(&self) -> Result<(), Failure> {
        let target = self.target()?;
        if is_special(target) {
            return Ok(());
        }
        let existing = read(target)?.unwrap_or_default();
        document::remove(&existing, "").map(drop).map_err(|error| corrupt(target, &error))
    }

    /// Adds or replaces a cluster's entries and makes its context the current one. Returns the
    /// path of the changed file.
    /// Fails with [`Failure::Input`] when the file is not a kubeconfig; kindrs does not change it.
    /// [`Failure::Environment`] when it cannot be written, or another tool holds its lock.
    pub fn add(&self, access: &Access) -> Result<PathBuf, Failure> {
        let target = self.target()?;
        if is_special(target) {
            // A device or pipe cannot be replaced, and has no content to merge with.
            let opened = OpenOptions::new().write(true).open(target);
            opened
                .and_then(|mut file| file.write_all(document::render(access).as_bytes()))
                .map_err(|error| unusable("write", target, &error))?;
        } else {
            self.update(target, |existing| document::merge(existing, access))?;
        }
        Ok(target.to_owned())
    }

    /// Removes a cluster's entries from every file, and the lock and temporary files of killed
    /// runs. Returns the files that had entries.
    ///
    /// # Errors
    /// As [`Files::add`]. One failing file does not keep the others from being changed.
    pub fn remove_cluster(&self, cluster: &str) -> Result<Vec<PathBuf>, Failure> {
        let name = document::entry_name(cluster);
        let mut changed = Vec::new();
        let mut failure = None;
        for path in self.paths.iter().filter(|path| !path.is_dir() && !is_special(path)) {
            // A corrupt file does not matter unless it names the cluster.
            let change = |existing: &str| match existing.contains(&name) {
                true => document::remove(existing, cluster),
                false => Ok(existing.to_owned()),
            };
            let concerned = self.concerns(path, &name);
            match concerned.and_then(|concerned| Ok(concerned && self.update(path, change)?)) {
                Ok(true) => changed.push(path.clone()),
                Ok(false) => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(changed), Err)
    }

    /// Whether the file may need a change, so that kindrs does not lock it in vain.
    fn concerns(&self, path: &Path, name: &str) -> Result<bool, Failure> {
        let real = follow_links(path).map_err(|error| unusable("read", path, &error))?;
        let named = match fs::read(&real) {
            Ok(content) => String::from_utf8_lossy(&content).contains(name),
            Err(error) if is_absent(&error) => false,
            Err(error) => return Err(unusable("read", path, &error)),
        };
        let locked = lock::is_ours_present(path) || lock::is_ours_present(&real);
        Ok(named || locked || !temporaries(path).is_empty() || !temporaries(&real).is_empty())
    }

    /// Rewrites a file under its lock. Returns whether its text changed.
    fn update(
        &self,
        path: &Path,
        change: impl Fn(&str) -> Result<String, DocumentError>,
    ) -> Result<bool, Failure> {
        let real = follow_links(path).map_err(|error| unusable("read", path, &error))?;
        let not_writable = |error| unusable("write", path, &error);
        make_folder(&real).map_err(not_writable)?;
        let acquire =
            |path| Lock::acquire(path, self.patience).map_err(|error| locked(path, &error));
        // Other tools lock the path they are given. Two links to one file share the lock of the
        // file itself.
        let lock = acquire(path)?;
        remove_leftovers(path, &lock);
        let real_lock = if real == path { None } else { Some(acquire(&real)?) };
        if let Some(lock) = &real_lock {
            remove_leftovers(&real, lock);
        }
        let existing = read(&real)?;
        let text = existing.as_deref().unwrap_or_default();
        let changed = change(text).map_err(|error| corrupt(path, &error))?;
        if changed != text {
            replace(&real, &changed).map_err(not_writable)?;
        }
        Ok(changed != text)
    }
}

/// The text of a file; `None` when it does not exist.
fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read(path) {
        Ok(content) => String::from_utf8(content)
            .map(Some)
            .map_err(|_| corrupt(path, &"the file is not valid UTF-8")),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(unusable("read", path, &error)),
    }
}

fn corrupt(path: &Path, error: &dyn Display) -> Failure {
    Failure::input(format!("{} is not a kubeconfig: {error}", path.display())).with_hint(
        "fix the file or move it away (kindrs did not change it), or specify another file with \
         --kubeconfig FILE",
    )
}

fn unusable(verb: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::environment(format!("cannot {verb} the kubeconfig {}: {error}", path.display()))
        .with_hint("specify another file with --kubeconfig FILE or the variable KUBECONFIG")
}

fn locked(path: &Path, error: &LockError) -> Failure {
    let hint = match error {
        LockError::Held { path, .. } => {
            format!("if no such command is running, remove the lock: rm {}", path.display())
        }
        LockError::Io { .. } => format!(
            "check the permissions of the directory of {}, or specify another file with --kubeconfig FILE",
            path.display()
        ),
    };
    Failure::environment(format!("cannot lock the kubeconfig: {error}")).with_hint(hint)
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Whether the path exists and is neither a file nor a directory: `/dev/null`, a pipe.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
