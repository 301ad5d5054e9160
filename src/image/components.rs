//! The container images that kindrs preloads into node images, with one layer each.

use std::io::{self, Read as _};
use std::path::Path;

use crate::kubernetes::Version;

use super::archive::{Content, Entry, Image};

/// A small image for tests and for the helper pods of the storage class.
pub const BUSYBOX: &str = "docker.io/kindrs/busybox:1";

/// The tags of the preloaded images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tags {
    /// The version of Kubernetes, which is the tag of its images.
    pub(super) kubernetes: Version,
    /// Such as `3.7.0-0`.
    pub(super) etcd: String,
    /// Such as `v1.14.6`.
    pub(super) coredns: String,
    /// Such as `3.10.2`.
    pub(super) pause: String,
    /// Such as `v0.0.30`.
    pub(super) provisioner: String,
}

impl Tags {
    /// The image of the storage class's provisioner.
    pub(super) fn provisioner_image(&self) -> String {
        format!("docker.io/kindrs/local-path-provisioner:{}", self.provisioner)
    }
}

/// The files of the node that the preloaded images contain.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeParts {
    proxy: Vec<Entry>,
    busybox: Vec<Entry>,
}

impl NodeParts {
    /// Reads the tar of the script `component-files`: `kube-proxy/` and `busybox/`.
    ///
    /// # Errors
    /// When the input is not a tar, or one of the two is missing.
    pub(super) fn read(tar: &[u8]) -> io::Result<Self> {
        let mut parts = Self::default();
        for entry in tar::Archive::new(tar).entries()? {
            let mut entry = entry?;
            let path = entry.path()?.to_string_lossy().trim_end_matches('/').to_owned();
            let Some((image, path)) = path.split_once('/') else { continue };
            let content = match entry.header().entry_type() {
                tar::EntryType::Directory => Content::Directory,
                tar::EntryType::Symlink => {
                    let target = entry.link_name()?.unwrap_or_default();
                    Content::Link(target.to_string_lossy().into_owned())
                }
                _ => {
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes)?;
                    Content::Bytes(bytes.into())
                }
            };
            let read =
                Entry { path: path.to_owned(), mode: entry.header().mode()? & 0o7777, content };
            match image {
                "kube-proxy" => parts.proxy.push(read),
                "busybox" => parts.busybox.push(read),
                _ => {}
            }
        }
        if parts.proxy.is_empty() || parts.busybox.is_empty() {
            return Err(io::Error::other("the base image has no files for kube-proxy and busybox"));
        }
        Ok(parts)
    }
}

/// The images to preload, from the directory of parts.
pub(super) fn images(parts: &Path, tags: &Tags, node: NodeParts) -> Vec<Image> {
    let program = |name: &str| Entry::program(format!("usr/local/bin/{name}"), parts.join(name));
    let image = |reference: String, entrypoint: &[&str], entries: Vec<Entry>| Image {
        reference,
        entrypoint: entrypoint.iter().map(|&word| word.to_owned()).collect(),
        command: Vec::new(),
        entries,
    };
    let kubernetes = |name: &str| format!("registry.k8s.io/{name}:{}", tags.kubernetes);

    let mut images: Vec<Image> = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]
        .map(|name| image(kubernetes(name), &[], vec![program(name)]))
        .into();
    let mut proxy = node.proxy;
    proxy.push(program("kube-proxy"));
    images.push(image(kubernetes("kube-proxy"), &[], proxy));
    images.push(image(format!("registry.k8s.io/etcd:{}", tags.etcd), &[], vec![program("etcd")]));
    images.push(image(
        format!("registry.k8s.io/coredns/coredns:{}", tags.coredns),
        &["/usr/local/bin/coredns"],
        vec![program("coredns")],
    ));
    images.push(image(
        format!("registry.k8s.io/pause:{}", tags.pause),
        &["/pause"],
        vec![Entry::program("pause", parts.join("pause"))],
    ));
    images.push(image(
        tags.provisioner_image(),
        &["/usr/local/bin/local-path-provisioner"],
        vec![program("local-path-provisioner")],
    ));
    let mut busybox = image(BUSYBOX.to_owned(), &[], node.busybox);
    busybox.command = vec!["sh".to_owned()];
    images.push(busybox);
    images
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::archive::write_tar;

    pub(crate) fn tags() -> Tags {
        Tags {
            kubernetes: Version::new(1, 37, 2),
            etcd: "3.7.0-0".into(),
            coredns: "v1.14.6".into(),
            pause: "3.10.2".into(),
            provisioner: "v0.0.30".into(),
        }
    }

    fn node_tar() -> Vec<u8> {
        let mut tar = Vec::new();
        let link = Content::Link("xtables-nft-multi".into());
        let entries = [
            Entry::bytes("kube-proxy/usr/sbin/nft", 0o755, *b"nft"),
            Entry { path: "kube-proxy/usr/sbin/iptables".into(), mode: 0o777, content: link },
            Entry::bytes("busybox/bin/busybox", 0o755, *b"busybox"),
            Entry { path: "busybox/tmp".into(), mode: 0o1777, content: Content::Directory },
        ];
        write_tar(&entries, &mut tar).unwrap();
        tar
    }

    #[test]
    fn each_component_has_its_program() {
        let node = NodeParts::read(&node_tar()).unwrap();
        let images = images(Path::new("/parts"), &tags(), node);
        let mut text = String::new();
        for image in images {
            text += &format!("{} {:?} {:?}\n", image.reference, image.entrypoint, image.command);
            for entry in image.entries {
                let content = match entry.content {
                    Content::Directory => "folder".to_owned(),
                    Content::File(path) => path.display().to_string(),
                    Content::Bytes(bytes) => format!("{} bytes", bytes.len()),
                    Content::Link(target) => format!("-> {target}"),
                };
                text += &format!("  {:o} {} {content}\n", entry.mode, entry.path);
            }
        }
        insta::assert_snapshot!(text);
    }

    #[test]
    fn rejects_an_empty_tar() {
        assert!(NodeParts::read(&[0; 1024]).is_err());
        assert!(NodeParts::read(b"tar: not found").is_err());
    }
}
