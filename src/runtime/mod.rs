//! The seam to the container engine. What is above it knows [`Engine`] and these plain types;
//! `bollard` is used in [`docker`] only.

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

/// Input for an upload or an exec: bytes at hand, or a file or stream too large for memory.
pub type ByteSource = Box<dyn AsyncRead + Send + Unpin>;

/// Called with each line of output of long work (a build, a pull).
pub type OnLine<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// A container engine: what kindrs needs of Docker, and no more.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Version and properties of the engine.
    async fn info(&self) -> Result<EngineInfo, EngineError>;

    /// An image by reference or id; `None` when it is not there.
    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, EngineError>;
    /// Every image with all these labels.
    async fn images(&self, labels: &[Label]) -> Result<Vec<ImageInfo>, EngineError>;
    /// Pulls an image; `on_line` sees the engine's progress.
    async fn pull(&self, reference: &str, on_line: OnLine<'_>) -> Result<(), EngineError>;
    /// Makes a one-layer image from the tar of a root file system.
    async fn import_image(&self, tar: &Path, reference: &str) -> Result<(), EngineError>;
    /// Builds an image from a tar of its context, with a `Dockerfile` at its root.
    async fn build_image(
        &self,
        context: &Path,
        build: &ImageBuild,
        on_line: OnLine<'_>,
    ) -> Result<(), EngineError>;
    /// Makes an image of a container's file system.
    async fn commit(&self, container: &str, commit: &ImageCommit) -> Result<String, EngineError>;
    /// Writes images as one `docker save` archive to `archive`.
    async fn save_images(&self, references: &[String], archive: &Path) -> Result<(), EngineError>;
    /// Gives an image another name.
    async fn tag_image(&self, reference: &str, new: &str) -> Result<(), EngineError>;
    /// Removes a name of an image, or the image; a missing one is fine.
    async fn remove_image(&self, reference: &str) -> Result<(), EngineError>;

    /// Makes a container and returns its id. [`Refusal::NameInUse`] when the name is taken.
    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError>;
    /// Starts a container; a running one is fine.
    async fn start_container(&self, name: &str) -> Result<(), EngineError>;
    /// Stops a container, killing it after `grace`.
    async fn stop_container(&self, name: &str, grace: Duration) -> Result<(), EngineError>;
    /// Kills a running container; the engine does not start it again.
    async fn kill_container(&self, name: &str) -> Result<(), EngineError>;
    /// Freezes every process of a running container.
    async fn pause_container(&self, name: &str) -> Result<(), EngineError>;
    /// Thaws a frozen container.
    async fn unpause_container(&self, name: &str) -> Result<(), EngineError>;
    /// Kills and removes a container with its anonymous volumes; a missing one is fine.
    async fn remove_container(&self, name: &str) -> Result<(), EngineError>;
    /// A container by name or id; `None` when it is not there.
    async fn container(&self, name: &str) -> Result<Option<ContainerInfo>, EngineError>;
    /// Every container, running or not, with all these labels.
    async fn containers(&self, labels: &[Label]) -> Result<Vec<ContainerInfo>, EngineError>;
    /// Waits for a container's end and returns its exit code.
    async fn wait_container(&self, name: &str) -> Result<i64, EngineError>;
    /// The last `lines` lines a container wrote, stdout and stderr together.
    async fn container_log(&self, name: &str, lines: usize) -> Result<String, EngineError>;
    /// Unpacks a tar at `path` in a container, running or not.
    async fn upload(&self, container: &str, path: &str, tar: Bytes) -> Result<(), EngineError>;
    /// A tar of `path` in a container, running or not; its entries start with the last part of `path`.
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
    /// Every network with all these labels (none: every network).
    async fn networks(&self, labels: &[Label]) -> Result<Vec<NetworkInfo>, EngineError>;
    /// Removes a network; a missing one is fine.
    async fn remove_network(&self, name: &str) -> Result<(), EngineError>;

    /// Makes a named volume.
    async fn create_volume(&self, name: &str, labels: &[Label]) -> Result<(), EngineError>;
    /// The names of every volume with all these labels.
    async fn volumes(&self, labels: &[Label]) -> Result<Vec<String>, EngineError>;
    /// Removes a volume; a missing one is fine.
    async fn remove_volume(&self, name: &str) -> Result<(), EngineError>;
}
