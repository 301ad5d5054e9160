use std::path::{Component, Path, PathBuf};

use super::cluster::Cluster;
use crate::runtime::MountSource;

impl Cluster {
    /// Resolves relative host paths of mounts against `folder`, an absolute path, and removes `.`
    /// and `..`.
    #[must_use]
    pub fn resolve_host_paths(mut self, folder: &Path) -> Self {
        for mount in self.nodes.iter_mut().flat_map(|node| &mut node.extra_mounts) {
            if let MountSource::Host(path) = &mut mount.source {
                *path = absolute(folder, path);
            }
        }
        self
    }
}

fn absolute(folder: &Path, path: &str) -> String {
    let mut clean = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            component => clean.push(component),
        }
    }
    clean.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_relative_paths() {
        let folder = Path::new("/home/me");
        assert_eq!(absolute(folder, "data"), "/home/me/data");
        assert_eq!(absolute(folder, "./a/../b/"), "/home/me/b");
        assert_eq!(absolute(folder, "../../../x"), "/x");
        assert_eq!(absolute(folder, "."), "/home/me");
        assert_eq!(absolute(folder, "/srv//data"), "/srv/data");
    }
}
