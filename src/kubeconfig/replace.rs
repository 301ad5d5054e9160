use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use super::lock::Lock;

/// The kernel's own limit.
const MOST_LINKS: usize = 40;

/// The file that `path` refers to through symbolic links, whether it exists or not.
pub(super) fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match std::fs::read_link(&path) {
            Ok(next) => path = folder(&path).join(next),
            // Not a link (EINVAL), or the file does not exist.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// The folder of a file.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Prefix of the names of temporary files for `path`, in the same directory.
pub(super) fn temporary_prefix(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    format!(".{name}.kindrs-")
}

/// Creates the parent directories of `path`, accessible to the user only.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder(path))
}

/// Replaces the content of `path` atomically: a reader sees either the old text or the new one.
///
/// A new file is readable by the user only. An existing file keeps its owner and permissions.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut temporary =
        tempfile::Builder::new().prefix(&temporary_prefix(path)).tempfile_in(folder(path))?;
    temporary.write_all(text.as_bytes())?;
    match std::fs::metadata(path) {
        Ok(existing) => {
            let file = temporary.as_file();
            let owned = fchown(file, Some(existing.uid()), Some(existing.gid())).is_ok();
            // A new owner or group must not get the permissions of the old one.
            let mask = if owned { 0o7777 } else { 0o700 };
            file.set_permissions(Permissions::from_mode(existing.mode() & mask))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Temporary files for `path` and for its lock, left over or in use by a running kindrs.
pub(super) fn temporaries(path: &Path) -> Vec<PathBuf> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let prefixes = [temporary_prefix(path), temporary_prefix(Path::new(&lock))];
    let Ok(entries) = std::fs::read_dir(folder(path)) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
        })
        .map(|entry| entry.path())
        .collect()
}

/// Removes the temporary files that killed runs left beside `path`. `lock` is the caller's lock.
pub(super) fn remove_leftovers(path: &Path, lock: &Lock) {
    for leftover in temporaries(path) {
        let Ok(file) = File::open(&leftover) else { continue };
        // Files for the content are created under the lock only, so none is in use now. A file
        // for the lock is itself locked while it is in use.
        if lock.is(&file) || file.try_lock().is_ok() {
            let _ = std::fs::remove_file(&leftover);
        }
    }
}
