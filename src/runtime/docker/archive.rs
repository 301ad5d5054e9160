//! Archives of images.

use std::path::Path;

use futures::TryStreamExt as _;
use tokio::io::AsyncWriteExt as _;

use super::Docker;
use super::error::file_error;
use crate::runtime::EngineError;

impl Docker {
    pub(super) async fn write_archive(
        &self,
        references: &[String],
        archive: &Path,
    ) -> Result<(), EngineError> {
        let names: Vec<&str> = references.iter().map(String::as_str).collect();
        let object = format!("image {}", names.join(", "));
        let broken = |source| file_error("writing", archive, source);
        let mut chunks = self.client.export_images(&names);
        let mut file = tokio::fs::File::create(archive).await.map_err(broken)?;
        while let Some(chunk) = chunks.try_next().await.map_err(self.failed("saving", &object))? {
            file.write_all(&chunk).await.map_err(broken)?;
        }
        file.flush().await.map_err(broken)
    }
}
