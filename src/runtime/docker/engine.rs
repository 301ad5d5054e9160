//! The [`Engine`] that kindrs sees: each method hands over to the file of its object.

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
        self.pull_image(reference, on_line).await
    }

    async fn import_image(&self, tar: &Path, reference: &str) -> Result<(), EngineError> {
        self.import_root(tar, reference).await
    }

    async fn build_image(
        &self,
        context: &Path,
        build: &ImageBuild,
        on_line: OnLine<'_>,
    ) -> Result<(), EngineError> {
        self.build(context, build, on_line).await
    }

    async fn commit(&self, container: &str, commit: &ImageCommit) -> Result<String, EngineError> {
        self.commit_container(container, commit).await
    }

    async fn save_images(&self, references: &[String], archive: &Path) -> Result<(), EngineError> {
        self.save_archive(references, archive).await
    }

    async fn tag_image(&self, reference: &str, new: &str) -> Result<(), EngineError> {
        self.name_image(reference, new).await
    }

    async fn remove_image(&self, reference: &str) -> Result<(), EngineError> {
        self.delete_image(reference).await
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        self.make_container(spec).await
    }

    async fn start_container(&self, name: &str) -> Result<(), EngineError> {
        self.run_container(name).await
    }

    async fn stop_container(&self, name: &str, grace: Duration) -> Result<(), EngineError> {
        self.halt_container(name, grace).await
    }

    async fn kill_container(&self, name: &str) -> Result<(), EngineError> {
        self.end_container(name).await
    }

    async fn pause_container(&self, name: &str) -> Result<(), EngineError> {
        self.freeze_container(name).await
    }

    async fn unpause_container(&self, name: &str) -> Result<(), EngineError> {
        self.thaw_container(name).await
    }

    async fn remove_container(&self, name: &str) -> Result<(), EngineError> {
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
        self.upload_tar(container, path, tar).await
    }

    async fn download(&self, container: &str, path: &str) -> Result<Bytes, EngineError> {
        self.download_tar(container, path).await
    }

    async fn exec(
        &self,
        container: &str,
        command: &[&str],
        input: Option<ByteSource>,
    ) -> Result<ExecOutput, EngineError> {
        self.run_command(container, command, input).await
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), EngineError> {
        self.make_network(spec).await
    }

    async fn networks(&self, labels: &[Label]) -> Result<Vec<NetworkInfo>, EngineError> {
        self.list_networks(labels).await
    }

    async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        self.delete_network(name).await
    }

    async fn create_volume(&self, name: &str, labels: &[Label]) -> Result<(), EngineError> {
        self.make_volume(name, labels).await
    }

    async fn volumes(&self, labels: &[Label]) -> Result<Vec<String>, EngineError> {
        self.list_volumes(labels).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        self.delete_volume(name).await
    }
}
