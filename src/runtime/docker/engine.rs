//! The [`Engine`] for Docker: the requests, and a log of those that change something.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bollard::models::{ContainerConfig, VolumeCreateRequest};
use bollard::query_parameters::{
    BuildImageOptionsBuilder, BuilderVersion, CommitContainerOptionsBuilder,
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, DownloadFromContainerOptionsBuilder,
    InspectContainerOptions, KillContainerOptions, ListContainersOptionsBuilder,
    ListImagesOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptions, RemoveVolumeOptions,
    StartContainerOptions, StopContainerOptionsBuilder, TagImageOptionsBuilder,
    UploadToContainerOptionsBuilder, WaitContainerOptions, WaitContainerOptionsBuilder,
};
use bollard::{BollardRequest, body_full, body_try_stream};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt as _};

use super::Docker;
use super::container_config::create_body;
use super::containers::{inspected, summarised};
use super::error::{missing_is_fine, translate_pull};
use super::images::{check_reference, image_info, open, say, split_reference};
use super::networks::{create_request, label_filter, network_info, unique_name_body};
use crate::runtime::{
    ByteSource, ContainerInfo, ContainerSpec, Engine, EngineError, EngineInfo, ExecOutput,
    ImageBuild, ImageCommit, ImageInfo, Label, NetworkInfo, NetworkSpec, OnLine, Refusal,
};

/// The number of images to inspect concurrently.
const LOOKUPS: usize = 8;

