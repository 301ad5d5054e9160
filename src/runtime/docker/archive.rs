//! Files in and out of containers, as tars.

use std::path::Path;

use bollard::body_full;
use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use tokio::io::AsyncWriteExt as _;

use super::Docker;
use super::error::file_error;
use crate::runtime::EngineError;

impl Docker {
    pub(super) async fn upload_tar(
        &self,
        container: &str,
        path: &str,
        tar: Bytes,
    ) -> Result<(), EngineError> {
        let object = format!("container {container}");
        let action = format!("unpacking files at {path} in");
        let options = UploadToContainerOptionsBuilder::new().path(path).build();
        self.client
            .upload_to_container(container, Some(options), body_full(tar))
            .await
            .map_err(self.failed(&action, &object))
    }

    pub(super) async fn download_tar(
        &self,
        container: &str,
        path: &str,
    ) -> Result<Bytes, EngineError> {
        let object = format!("container {container}");
        let action = format!("reading {path} from");
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let tar: BytesMut = self
            .client
            .download_from_container(container, Some(options))
            .try_fold(BytesMut::new(), |mut tar, chunk| async move {
                tar.extend_from_slice(&chunk);
                Ok(tar)
            })
            .await
            .map_err(self.failed(&action, &object))?;
        Ok(tar.freeze())
    }

    /// On failure no partial archive stays behind.
    pub(super) async fn save_archive(
        &self,
        references: &[String],
        archive: &Path,
    ) -> Result<(), EngineError> {
        let written = self.write_archive(references, archive).await;
        if written.is_err() {
            // The first failure matters more than this one.
            let _ = tokio::fs::remove_file(archive).await;
        }
        written
    }

    async fn write_archive(
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
