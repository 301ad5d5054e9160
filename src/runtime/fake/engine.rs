//! The engine's methods, each with Docker's conflicts.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncReadExt as _;

use super::{FakeContainer, FakeEngine, Upload, matches, not_found, refused, tar_of};
use crate::runtime::{
    ByteSource, ContainerInfo, ContainerSpec, ContainerState, Engine, EngineError, EngineInfo,
    ExecOutput, ImageBuild, ImageCommit, ImageInfo, Label, MountSource, NetworkInfo, NetworkSpec,
    OnLine, Refusal,
};

#[async_trait]
impl Engine for FakeEngine {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        drop(self.call("info", "")?);
        Ok(EngineInfo {
            version: "20.10.24".into(),
            api: "1.41".into(),
            cgroup_version: 1,
            storage_driver: "overlay2".into(),
            architecture: "amd64".into(),
            root: "/var/lib/docker".into(),
        })
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, EngineError> {
        Ok(self.call("image", reference)?.image(reference))
    }

    async fn images(&self, labels: &[Label]) -> Result<Vec<ImageInfo>, EngineError> {
        let state = self.call("images", "")?;
        let fitting = state.images.values().filter(|image| matches(labels, &image.labels));
        Ok(fitting.cloned().collect())
    }

    async fn pull(&self, reference: &str, on_line: OnLine<'_>) -> Result<(), EngineError> {
        let mut state = self.call("pull", reference)?;
        let Some(image) = state.registry.get(reference).cloned() else {
            let what = format!("pulling image {reference}");
            return Err(refused(what, Refusal::Other, "no registry answers"));
        };
        on_line("Pull complete");
        state.add_image(reference, image);
        Ok(())
    }

    async fn import_image(&self, _tar: &Path, reference: &str) -> Result<(), EngineError> {
        self.call("import_image", reference)?.add_image(reference, ImageInfo::default());
        Ok(())
    }

    async fn build_image(
        &self,
        _context: &Path,
        build: &ImageBuild,
        on_line: OnLine<'_>,
    ) -> Result<(), EngineError> {
        let mut state = self.call("build_image", &build.reference)?;
        on_line("Step 1/1 : FROM scratch");
        let image = ImageInfo { labels: build.labels.clone(), ..Default::default() };
        state.add_image(&build.reference, image);
        Ok(())
    }

    async fn commit(&self, container: &str, commit: &ImageCommit) -> Result<String, EngineError> {
        let mut state = self.call("commit", container)?;
        state.container(container)?;
        Ok(state.add_image(&commit.reference, ImageInfo::default()))
    }

    async fn save_images(&self, references: &[String], archive: &Path) -> Result<(), EngineError> {
        let state = self.call("save_images", &references.join(" "))?;
        for reference in references {
            state.image(reference).ok_or_else(|| not_found("image", reference))?;
        }
        std::fs::write(archive, references.join("\n"))
            .map_err(|source| EngineError::Io { what: "saving images".into(), source })
    }

    async fn tag_image(&self, reference: &str, new: &str) -> Result<(), EngineError> {
        let mut state = self.call("tag_image", &format!("{reference} {new}"))?;
        let image = state.image(reference).ok_or_else(|| not_found("image", reference))?;
        state.add_image(new, image);
        Ok(())
    }

    async fn remove_image(&self, reference: &str) -> Result<(), EngineError> {
        let mut state = self.call("remove_image", reference)?;
        state.images.retain(|name, image| name != reference && image.id != reference);
        Ok(())
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        let mut state = self.call("create_container", &spec.name)?;
        state.image(&spec.image).ok_or_else(|| not_found("image", &spec.image))?;
        if state.containers.contains_key(&spec.name) {
            let what = format!("creating container {}", spec.name);
            return Err(refused(what, Refusal::NameInUse, "the name is already in use"));
        }
        let mut addresses = BTreeMap::new();
        if let Some(attachment) = &spec.network {
            if !state.networks.contains_key(&attachment.network) {
                return Err(not_found("network", &attachment.network));
            }
            addresses
                .extend(attachment.address.map(|address| (attachment.network.clone(), address)));
        }
        let id = state.id();
        let info = ContainerInfo {
            id: id.clone(),
            name: spec.name.clone(),
            image: spec.image.clone(),
            labels: spec.labels.clone(),
            state: ContainerState::Created,
            exit_code: 0,
            addresses,
            ports: spec.ports.clone(),
        };
        state.containers.insert(spec.name.clone(), FakeContainer { spec: spec.clone(), info });
        Ok(id)
    }