#[async_trait]
impl Engine for Docker {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        self.engine_info().await
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, EngineError> {
        check_reference("looking for", reference)?;
        let image = self.client.inspect_image(reference).await;
        match image.map_err(self.failed("inspecting", &format!("image {reference}"))) {
            Ok(image) => Ok(Some(image_info(image))),
            Err(EngineError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn images(&self, labels: &[Label]) -> Result<Vec<ImageInfo>, EngineError> {
        let options = ListImagesOptionsBuilder::new().filters(&label_filter(labels)).build();
        let list = self.client.list_images(Some(options)).await;
        let list = list.map_err(self.failed("listing", "images"))?;
        // The list lacks entrypoint and environment. An image can be removed in the meantime.
        futures::stream::iter(list)
            .map(|image| async move { self.image(&image.id).await })
            .buffered(LOOKUPS)
            .try_filter_map(|image| async move { Ok(image) })
            .try_collect()
            .await
    }

    async fn pull(&self, reference: &str, on_line: OnLine<'_>) -> Result<(), EngineError> {
        tracing::debug!("pulling image {reference}");
        let object = format!("image {reference}");
        check_reference("pulling", reference)?;
        let (name, tag) = split_reference(reference);
        let options = CreateImageOptionsBuilder::new().from_image(name).tag(tag).build();
        let mut progress = self.client.create_image(Some(options), None, None);
        let mut last = String::new();
        let failed = |failure| translate_pull(self.address(), &object, &failure);
        while let Some(step) = progress.try_next().await.map_err(failed)? {
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
        Ok(())
    }

    async fn import_image(&self, tar: &Path, reference: &str) -> Result<(), EngineError> {
        tracing::debug!("importing image {reference}");
        check_reference("importing", reference)?;
        let (name, tag) = split_reference(reference);
        let body = body_try_stream(open(tar).await?);
        let options = CreateImageOptionsBuilder::new().from_src("-").repo(name).tag(tag).build();
        self.client
            .create_image(Some(options), Some(body), None)
            .try_for_each(|_| async { Ok(()) })
            .await
            .map_err(self.failed("importing", &format!("image {reference}")))
    }

    async fn build_image(
        &self,
        context: &Path,
        build: &ImageBuild,
        on_line: OnLine<'_>,
    ) -> Result<(), EngineError> {
        tracing::debug!("building image {}", build.reference);
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

    async fn commit(&self, container: &str, commit: &ImageCommit) -> Result<String, EngineError> {
        tracing::debug!("committing container {container} to image {}", commit.reference);
        check_reference("committing", &commit.reference)?;
        let (name, tag) = split_reference(&commit.reference);
        let options = CommitContainerOptionsBuilder::new()
            .container(container)
            .repo(name)
            .tag(tag)
            .changes(&commit.changes.join("\n"))
            .build();
        let image = self.client.commit_container(options, ContainerConfig::default()).await;
        let image = image.map_err(self.failed("committing", &format!("container {container}")))?;
        Ok(image.id)
    }

    /// On failure no partial archive stays behind.
    async fn save_images(&self, references: &[String], archive: &Path) -> Result<(), EngineError> {
        tracing::debug!("saving images {}", references.join(", "));
        let written = self.write_archive(references, archive).await;
        if written.is_err() {
            // The first failure matters more than this one.
            let _ = tokio::fs::remove_file(archive).await;
        }
        written
    }

    async fn tag_image(&self, reference: &str, new: &str) -> Result<(), EngineError> {
        check_reference("tagging", reference)?;
        check_reference("tagging", new)?;
        let (name, tag) = split_reference(new);
        let options = TagImageOptionsBuilder::new().repo(name).tag(tag).build();
        let tagged = self.client.tag_image(reference, Some(options)).await;
        tagged.map_err(self.failed("tagging", &format!("image {reference}")))
    }

    async fn remove_image(&self, reference: &str) -> Result<(), EngineError> {
        tracing::debug!("removing image {reference}");
        check_reference("removing", reference)?;
        let removed = self.client.remove_image(reference, None::<RemoveImageOptions>, None).await;
        missing_is_fine(removed.map_err(self.failed("removing", &format!("image {reference}"))))
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        tracing::debug!("creating container {} from image {}", spec.name, spec.image);
        let options = CreateContainerOptionsBuilder::new().name(&spec.name).build();
        let made = self.client.create_container(Some(options), create_body(spec)?).await;
        let made = made.map_err(self.failed("creating", &format!("container {}", spec.name)))?;
        Ok(made.id)
    }

    async fn start_container(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("starting container {name}");
        let started = self.client.start_container(name, None::<StartContainerOptions>).await;
        started.map_err(self.failed("starting", &format!("container {name}")))
    }

    async fn stop_container(&self, name: &str, grace: Duration) -> Result<(), EngineError> {
        tracing::debug!("stopping container {name}");
        let seconds = grace.as_secs() + u64::from(grace.subsec_nanos() > 0);
        let seconds = seconds.try_into().unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::new().t(seconds).build();
        let stopped = self.client.stop_container(name, Some(options)).await;
        stopped.map_err(self.failed("stopping", &format!("container {name}")))
    }

    async fn kill_container(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("killing container {name}");
        let killed = self.client.kill_container(name, None::<KillContainerOptions>).await;
        killed.map_err(self.failed("killing", &format!("container {name}")))
    }

    async fn pause_container(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("pausing container {name}");
        let paused = self.client.pause_container(name).await;
        paused.map_err(self.failed("pausing", &format!("container {name}")))
    }

    async fn unpause_container(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("unpausing container {name}");
        let resumed = self.client.unpause_container(name).await;
        resumed.map_err(self.failed("unpausing", &format!("container {name}")))
    }

    async fn remove_container(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("removing container {name}");
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let removed = self.client.remove_container(name, Some(options)).await;
        match removed.map_err(self.failed("removing", &format!("container {name}"))) {
            Err(error) if error.refusal() == Some(Refusal::RemovalInProgress) => {
                // Another client removes the container: wait until it has.
                let options = WaitContainerOptionsBuilder::new().condition("removed").build();
                missing_is_fine(self.exit_code_of(name, options).await)
            }
            other => missing_is_fine(other),
        }
    }

    async fn container(&self, name: &str) -> Result<Option<ContainerInfo>, EngineError> {
        let found = self.client.inspect_container(name, None::<InspectContainerOptions>).await;
        let found = found.map_err(self.failed("inspecting", &format!("container {name}")));
        match found.map(inspected) {
            // The engine also accepts a prefix of an id, which can equal another container's name.
            Ok(found) if found.name == name || found.id == name => Ok(Some(found)),
            Ok(_) | Err(EngineError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn containers(&self, labels: &[Label]) -> Result<Vec<ContainerInfo>, EngineError> {
        let options =
            ListContainersOptionsBuilder::new().all(true).filters(&label_filter(labels)).build();
        let list = self.client.list_containers(Some(options)).await;
        let list = list.map_err(self.failed("listing", "containers"))?;
        Ok(list.into_iter().map(summarised).collect())
    }

    async fn wait_container(&self, name: &str) -> Result<i64, EngineError> {
        self.exit_code_of(name, WaitContainerOptions::default()).await
    }

    async fn container_log(&self, name: &str, lines: usize) -> Result<String, EngineError> {
        let options =
            LogsOptionsBuilder::new().stdout(true).stderr(true).tail(&lines.to_string()).build();
        let log: Vec<u8> = self
            .client
            .logs(name, Some(options))
            .try_fold(Vec::new(), |mut log, chunk| async move {
                log.extend_from_slice(chunk.as_ref());
                Ok(log)
            })
            .await
            .map_err(self.failed("reading the log of", &format!("container {name}")))?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }

    async fn upload(&self, container: &str, path: &str, tar: Bytes) -> Result<(), EngineError> {
        tracing::debug!("copying {} bytes to {path} of container {container}", tar.len());
        let action = format!("unpacking files at {path} in");
        let options = UploadToContainerOptionsBuilder::new().path(path).build();
        let body = body_full(tar);
        let sent = self.client.upload_to_container(container, Some(options), body).await;
        sent.map_err(self.failed(&action, &format!("container {container}")))
    }

    async fn download(&self, container: &str, path: &str) -> Result<Bytes, EngineError> {
        tracing::debug!("reading {path} of container {container}");
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
            .map_err(self.failed(&action, &format!("container {container}")))?;
        Ok(tar.freeze())
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
        let object = format!("network {}", spec.name);
        let request = create_request(spec);
        let body = unique_name_body(&request).map_err(|error| {
            EngineError::refused(format!("creating {object}"), error.to_string())
        })?;
        let client = self.client.clone().with_request_modifier(move |request: BollardRequest| {
            request.map(|_| body_full(body.clone()))
        });
        client.create_network(request).await.map_err(self.failed("creating", &object))?;
        Ok(())
    }

    async fn networks(&self, labels: &[Label]) -> Result<Vec<NetworkInfo>, EngineError> {
        let options = ListNetworksOptionsBuilder::new().filters(&label_filter(labels)).build();
        let list = self.client.list_networks(Some(options)).await;
        let list = list.map_err(self.failed("listing", "networks"))?;
        Ok(list.into_iter().map(network_info).collect())
    }

    async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("removing network {name}");
        let removed = self.client.remove_network(name).await;
        missing_is_fine(removed.map_err(self.failed("removing", &format!("network {name}"))))
    }

    async fn create_volume(&self, name: &str, labels: &[Label]) -> Result<(), EngineError> {
        tracing::debug!("creating volume {name}");
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(labels.iter().cloned().collect()),
            ..Default::default()
        };
        let created = self.client.create_volume(request).await;
        created.map(drop).map_err(self.failed("creating", &format!("volume {name}")))
    }

    async fn volumes(&self, labels: &[Label]) -> Result<Vec<String>, EngineError> {
        let options = ListVolumesOptionsBuilder::new().filters(&label_filter(labels)).build();
        let list = self.client.list_volumes(Some(options)).await;
        let list = list.map_err(self.failed("listing", "volumes"))?;
        Ok(list.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect())
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        tracing::debug!("removing volume {name}");
        let removed = self.client.remove_volume(name, None::<RemoveVolumeOptions>).await;
        missing_is_fine(removed.map_err(self.failed("removing", &format!("volume {name}"))))
    }
}
