//! Reads the tars that a container's files arrive in.

use std::io::{self, Read as _};
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use tar::{Archive, EntryType};

/// The content of the first regular file.
pub(super) fn single_file(tar: &[u8]) -> io::Result<Option<Vec<u8>>> {
    for entry in Archive::new(tar).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            return Ok(Some(content));
        }
    }
    Ok(None)
}

/// Unpacks the files and folders below `into`, and nothing outside it. Links to paths below `root`
/// in the container become relative; other links are dropped.
pub(super) fn unpack(tar: &[u8], root: &Path, into: &Path) -> io::Result<()> {
    for entry in Archive::new(tar).entries()? {
        let mut entry = entry?;
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::Directory => {
                entry.unpack_in(into)?;
            }
            EntryType::Symlink => {
                let path = entry.path()?.into_owned();
                let target = entry.link_name()?.and_then(|target| relative(&target, root, &path));
                if let Some(target) = target {
                    let link = into.join(&path);
                    if let Some(parent) = link.parent() {
                        std::fs::create_dir_all(parent)?;
                    }
                    symlink(target, link)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A link's absolute target below `root`, relative to the link at `path` below `root`.
fn relative(target: &Path, root: &Path, path: &Path) -> Option<PathBuf> {
    let plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    let target = target.strip_prefix(root).ok()?;
    if !plain(target) || !plain(path) {
        return None;
    }
    let up = path.components().skip(1).map(|_| Component::ParentDir.as_os_str());
    Some(up.chain(target.components().map(Component::as_os_str)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(builder: &mut tar::Builder<Vec<u8>>, path: &str, target: &str) {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, path, target).unwrap();
    }

    fn file(builder: &mut tar::Builder<Vec<u8>>, path: &str, content: &str) {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o640);
        builder.append_data(&mut header, path, content.as_bytes()).unwrap();
    }

    #[test]
    fn links_into_the_same_tree_stay_usable_and_others_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = tar::Builder::new(Vec::new());
        file(&mut builder, "pods/a/0.log", "hello");
        link(&mut builder, "containers/a.log", "/var/log/pods/a/0.log");
        link(&mut builder, "containers/evil.log", "/etc/passwd");
        link(&mut builder, "containers/sly.log", "/var/log/../../etc/passwd");
        let tar = builder.into_inner().unwrap();
        unpack(&tar, Path::new("/var/log"), folder.path()).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name));
        assert_eq!(read("containers/a.log").unwrap(), "hello");
        for dropped in ["containers/evil.log", "containers/sly.log"] {
            assert!(std::fs::symlink_metadata(folder.path().join(dropped)).is_err());
        }
    }

    #[test]
    fn the_first_file_is_found_behind_folders() {
        let mut builder = tar::Builder::new(Vec::new());
        assert_eq!(single_file(builder.get_ref()).unwrap(), None);
        link(&mut builder, "l", "x");
        file(&mut builder, "admin.conf", "text");
        assert_eq!(single_file(&builder.into_inner().unwrap()).unwrap().unwrap(), b"text");
    }
}