    async fn start_container(&self, name: &str) -> Result<(), EngineError> {
        self.set_state("start_container", name, ContainerState::Running)
    }

    async fn stop_container(&self, name: &str, _grace: Duration) -> Result<(), EngineError> {
        self.set_state("stop_container", name, ContainerState::Exited)
    }

    async fn kill_container(&self, name: &str) -> Result<(), EngineError> {
        self.set_state("kill_container", name, ContainerState::Exited)
    }

    async fn pause_container(&self, name: &str) -> Result<(), EngineError> {
        self.set_state("pause_container", name, ContainerState::Paused)
    }

    async fn unpause_container(&self, name: &str) -> Result<(), EngineError> {
        self.set_state("unpause_container", name, ContainerState::Running)
    }

    async fn remove_container(&self, name: &str) -> Result<(), EngineError> {
        let mut state = self.call("remove_container", name)?;
        state
            .containers
            .retain(|_, container| container.info.name != name && container.info.id != name);
        Ok(())
    }

    async fn container(&self, name: &str) -> Result<Option<ContainerInfo>, EngineError> {
        let mut state = self.call("container", name)?;
        Ok(state.container(name).ok().map(|container| container.info.clone()))
    }

    async fn containers(&self, labels: &[Label]) -> Result<Vec<ContainerInfo>, EngineError> {
        let state = self.call("containers", "")?;
        let every = state.containers.values().map(|container| &container.info);
        Ok(every.filter(|info| matches(labels, &info.labels)).cloned().collect())
    }

    async fn wait_container(&self, name: &str) -> Result<i64, EngineError> {
        let lasts = {
            let mut state = self.call("wait_container", name)?;
            let container = state.container(name)?;
            container.spec.restart && container.info.state == ContainerState::Running
        };
        if lasts {
            std::future::pending::<()>().await;
        }
        let mut state = self.state();
        let info = &mut state.container(name)?.info;
        info.state = ContainerState::Exited;
        Ok(info.exit_code)
    }

    async fn container_log(&self, name: &str, lines: usize) -> Result<String, EngineError> {
        let mut state = self.call("container_log", name)?;
        state.container(name)?;
        let log = state.logs.get(name).map(String::as_str).unwrap_or_default();
        let skipped = log.lines().count().saturating_sub(lines);
        Ok(log.split_inclusive('\n').skip(skipped).collect())
    }

    async fn upload(&self, container: &str, path: &str, tar: Bytes) -> Result<(), EngineError> {
        let mut state = self.call("upload", &format!("{container} {path}"))?;
        state.container(container)?;
        for (name, content) in files_of(&tar) {
            let file = format!("{}/{name}", path.trim_end_matches('/'));
            state.files.insert((container.to_owned(), file), content);
        }
        state.uploads.push(Upload { container: container.into(), path: path.into(), tar });
        Ok(())
    }

    async fn download(&self, container: &str, path: &str) -> Result<Bytes, EngineError> {
        let mut state = self.call("download", &format!("{container} {path}"))?;
        state.container(container)?;
        let of = |container: &str| state.downloads.get(&(container.to_owned(), path.to_owned()));
        let found = of(container).or_else(|| of("")).cloned();
        let inside = format!("{path}/");
        let folder = path.rfind('/').map_or(0, |slash| slash + 1);
        let uploaded: Vec<(&str, &[u8])> = state
            .files
            .iter()
            .filter(|((of, file), _)| of == container && file.starts_with(&inside))
            .map(|((_, file), content)| (&file[folder..], content.as_slice()))
            .collect();
        let found = found.or_else(|| (!uploaded.is_empty()).then(|| tar_of(&uploaded)));
        found.ok_or_else(|| not_found(path, &format!("in container {container}")))
    }

