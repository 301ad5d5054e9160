//! Images.

use std::collections::HashMap;
use std::path::Path;

use bollard::body_try_stream;
use bollard::models::{ContainerConfig, ImageInspect};
use bollard::query_parameters::{
    BuildImageOptionsBuilder, BuilderVersion, CommitContainerOptionsBuilder,
    CreateImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptions,
    TagImageOptionsBuilder,
};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio_util::io::ReaderStream;

use super::Docker;
use super::error::{file_error, missing_is_fine, translate_pull};
use super::networks::label_filter;
use crate::runtime::{EngineError, ImageBuild, ImageCommit, ImageInfo, Label, OnLine};

/// Bytes of a file sent at once.
const CHUNK: usize = 256 * 1024;
/// The number of images to inspect concurrently.
const LOOKUPS: usize = 8;

impl Docker {
    pub(super) async fn find_image(
        &self,
        reference: &str,
    ) -> Result<Option<ImageInfo>, EngineError> {
        let object = format!("image {reference}");
        check_reference("looking for", reference)?;
        match self.client.inspect_image(reference).await.map_err(self.failed("inspecting", &object))
        {
            Ok(image) => Ok(Some(image_info(image))),
            Err(EngineError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn list_images(
        &self,
        labels: &[Label],
    ) -> Result<Vec<ImageInfo>, EngineError> {
        let options = ListImagesOptionsBuilder::new().filters(&label_filter(labels)).build();
        let list = self
            .client
            .list_images(Some(options))
            .await
            .map_err(self.failed("listing", "images"))?;
        // The list lacks entrypoint and environment. An image can be removed in the meantime.
        futures::stream::iter(list)
            .map(|image| async move { self.find_image(&image.id).await })
            .buffered(LOOKUPS)
            .try_filter_map(|image| async move { Ok(image) })
            .try_collect()
            .await
    }

    pub(super) async fn pull_image(
        &self,
        reference: &str,
        on_line: OnLine<'_>,
    ) -> Result<(), EngineError> {
        let object = format!("image {reference}");
        check_reference("pulling", reference)?;
        let (name, tag) = split_reference(reference);
        let options = CreateImageOptionsBuilder::new().from_image(name).tag(tag).build();
        let mut progress = self.client.create_image(Some(options), None, None);
        let mut last = String::new();
        loop {
            let step = progress
                .try_next()
                .await
                .map_err(|failure| translate_pull(self.address(), &object, &failure))?;
            let Some(step) = step else { return Ok(()) };
            let status = step.status.unwrap_or_default();
            let line = match step.id {
                Some(id) => format!("{id}: {status}"),
                None => status,
            };
            if !line.is_empty() && line != last {
                on_line(&line);
                last = line;
            }
        }
    }

    pub(super) async fn import_root(&self, tar: &Path, reference: &str) -> Result<(), EngineError> {
        let object = format!("image {reference}");
        check_reference("importing", reference)?;
        let (name, tag) = split_reference(reference);
        let body = body_try_stream(open(tar).await?);
        let options = CreateImageOptionsBuilder::new().from_src("-").repo(name).tag(tag).build();
        self.client
            .create_image(Some(options), Some(body), None)
            .try_for_each(|_| async { Ok(()) })
            .await
            .map_err(self.failed("importing", &object))
    }

    pub(super) async fn build(
        &self,
        context: &Path,
        build: &ImageBuild,
        on_line: OnLine<'_>,
    ) -> Result<(), EngineError> {
        let object = format!("image {}", build.reference);
        check_reference("building", &build.reference)?;
        let body = body_try_stream(open(context).await?);
        // The classic builder: BuildKit is not in every engine and wants a session.
        let options = BuildImageOptionsBuilder::new()
            .t(&build.reference)
            .labels(&build.labels.clone().into_iter().collect::<HashMap<_, _>>())
            .buildargs(&build.arguments.clone().into_iter().collect::<HashMap<_, _>>())
            .version(BuilderVersion::BuilderV1)
            .rm(true)
            .forcerm(true)
            .build();
        let mut steps = self.client.build_image(options, None, Some(body));
        // Output arrives in pieces that need not end with a line.
        let mut partial = String::new();
        while let Some(step) = steps.try_next().await.map_err(self.failed("building", &object))? {
            partial.push_str(&step.stream.unwrap_or_default());
            while let Some(end) = partial.find('\n') {
                let line: String = partial.drain(..=end).collect();
                say(on_line, &line);
            }
            if let Some(status) = step.status {
                say(on_line, &status);
            }
        }
        say(on_line, &partial);
        Ok(())
    }

    pub(super) async fn commit_container(
        &self,
        container: &str,
        commit: &ImageCommit,
    ) -> Result<String, EngineError> {
        let object = format!("container {container}");
        check_reference("committing", &commit.reference)?;
        let (name, tag) = split_reference(&commit.reference);
        let options = CommitContainerOptionsBuilder::new()
            .container(container)
            .repo(name)
            .tag(tag)
            .changes(&commit.changes.join("\n"))
            .build();
        let image = self
            .client
            .commit_container(options, ContainerConfig::default())
            .await
            .map_err(self.failed("committing", &object))?;
        Ok(image.id)
    }

    pub(super) async fn name_image(&self, reference: &str, new: &str) -> Result<(), EngineError> {
        let object = format!("image {reference}");
        check_reference("tagging", reference)?;
        check_reference("tagging", new)?;
        let (name, tag) = split_reference(new);
        let options = TagImageOptionsBuilder::new().repo(name).tag(tag).build();
        self.client
            .tag_image(reference, Some(options))
            .await
            .map_err(self.failed("tagging", &object))
    }

    pub(super) async fn delete_image(&self, reference: &str) -> Result<(), EngineError> {
        let object = format!("image {reference}");
        check_reference("removing", reference)?;
        missing_is_fine(
            self.client
                .remove_image(reference, None::<RemoveImageOptions>, None)
                .await
                .map_err(self.failed("removing", &object)),
        )
    }
}

fn say(on_line: OnLine<'_>, text: &str) {
    let text = text.trim_end();
    if !text.is_empty() {
        on_line(text);
    }
}

/// Name and tag of a reference; a digest counts as its tag, as the engine wants it.
fn split_reference(reference: &str) -> (&str, &str) {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (name, "latest"),
    };
    (name, digest.unwrap_or(tag))
}

/// Refuses an invalid reference, which would change the meaning of the request's path.
fn check_reference(action: &str, reference: &str) -> Result<(), EngineError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._:/@-".contains(c);
    if !reference.is_empty() && !reference.contains("..") && reference.chars().all(fits) {
        return Ok(());
    }
    Err(EngineError::refused(
        format!("{action} image `{reference}`"),
        "invalid image reference: expected NAME, NAME:TAG or NAME@DIGEST",
    ))
}

/// Opens a file to send it as a body; `bollard` does not name the type of its bodies.
async fn open(path: &Path) -> Result<ReaderStream<tokio::fs::File>, EngineError> {
    let file =
        tokio::fs::File::open(path).await.map_err(|source| file_error("reading", path, source))?;
    Ok(ReaderStream::with_capacity(file, CHUNK))
}

fn image_info(image: ImageInspect) -> ImageInfo {
    let config = image.config.unwrap_or_default();
    let mut entrypoint = config.entrypoint.unwrap_or_default();
    entrypoint.extend(config.cmd.unwrap_or_default());
    ImageInfo {
        id: image.id.unwrap_or_default(),
        references: image.repo_tags.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        entrypoint,
        environment: config.env.unwrap_or_default(),
        size: image.size.and_then(|size| size.try_into().ok()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        for (reference, parts) in [
            ("node", ("node", "latest")),
            ("kindrs/node:v1", ("kindrs/node", "v1")),
            ("localhost:5000/node", ("localhost:5000/node", "latest")),
            ("localhost:5000/node:v1", ("localhost:5000/node", "v1")),
            ("node:v1@sha256:ab", ("node", "sha256:ab")),
        ] {
            assert_eq!(split_reference(reference), parts);
        }
    }

    #[test]
    fn odd_references_are_refused() {
        assert!(check_reference("x", "sha256:0a").is_ok());
        for reference in ["", "a b", "a?b=c", "a/../b"] {
            assert!(check_reference("x", reference).is_err(), "{reference}");
        }
    }
}
