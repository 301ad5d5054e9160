use std::fs::{DirBuilder, DirEntry, File, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use super::lock::{Lock, lock_path};
use super::temporary::{folder, temporary, temporary_prefix};

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

/// Creates the parent directories of `path`, accessible to the user only.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder(path))
}

/// Replaces the content of `path` atomically: a reader sees either the old text or the new one.
///
/// A new file is readable by the user only. An existing file keeps its owner and permissions.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut temporary = temporary(path)?;
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
    let prefixes = [temporary_prefix(path), temporary_prefix(&lock_path(path))];
    let is_temporary = |entry: &DirEntry| {
        let name = entry.file_name();
        prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix))
    };
    let entries = std::fs::read_dir(folder(path)).into_iter().flatten().flatten();
    entries.filter(is_temporary).map(|entry| entry.path()).collect()
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
