//! The seam to the container engine: the [`Engine`] trait and its plain types. Only [`docker`]
//! uses `bollard`.

pub mod docker;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod spec;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncRead;

pub use docker::Docker;
pub use error::{ConnectionFailure, EngineError, Refusal, hint};
pub use spec::*;

/// Input for a command: bytes in memory, or a file or stream too large for memory.
pub type ByteSource = Box<dyn AsyncRead + Send + Unpin>;

/// Receives each line of output of long work, such as a build.
pub type OnLine<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// The parts of a container engine that kindrs needs.
#[async_trait]
pub trait Engine: Send + Sync {
    async fn info(&self) -> Result<EngineInfo, EngineError>;

    /// Finds an image by reference or id.
    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, EngineError>;
    /// Lists the images with all these labels.
    async fn images(&self, labels: &[Label]) -> Result<Vec<ImageInfo>, EngineError>;
    /// Pulls an image; calls `on_line` with each line of the engine's progress.
    async fn pull(&self, reference: &str, on_line: OnLine<'_>) -> Result<(), EngineError>;
    /// Creates a one-layer image from the tar of a root file system.
    async fn import_image(&self, tar: &Path, reference: &str) -> Result<(), EngineError>;
    /// Builds an image from a tar of its context, with a `Dockerfile` at its root.
    async fn build_image(
        &self,
        context: &Path,
        build: &ImageBuild,
        on_line: OnLine<'_>,
    ) -> Result<(), EngineError>;
    /// Creates an image from a container's file system; returns its id.
    async fn commit(&self, container: &str, commit: &ImageCommit) -> Result<String, EngineError>;
    /// Writes images as one `docker save` archive to `archive`.
    async fn save_images(&self, references: &[String], archive: &Path) -> Result<(), EngineError>;
    /// Adds a name to an image.
    async fn tag_image(&self, reference: &str, new: &str) -> Result<(), EngineError>;
    /// Removes a name of an image, or the image. Succeeds if the image does not exist.
    async fn remove_image(&self, reference: &str) -> Result<(), EngineError>;

    /// Creates a container and returns its id. [`Refusal::NameInUse`] when the name is taken.
    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError>;
    /// Starts a container. Succeeds if the container runs already.
    async fn start_container(&self, name: &str) -> Result<(), EngineError>;
    /// Stops a container; kills it after `grace`.
    async fn stop_container(&self, name: &str, grace: Duration) -> Result<(), EngineError>;
    /// Kills a running container; the engine does not restart it.
    async fn kill_container(&self, name: &str) -> Result<(), EngineError>;
    /// Freezes all processes of a running container.
    async fn pause_container(&self, name: &str) -> Result<(), EngineError>;
    /// Resumes a paused container.
    async fn unpause_container(&self, name: &str) -> Result<(), EngineError>;
    /// Kills and removes a container with its anonymous volumes. Succeeds if the container does not
    /// exist.
    async fn remove_container(&self, name: &str) -> Result<(), EngineError>;
    /// Finds a container by name or id.
    async fn container(&self, name: &str) -> Result<Option<ContainerInfo>, EngineError>;
    /// Lists the containers with all these labels, running or not.
    async fn containers(&self, labels: &[Label]) -> Result<Vec<ContainerInfo>, EngineError>;
    /// Waits until a container exits and returns its exit code.
    async fn wait_container(&self, name: &str) -> Result<i64, EngineError>;
    /// Returns the last `lines` lines of a container's stdout and stderr together.
    async fn container_log(&self, name: &str, lines: usize) -> Result<String, EngineError>;
    /// Unpacks a tar at `path` in a container, running or not.
    async fn upload(&self, container: &str, path: &str, tar: Bytes) -> Result<(), EngineError>;
    /// Returns a tar of `path` in a container, running or not. The paths in it start with the last part
    /// of `path`.
    async fn download(&self, container: &str, path: &str) -> Result<Bytes, EngineError>;
    /// Runs a command in a running container and returns its output.
    async fn exec(
        &self,
        container: &str,
        command: &[&str],
        input: Option<ByteSource>,
    ) -> Result<ExecOutput, EngineError>;

    /// Creates a network. [`Refusal::NameInUse`] when the name is taken, [`Refusal::SubnetOverlap`]
    /// when another network uses part of the subnet.
    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), EngineError>;
    /// Lists the networks with all these labels; without labels, all networks.
    async fn networks(&self, labels: &[Label]) -> Result<Vec<NetworkInfo>, EngineError>;
    /// Removes a network. Succeeds if the network does not exist.
    async fn remove_network(&self, name: &str) -> Result<(), EngineError>;

    /// Creates a named volume.
    async fn create_volume(&self, name: &str, labels: &[Label]) -> Result<(), EngineError>;
    /// Lists the names of the volumes with all these labels.
    async fn volumes(&self, labels: &[Label]) -> Result<Vec<String>, EngineError>;
    /// Removes a volume. Succeeds if the volume does not exist.
    async fn remove_volume(&self, name: &str) -> Result<(), EngineError>;
}
