//! The [`Engine`] for Docker: each method logs what it changes and calls the file of its object.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::Docker;
use crate::runtime::{
    ByteSource, ContainerInfo, ContainerSpec, Engine, EngineError, EngineInfo, ExecOutput,
    ImageBuild, ImageCommit, ImageInfo, Label, NetworkInfo, NetworkSpec, OnLine,
};

#[async_trait]
impl Engine for Docker {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        self.engine_info().await
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, EngineError> {
        self.find_image(reference).await
    }

    async fn images(&self, labels: &[Label]) -> Result<Vec<ImageInfo>, EngineError> {
        self.list_images(labels).await
    }

    async fn pull(&self, reference: &str, on_line: OnLine<'_>) -> Result<(), EngineError> {
        tracing::debug!("pulling image {reference}");
        self.pull_image(reference, on_line).await
    }

    async fn import_image(&self, tar: &Path, reference: &str) -> Result<(), EngineError> {
        tracing::debug!("importing image {reference}");
        self.import_root(tar, reference).await
    }

    async fn build_image(
        &self,
        context: &Path,
        build: &ImageBuild,
        on_line: OnLine<'_>,
    ) -> Result<(), EngineError> {
        tracing::debug!("building image {}", build.reference);
        self.build(context, build, on_line).await
    }

    async fn commit(&self, container: &str, commit: &ImageCommit) -> Result<String, EngineError> {
        tracing::debug!("committing container {container} to image {}", commit.reference);
        self.commit_container(container, commit).await
    }

    async fn save_images(&self, references: &[String], archive: &Path) -> Result<(), EngineError> {
        tracing::debug!("saving images {}", references.join(", "));
        self.save_archive(references, archive).await
    }

    async fn tag_image(&self, reference: &str, new: &str) -> Result<(), EngineError> {
        self.name_image(reference, new).await
    }

    async fn remove_image(&self, reference: &str) -> Result<(), EngineError> {
        tracing::debug!("removing image {reference}");
        self.delete_image(reference).await
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        tracing::debug!("creating container {} from image {}", spec.name, spec.image);
        self.make_container(spec).await
    }

    async fn start_container(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("starting container {name}");
        self.run_container(name).await
    }

    async fn stop_container(&self, name: &str, grace: Duration) -> Result<(), EngineError> {
        tracing::debug!("stopping container {name}");
        self.halt_container(name, grace).await
    }

    async fn kill_container(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("killing container {name}");
        self.end_container(name).await
    }

    async fn pause_container(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("pausing container {name}");
        self.freeze_container(name).await
    }

    async fn unpause_container(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("unpausing container {name}");
        self.thaw_container(name).await
    }

    async fn remove_container(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("removing container {name}");
        self.delete_container(name).await
    }

    async fn container(&self, name: &str) -> Result<Option<ContainerInfo>, EngineError> {
        self.find_container(name).await
    }

    async fn containers(&self, labels: &[Label]) -> Result<Vec<ContainerInfo>, EngineError> {
        self.list_containers(labels).await
    }

    async fn wait_container(&self, name: &str) -> Result<i64, EngineError> {
        self.await_container(name).await
    }

    async fn container_log(&self, name: &str, lines: usize) -> Result<String, EngineError> {
        self.read_log(name, lines).await
    }

    async fn upload(&self, container: &str, path: &str, tar: Bytes) -> Result<(), EngineError> {
        tracing::debug!("copying {} bytes to {path} of container {container}", tar.len());
        self.upload_tar(container, path, tar).await
    }

    async fn download(&self, container: &str, path: &str) -> Result<Bytes, EngineError> {
        tracing::debug!("reading {path} of container {container}");
        self.download_tar(container, path).await
    }

    async fn exec(
        &self,
        container: &str,
        command: &[&str],
        input: Option<ByteSource>,
    ) -> Result<ExecOutput, EngineError> {
        tracing::trace!(?command, "running a command in container {container}");
        self.run_command(container, command, input).await
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), EngineError> {
        tracing::debug!("creating network {} with subnet {}", spec.name, spec.subnet);
        self.make_network(spec).await
    }

    async fn networks(&self, labels: &[Label]) -> Result<Vec<NetworkInfo>, EngineError> {
        self.list_networks(labels).await
    }

    async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("removing network {name}");
        self.delete_network(name).await
    }

    async fn create_volume(&self, name: &str, labels: &[Label]) -> Result<(), EngineError> {
        tracing::debug!("creating volume {name}");
        self.make_volume(name, labels).await
    }

    async fn volumes(&self, labels: &[Label]) -> Result<Vec<String>, EngineError> {
        self.list_volumes(labels).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("removing volume {name}");
        self.delete_volume(name).await
    }
}
