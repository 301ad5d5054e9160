use std::collections::BTreeMap;
use std::io::Read as _;

use bytes::Bytes;

use crate::failure::Failure;
use crate::kubernetes::Version;
use crate::runtime::{ContainerSpec, Engine, EngineError, ImageInfo};

use super::labels::IMAGE_LABEL;
use super::lock::look_container;

/// An image for nodes: one of kindrs, or one of kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeImage {
    pub reference: String,
    pub id: String,
    pub kubernetes: Version,
    /// The image's own entrypoint and command, which the wrapper runs.
    pub entrypoint: Vec<String>,
    /// Whether it has the manifest of a pod network, `/kind/manifests/default-cni.yaml`.
    pub has_cni_manifest: bool,
}

pub(super) fn built_reference(version: &Version) -> String {
    format!("kindrs/node:{version}")
}

/// Inspects a local image.
/// Fails with `Failure::Input` when it does not exist, is not a node image, or has a Kubernetes
/// version that kindrs does not support.
pub async fn inspect(engine: &dyn Engine, reference: &str) -> anyhow::Result<NodeImage> {
    let image = engine.image(reference).await?.ok_or_else(|| {
        Failure::input(format!("image {reference} does not exist"))
            .with_hint("run `docker image ls` to list local images")
    })?;
    let labelled = image.labels.get(IMAGE_LABEL).and_then(|version| version.parse().ok());
    let (kubernetes, has_cni_manifest) = match labelled {
        Some(kubernetes) => (kubernetes, false),
        None => look_inside(engine, reference, &image).await?,
    };
    if !kubernetes.is_supported() {
        let (oldest, newest) = (Version::OLDEST_MINOR, Version::NEWEST_MINOR);
        return Err(Failure::input(format!(
            "image {reference} has Kubernetes {kubernetes}: \
             kindrs supports 1.{oldest} to 1.{newest}"
        ))
        .into());
    }
    Ok(NodeImage {
        reference: reference.to_owned(),
        id: image.id,
        kubernetes,
        entrypoint: image.entrypoint,
        has_cni_manifest,
    })
}

/// The version of Kubernetes in the files of an image, and whether it has a CNI manifest.
async fn look_inside(
    engine: &dyn Engine,
    reference: &str,
    image: &ImageInfo,
) -> anyhow::Result<(Version, bool)> {
    let name = look_container();
    // Reading its files does not require starting it.
    let spec = ContainerSpec {
        name: name.clone(),
        image: image.id.clone(),
        entrypoint: Some(vec!["true".to_owned()]),
        ..Default::default()
    };
    engine.create_container(&spec).await?;
    let folder = engine.download(&name, "/kind").await;
    let removed = engine.remove_container(&name).await;
    let files = match folder {
        Ok(tar) => small_files(&tar),
        Err(EngineError::NotFound { .. }) => BTreeMap::new(),
        Err(error) => return Err(error.into()),
    };
    removed?;
    let version = files.get("kind/version").and_then(|text| text.parse::<Version>().ok());
    let Some(kubernetes) = version.filter(|_| !image.entrypoint.is_empty()) else {
        return Err(Failure::input(format!(
            "image {reference} is not a node image: it has no /kind/version with a Kubernetes \
             version"
        ))
        .with_hint("omit --image, or run `kindrs build node-image` to build an image")
        .into());
    };
    Ok((kubernetes, files.contains_key("kind/manifests/default-cni.yaml")))
}

/// The files of a tar by path, as text. Skips what it cannot read, and truncates long files.
fn small_files(tar: &Bytes) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(&tar[..]);
    for entry in archive.entries().into_iter().flatten().flatten() {
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let Ok(path) = entry.path().map(|path| path.to_string_lossy().into_owned()) else {
            continue;
        };
        let mut bytes = Vec::new();
        if entry.take(64 * 1024).read_to_end(&mut bytes).is_ok() {
            files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::archive::{Entry, write_tar};
    use crate::runtime::fake::FakeEngine;

    fn image() -> ImageInfo {
        ImageInfo { entrypoint: vec!["/entry".into(), "/sbin/init".into()], ..Default::default() }
    }

    /// Inspects an image with these files. Returns the number of remaining containers too.
    async fn look(files: &[(&str, &str)]) -> (anyhow::Result<NodeImage>, usize) {
        let engine = FakeEngine::default().with_image("some:1", image());
        if !files.is_empty() {
            let entries: Vec<Entry> = files
                .iter()
                .map(|(path, text)| Entry::bytes(*path, 0o644, text.as_bytes().to_vec()))
                .collect();
            let mut tar = Vec::new();
            write_tar(&entries, &mut tar).unwrap();
            let tar = Bytes::from(tar);
            for count in 0..256 {
                let name = format!("kindrs-look-{}-{count}", std::process::id());
                engine.state().downloads.insert((name, "/kind".into()), tar.clone());
            }
        }
        let seen = inspect(&engine, "some:1").await;
        let left = engine.state().containers.len();
        (seen, left)
    }

    #[tokio::test]
    async fn a_label_makes_reading_files_unnecessary() {
        let mut info = image();
        info.labels.insert(IMAGE_LABEL.into(), "v1.36.3".into());
        let engine = FakeEngine::default().with_image("kindrs/node:v1.36.3", info);
        let node = inspect(&engine, "kindrs/node:v1.36.3").await.unwrap();
        assert_eq!(node.kubernetes, Version::new(1, 36, 3));
        assert!(!node.has_cni_manifest);
        assert_eq!(engine.calls(), ["image kindrs/node:v1.36.3"]);
    }

    #[tokio::test]
    async fn reads_the_files_of_an_image_of_kind() {
        let (node, left) =
            look(&[("kind/version", "v1.35.4\n"), ("kind/manifests/default-cni.yaml", "a: b")])
                .await;
        let node = node.unwrap();
        assert_eq!(node.kubernetes, Version::new(1, 35, 4));
        assert!(node.has_cni_manifest);
        assert_eq!(node.entrypoint, ["/entry", "/sbin/init"]);
        assert_eq!(left, 0);
    }

    #[tokio::test]
    async fn rejects_other_images() {
        for files in [vec![], vec![("kind/version", "latest")], vec![("kind/README", "v1.35.4")]] {
            let (node, left) = look(&files).await;
            let error = node.unwrap_err();
            assert!(error.to_string().contains("some:1 is not a node image"), "{error}");
            assert!(matches!(error.downcast_ref(), Some(Failure::Input { .. })));
            assert_eq!(left, 0);
        }
        let (node, _) = look(&[("kind/version", "v1.20.2")]).await;
        assert!(node.unwrap_err().to_string().contains("has Kubernetes v1.20.2"));
        let missing = inspect(&FakeEngine::default(), "no:1").await.unwrap_err();
        assert!(matches!(missing.downcast_ref(), Some(Failure::Input { .. })), "{missing}");
    }
}
