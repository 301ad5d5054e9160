//! The files that kindrs adds to the base image.

use std::path::Path;

use super::archive::Entry;
use super::components::{BUSYBOX, Tags};
use super::recipe::RecipeFile;

/// Directory of the build's scripts in the image, which the build removes at its end.
pub(super) const BUILD_FOLDER: &str = "/kindrs/build";

/// The programs of a node by directory.
const PROGRAMS: [(&str, &[&str]); 5] = [
    ("usr/bin", &["kubelet", "kubeadm", "kubectl"]),
    ("usr/local/bin", &["containerd", "ctr", "containerd-shim-runc-v2"]),
    ("usr/local/sbin", &["runc"]),
    ("kindrs/bin", &["api-faults"]),
    ("opt/cni/bin", &["bridge", "host-local", "loopback", "portmap", "ptp"]),
];

/// Every file that kindrs adds to the base image: programs from the directory of parts, the files of
/// the recipe with versions filled in, and the scripts of the build.
pub(super) fn entries(recipe: &[RecipeFile], parts: &Path, tags: &Tags) -> Vec<Entry> {
    let mut entries = Vec::new();
    for file in recipe {
        let mode = if file.is_executable() { 0o755 } else { 0o644 };
        if let Some(path) = file.path.strip_prefix("rootfs/") {
            entries.push(Entry::bytes(path, mode, fill_in(&file.content, tags)));
        } else if file.is_executable() {
            let path = format!("{}/{}", BUILD_FOLDER.trim_start_matches('/'), file.path);
            entries.push(Entry::bytes(path, mode, file.content.to_vec()));
        }
    }
    let version = tags.kubernetes.to_string().into_bytes();
    entries.push(Entry::bytes("kind/version", 0o644, version));
    for (folder, names) in PROGRAMS {
        for name in names {
            entries.push(Entry::program(format!("{folder}/{name}"), parts.join(name)));
        }
    }
    entries
}

fn fill_in(content: &[u8], tags: &Tags) -> Vec<u8> {
    String::from_utf8_lossy(content)
        .replace("@PAUSE@", &tags.pause)
        .replace("@BUSYBOX@", BUSYBOX)
        .replace("@PROVISIONER@", &tags.provisioner_image())
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::archive::Content;
    use crate::image::recipe::node_files;
    use crate::kubernetes::Version;

    fn entries() -> Vec<Entry> {
        let tags = Tags {
            kubernetes: Version::new(1, 37, 2),
            etcd: "3.7.0-0".into(),
            coredns: "v1.14.6".into(),
            pause: "3.10.2".into(),
            provisioner: "v0.0.30".into(),
        };
        super::entries(&node_files(), Path::new("/parts"), &tags)
    }

    fn text_at(path: &str) -> String {
        let found = entries().into_iter().find(|entry| entry.path == path).unwrap();
        match found.content {
            Content::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_node_has_the_layout_of_kindest_node() {
        let listing: Vec<String> =
            entries().iter().map(|entry| format!("{:o} {}", entry.mode, entry.path)).collect();
        insta::assert_snapshot!(listing.join("\n"));
    }

    #[test]
    fn fills_in_versions() {
        insta::assert_snapshot!(text_at("etc/containerd/config.toml"));
        assert_eq!(text_at("kind/version"), "v1.37.2");
        let storage = text_at("kind/manifests/default-storage.yaml");
        assert!(storage.contains("image: docker.io/kindrs/local-path-provisioner:v0.0.30\n"));
        assert!(storage.contains("--helper-image=docker.io/kindrs/busybox:1\n"));
        for entry in entries() {
            if let Content::Bytes(bytes) = entry.content {
                let text = String::from_utf8_lossy(&bytes);
                for name in ["@PAUSE@", "@BUSYBOX@", "@PROVISIONER@"] {
                    assert!(!text.contains(name), "{}", entry.path);
                }
            }
        }
    }
}
