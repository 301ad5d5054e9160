//! References and properties of images.

use std::path::Path;

use bollard::models::ImageInspect;
use tokio_util::io::ReaderStream;

use super::error::file_error;
use crate::runtime::{EngineError, ImageInfo, OnLine};

/// Bytes of a file sent at once.
const CHUNK: usize = 256 * 1024;

pub(super) fn say(on_line: OnLine<'_>, text: &str) {
    let text = text.trim_end();
    if !text.is_empty() {
        on_line(text);
    }
}

/// Name and tag of a reference; a digest counts as its tag, as the engine wants it.
pub(super) fn split_reference(reference: &str) -> (&str, &str) {
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
pub(super) fn check_reference(action: &str, reference: &str) -> Result<(), EngineError> {
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
pub(super) async fn open(path: &Path) -> Result<ReaderStream<tokio::fs::File>, EngineError> {
    let file =
        tokio::fs::File::open(path).await.map_err(|source| file_error("reading", path, source))?;
    Ok(ReaderStream::with_capacity(file, CHUNK))
}

pub(super) fn image_info(image: ImageInspect) -> ImageInfo {
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
