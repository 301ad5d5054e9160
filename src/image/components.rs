//! The container images that kindrs preloads into node images, with one layer each.

use std::io::{self, Read as _};

use super::archive::{Content, Entry, Image};
use super::parts::PartSet;

/// A small image for tests and for the helper pods of the storage class.
pub const BUSYBOX: &str = "docker.io/kindrs/busybox:1";

/// The files of the node that the preloaded images contain.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeParts {
    proxy: Vec<Entry>,
    busybox: Vec<Entry>,
}

impl NodeParts {
    /// Reads the tar of the script `component-files`: `kube-proxy/` and `busybox/`.
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

pub(super) fn images(parts: &PartSet, node: NodeParts) -> Vec<Image> {
    let program =
        |name: &str| Entry::program(format!("usr/local/bin/{name}"), parts.directory.join(name));
    let image = |reference: String, program: Entry, entrypoint: &[&str]| Image {
        reference,
        entrypoint: entrypoint.iter().map(|&word| word.to_owned()).collect(),
        entries: vec![program],
        ..Image::default()
    };
    let kubernetes = |name: &str| {
        image(format!("registry.k8s.io/{name}:{}", parts.kubernetes), program(name), &[])
    };
    let mut proxy = kubernetes("kube-proxy");
    proxy.entries.splice(0..0, node.proxy);
    let busybox = Image {
        reference: BUSYBOX.to_owned(),
        command: vec!["sh".to_owned()],
        entries: node.busybox,
        ..Image::default()
    };
    vec![
        kubernetes("kube-apiserver"),
        kubernetes("kube-controller-manager"),
        kubernetes("kube-scheduler"),
        proxy,
        image(format!("registry.k8s.io/etcd:{}", parts.tags.etcd), program("etcd"), &[]),
        image(
            format!("registry.k8s.io/coredns/coredns:{}", parts.tags.coredns),
            program("coredns"),
            &["/usr/local/bin/coredns"],
        ),
        image(
            format!("registry.k8s.io/pause:{}", parts.tags.pause),
            Entry::program("pause", parts.directory.join("pause")),
            &["/pause"],
        ),
        image(
            parts.provisioner_image(),
            program("local-path-provisioner"),
            &["/usr/local/bin/local-path-provisioner"],
        ),
        busybox,
    ]
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::image::archive::write_tar;
    use crate::image::parts::ComponentTags;
    use crate::kubernetes::Version;
    use std::path::Path;

    pub fn parts(directory: &Path) -> PartSet {
        let tags = "etcd:3.7.0-0\ncoredns:v1.14.6\npause:3.10.2";
        PartSet {
            kubernetes: Version::new(1, 37, 2),
            directory: directory.to_owned(),
            versions: [("local-path-provisioner".to_owned(), "v0.0.30".to_owned())].into(),
            tags: ComponentTags::from_images_list(tags).unwrap(),
        }
    }

    pub fn node_tar() -> Vec<u8> {
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
        let images = images(&parts(Path::new("/parts")), node);
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