    async fn exec(
        &self,
        container: &str,
        command: &[&str],
        input: Option<ByteSource>,
    ) -> Result<ExecOutput, EngineError> {
        let object = format!("{container} {}", command.join(" "));
        if self.call("exec", &object)?.container(container)?.info.state != ContainerState::Running {
            let what = format!("running a command in container {container}");
            return Err(refused(what, Refusal::Conflict, "the container is not running"));
        }
        let mut bytes = Vec::new();
        if let Some(mut input) = input {
            let read = input.read_to_end(&mut bytes).await;
            read.map_err(|source| EngineError::Io { what: object, source })?;
        }
        if command.iter().any(|word| word.contains("tar -xf - -C /")) {
            let files = files_of(&bytes).into_iter();
            let placed =
                files.map(|(name, content)| ((container.to_owned(), format!("/{name}")), content));
            self.state().files.extend(placed);
        }
        let answer = self.exec.lock().unwrap();
        Ok(answer.as_ref().map(|answer| answer(container, command, &bytes)).unwrap_or_default())
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), EngineError> {
        let mut state = self.call("create_network", &spec.name)?;
        let what = format!("creating network {}", spec.name);
        if state.networks.contains_key(&spec.name) {
            return Err(refused(what, Refusal::NameInUse, "already exists"));
        }
        let overlaps =
            |other: &ipnet::Ipv4Net| other.contains(&spec.subnet) || spec.subnet.contains(other);
        if state.networks.values().flat_map(|network| &network.subnets).any(overlaps) {
            return Err(refused(what, Refusal::SubnetOverlap, "Pool overlaps with other one"));
        }
        let network = NetworkInfo {
            id: state.id(),
            name: spec.name.clone(),
            labels: spec.labels.clone(),
            subnets: vec![spec.subnet],
        };
        state.networks.insert(spec.name.clone(), network);
        Ok(())
    }

    async fn networks(&self, labels: &[Label]) -> Result<Vec<NetworkInfo>, EngineError> {
        let state = self.call("networks", "")?;
        let every = state.networks.values();
        Ok(every.filter(|network| matches(labels, &network.labels)).cloned().collect())
    }

    async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        let mut state = self.call("remove_network", name)?;
        let on_it = |container: &FakeContainer| {
            container.info.state == ContainerState::Running
                && container.spec.network.as_ref().is_some_and(|on| on.network == name)
        };
        if state.containers.values().any(on_it) {
            let what = format!("removing network {name}");
            return Err(refused(what, Refusal::ActiveEndpoints, "has active endpoints"));
        }
        state.networks.remove(name);
        Ok(())
    }

    async fn create_volume(&self, name: &str, labels: &[Label]) -> Result<(), EngineError> {
        let mut state = self.call("create_volume", name)?;
        state.volumes.entry(name.to_owned()).or_insert_with(|| labels.iter().cloned().collect());
        Ok(())
    }

    async fn volumes(&self, labels: &[Label]) -> Result<Vec<String>, EngineError> {
        let state = self.call("volumes", "")?;
        let fitting = state.volumes.iter().filter(|(_, has)| matches(labels, has));
        Ok(fitting.map(|(name, _)| name.clone()).collect())
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        let mut state = self.call("remove_volume", name)?;
        let source = MountSource::Volume(name.to_owned());
        let in_use = |container: &FakeContainer| {
            container.spec.mounts.iter().any(|mount| mount.source == source)
        };
        if state.containers.values().any(in_use) {
            let what = format!("removing volume {name}");
            return Err(refused(what, Refusal::Conflict, "volume is in use"));
        }
        state.volumes.remove(name);
        Ok(())
    }
}

fn files_of(tar: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(tar);
    let files = archive.entries().into_iter().flatten().flatten();
    files
        .filter_map(|mut file| {
            let path = file.path().ok()?.to_string_lossy().into_owned();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut content).ok()?;
            Some((path, content))
        })
        .collect()
}
