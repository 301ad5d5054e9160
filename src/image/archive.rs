//! Container images with one layer each, written reproducibly as a tar of an OCI layout.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// The directories of the components' programs and of the tools that they run.
const PATH: &str = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin";

#[derive(Debug, Clone)]
pub(super) enum Content {
    Directory,
    /// A copy of a file of the host.
    File(PathBuf),
    /// A file with these bytes.
    Bytes(Arc<[u8]>),
    /// A symbolic link to this target.
    Link(String),
}

/// An entry of a layer.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Path without a leading slash.
    pub(super) path: String,
    /// Permission bits.
    pub(super) mode: u32,
    pub(super) content: Content,
}

impl Entry {
    /// An executable copy of a file of the host.
    pub(super) fn program(path: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), mode: 0o755, content: Content::File(file.into()) }
    }

    pub(super) fn bytes(path: impl Into<String>, mode: u32, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { path: path.into(), mode, content: Content::Bytes(bytes.into()) }
    }
}

/// An image with one layer.
#[derive(Debug, Clone)]
pub(super) struct Image {
    /// Full name with tag, such as `registry.k8s.io/pause:3.10`.
    pub(super) reference: String,
    pub(super) entrypoint: Vec<String>,
    pub(super) command: Vec<String>,
    /// The content of the layer. Parent directories need no entries.
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob {
    /// `sha256:…`.
    pub(super) digest: String,
    /// Size in bytes.
    pub(super) size: u64,
}

/// Writes `entries` as a tar: owned by root, modified at the epoch, parent directories first.
pub(super) fn write_tar(entries: &[Entry], out: impl Write) -> io::Result<()> {
    let mut tar = tar::Builder::new(out);
    let mut folders = BTreeSet::new();
    for entry in entries {
        for (end, _) in entry.path.match_indices('/') {
            let folder = &entry.path[..end];
            if folders.insert(folder.to_owned()) {
                append(&mut tar, folder, 0o755, EntryType::Directory, 0, io::empty())?;
            }
        }
        match &entry.content {
            Content::Directory => {
                if folders.insert(entry.path.clone()) {
                    append(
                        &mut tar,
                        &entry.path,
                        entry.mode,
                        EntryType::Directory,
                        0,
                        io::empty(),
                    )?;
                }
            }
            Content::File(path) => {
                let file = std::fs::File::open(path).map_err(|error| {
                    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
                })?;
                let size = file.metadata()?.len();
                append(&mut tar, &entry.path, entry.mode, EntryType::Regular, size, file)?;
            }
            Content::Bytes(bytes) => {
                let size = bytes.len() as u64;
                append(&mut tar, &entry.path, entry.mode, EntryType::Regular, size, &**bytes)?;
            }
            Content::Link(target) => {
                let mut header = header(0o777, EntryType::Symlink, 0);
                tar.append_link(&mut header, &entry.path, target)?;
            }
        }
    }
    tar.into_inner()?.flush()
}

fn header(mode: u32, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn append(
    tar: &mut tar::Builder<impl Write>,
    path: &str,
    mode: u32,
    kind: EntryType,
    size: u64,
    content: impl Read,
) -> io::Result<()> {
    tar.append_data(&mut header(mode, kind, size), path, content)
}

/// Computes the digests of the layers, which [`write_archive`] needs.
pub(super) fn layers(images: &[Image]) -> io::Result<Vec<Blob>> {
    images
        .iter()
        .map(|image| {
            let mut counter = Counter { hash: Sha256::new(), size: 0 };
            write_tar(&image.entries, &mut counter)?;
            Ok(Blob { digest: digest_text(counter.hash), size: counter.size })
        })
        .collect()
}

/// Writes images, with the digests of [`layers`], as an OCI layout.
pub(super) fn write_archive(
    images: &[Image],
    layers: &[Blob],
    architecture: &str,
    out: impl Write,
) -> io::Result<()> {
    let mut tar = tar::Builder::new(out);
    let mut put = |name: &str, bytes: &[u8]| {
        append(&mut tar, name, 0o644, EntryType::Regular, bytes.len() as u64, bytes)
    };
    put("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    let mut manifests = Vec::new();
    let mut blobs = BTreeSet::new();
    for (image, layer) in images.iter().zip(layers) {
        let config = config(image, layer, architecture).to_string();
        let manifest = manifest(&blob_of(config.as_bytes()), layer).to_string();
        for text in [&config, &manifest] {
            let blob = blob_of(text.as_bytes());
            if blobs.insert(blob.digest.clone()) {
                put(&blob_path(&blob), text.as_bytes())?;
            }
        }
        let blob = blob_of(manifest.as_bytes());
        manifests.push(json!({
            "mediaType": MANIFEST,
            "digest": blob.digest,
            "size": blob.size,
            "platform": {"os": "linux", "architecture": architecture},
            "annotations": {"io.containerd.image.name": image.reference},
        }));
    }
    let index = json!({"schemaVersion": 2, "manifests": manifests}).to_string();
    put("index.json", index.as_bytes())?;

    for (image, layer) in images.iter().zip(layers) {
        if !blobs.insert(layer.digest.clone()) {
            continue;
        }
        // Written a second time instead of kept in memory.
        let mut header = header(0o644, EntryType::Regular, layer.size);
        header.set_path(blob_path(layer))?;
        header.set_cksum();
        let out = tar.get_mut();
        out.write_all(header.as_bytes())?;
        write_tar(&image.entries, &mut *out)?;
        let padding = (512 - layer.size % 512) % 512;
        out.write_all(&[0; 512][..usize::try_from(padding).unwrap_or(0)])?;
    }
    tar.into_inner()?.flush()
}

fn config(image: &Image, layer: &Blob, architecture: &str) -> serde_json::Value {
    let mut config = json!({"Env": [PATH]});
    if !image.entrypoint.is_empty() {
        config["Entrypoint"] = json!(image.entrypoint);
    }
    if !image.command.is_empty() {
        config["Cmd"] = json!(image.command);
    }
    json!({
        "architecture": architecture,
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
    })
}

fn manifest(config: &Blob, layer: &Blob) -> serde_json::Value {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": config.digest, "size": config.size},
        "layers": [{"mediaType": LAYER, "digest": layer.digest, "size": layer.size}],
    })
}

fn blob_of(bytes: &[u8]) -> Blob {
    let mut hash = Sha256::new();
    hash.update(bytes);
    Blob { digest: digest_text(hash), size: bytes.len() as u64 }
}

fn blob_path(blob: &Blob) -> String {
    format!("blobs/{}", blob.digest.replace(':', "/"))
}

fn digest_text(hash: Sha256) -> String {
    let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

/// Hashes and counts the bytes written to it.
struct Counter {
    hash: Sha256,
    size: u64,
}

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Image> {
        let entries = vec![
            Entry::bytes("usr/local/bin/a", 0o755, *b"#!/bin/sh\n"),
            Entry { path: "bin".into(), mode: 0o777, content: Content::Link("usr/bin".into()) },
            Entry { path: "tmp".into(), mode: 0o1777, content: Content::Directory },
        ];
        let image = |reference: &str, entrypoint: Vec<String>| Image {
            reference: reference.into(),
            entrypoint,
            command: Vec::new(),
            entries: entries.clone(),
        };
        vec![
            image("example.org/a:1", vec!["/usr/local/bin/a".into()]),
            image("example.org/b:1", Vec::new()),
        ]
    }

    fn archive(images: &[Image]) -> Vec<u8> {
        let mut out = Vec::new();
        write_archive(images, &layers(images).unwrap(), "amd64", &mut out).unwrap();
        out
    }

    #[test]
    fn an_archive_contains_each_blob_once() {
        let bytes = archive(&sample());
        assert_eq!(bytes, archive(&sample()));
        let mut listing = String::new();
        for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            if let Some(digest) = path.strip_prefix("blobs/sha256/") {
                assert_eq!(format!("sha256:{digest}"), blob_of(&content).digest);
            }
            let text = String::from_utf8(content).ok().filter(|text| text.starts_with('{'));
            listing.push_str(&format!("{path} {}\n", text.unwrap_or_default()));
        }
        insta::assert_snapshot!(listing);
    }

    #[test]
    fn a_layer_contains_each_directory_once_before_its_files() {
        let mut out = Vec::new();
        write_tar(&sample()[0].entries, &mut out).unwrap();
        let listing: Vec<String> = tar::Archive::new(&out[..])
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                format!("{:o} {}", header.mode().unwrap(), entry.path().unwrap().display())
            })
            .collect();
        assert_eq!(
            listing,
            [
                "755 usr",
                "755 usr/local",
                "755 usr/local/bin",
                "755 usr/local/bin/a",
                "777 bin",
                "1777 tmp"
            ]
        );
    }

    #[test]
    fn names_a_missing_file() {
        let entry = Entry::program("a", "/nonexistent/kubelet");
        let error = write_tar(&[entry], io::sink()).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/kubelet"), "{error}");
    }
}
