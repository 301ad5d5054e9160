//! An engine in memory for the tests of what is above the seam: it keeps containers, networks,
//! volumes and images with Docker's conflicts, logs every call, and fails where it is told to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncReadExt as _;

use super::{
    ByteSource, ContainerInfo, ContainerSpec, Engine, EngineError, EngineInfo, ExecOutput,
    ImageBuild, ImageCommit, ImageInfo, Label, MountSource, NetworkInfo, NetworkSpec, OnLine,
};

/// Answers a command: container, command line, all of its input.
type Exec = Box<dyn Fn(&str, &[&str], &[u8]) -> ExecOutput + Send + Sync>;

/// A container and what it was made from.
#[derive(Clone)]
pub(crate) struct FakeContainer {
    pub(crate) spec: ContainerSpec,
    pub(crate) info: ContainerInfo,
}

/// A file that was put into a container: its tar as uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) container: String,
    pub(crate) path: String,
    pub(crate) tar: Bytes,
}

/// Everything in the engine, for tests to prepare and to look at.
#[derive(Default)]
pub(crate) struct State {
    /// Each call as `method object`, in order.
    pub(crate) calls: Vec<String>,
    pub(crate) containers: BTreeMap<String, FakeContainer>,
    pub(crate) networks: BTreeMap<String, NetworkInfo>,
    pub(crate) volumes: BTreeMap<String, BTreeMap<String, String>>,
    /// By reference.
    pub(crate) images: BTreeMap<String, ImageInfo>,
    /// What a pull can get, by reference.
    pub(crate) registry: BTreeMap<String, ImageInfo>,
    pub(crate) uploads: Vec<Upload>,
    /// Tars that downloads give, by container and path.
    pub(crate) downloads: BTreeMap<(String, String), Bytes>,
    /// Logs by container.
    pub(crate) logs: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
    failures: BTreeMap<(&'static str, usize), EngineError>,
    ids: usize,
}

impl State {
    fn id(&mut self) -> String {
        self.ids += 1;
        format!("id-{}", self.ids)
    }

    fn container(&mut self, name: &str) -> Result<&mut FakeContainer, EngineError> {
        self.containers
            .values_mut()
            .find(|container| container.info.name == name || container.info.id == name)
            .ok_or_else(|| not_found("container", name))
    }

    fn image(&self, reference: &str) -> Option<ImageInfo> {
        self.images
            .get(reference)
            .or_else(|| self.images.values().find(|image| image.id == reference))
            .cloned()
    }

    fn add_image(&mut self, reference: &str, mut image: ImageInfo) -> String {
        if image.id.is_empty() {
            image.id = format!("sha256:{}", self.id());
        }
        image.references = vec![reference.to_owned()];
        let id = image.id.clone();
        self.images.insert(reference.to_owned(), image);
        id
    }
}

/// The engine.
#[derive(Default)]
pub(crate) struct FakeEngine {
    state: Mutex<State>,
    exec: Mutex<Option<Exec>>,
}

impl FakeEngine {
    /// What is in the engine.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Puts an image there under a reference.
    pub(crate) fn with_image(self, reference: &str, image: ImageInfo) -> Self {
        self.state().add_image(reference, image);
        self
    }

    /// Answers commands in containers; without it each ends with 0 and says nothing.
    pub(crate) fn on_exec(
        &self,
        answer: impl Fn(&str, &[&str], &[u8]) -> ExecOutput + Send + Sync + 'static,
    ) {
        *self.exec.lock().unwrap() = Some(Box::new(answer));
    }

    /// Makes the `nth` call (from 1) of a method of [`Engine`] fail.
    pub(crate) fn fail(&self, method: &'static str, nth: usize, error: EngineError) {
        self.state().failures.insert((method, nth), error);
    }

    /// Each call as `method object`, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    fn call(
        &self,
        method: &'static str,
        object: &str,
    ) -> Result<MutexGuard<'_, State>, EngineError> {
        let mut state = self.state();
        state.calls.push(format!("{method} {object}").trim_end().to_owned());
        let count = state.counts.entry(method).or_default();
        *count += 1;
        let key = (method, *count);
        match state.failures.remove(&key) {
            Some(error) => Err(error),
            None => Ok(state),
        }
    }
}

fn not_found(kind: &str, name: &str) -> EngineError {
    EngineError::NotFound { what: format!("{kind} {name}") }
}

fn conflict(kind: &str, name: &str, reason: &str) -> EngineError {
    EngineError::Conflict { what: format!("{kind} {name}"), reason: reason.to_owned() }
}

fn matches(labels: &[Label], has: &BTreeMap<String, String>) -> bool {
    labels.iter().all(|(key, value)| {
        has.get(key).is_some_and(|present| value.is_empty() || present == value)
    })
}

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
            return Err(EngineError::Refused {
                what: format!("pulling image {reference}"),
                reason: "no registry answers".into(),
            });
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
            return Err(conflict("container", &spec.name, "the name is already in use"));
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
            state: "created".into(),
            exit_code: 0,
            addresses,
            ports: spec.ports.clone(),
        };
        state.containers.insert(spec.name.clone(), FakeContainer { spec: spec.clone(), info });
        Ok(id)
    }

    async fn start_container(&self, name: &str) -> Result<(), EngineError> {
        let mut state = self.call("start_container", name)?;
        state.container(name)?.info.state = "running".into();
        Ok(())
    }

    async fn stop_container(&self, name: &str, _grace: Duration) -> Result<(), EngineError> {
        let mut state = self.call("stop_container", name)?;
        state.container(name)?.info.state = "exited".into();
        Ok(())
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
        let mut state = self.call("wait_container", name)?;
        let info = &mut state.container(name)?.info;
        info.state = "exited".into();
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
        state.uploads.push(Upload { container: container.into(), path: path.into(), tar });
        Ok(())
    }

    async fn download(&self, container: &str, path: &str) -> Result<Bytes, EngineError> {
        let mut state = self.call("download", &format!("{container} {path}"))?;
        state.container(container)?;
        let found = state.downloads.get(&(container.to_owned(), path.to_owned())).cloned();
        found.ok_or_else(|| not_found(path, &format!("in container {container}")))
    }

    async fn exec(
        &self,
        container: &str,
        command: &[&str],
        input: Option<ByteSource>,
    ) -> Result<ExecOutput, EngineError> {
        let object = format!("{container} {}", command.join(" "));
        if self.call("exec", &object)?.container(container)?.info.state != "running" {
            return Err(conflict("container", container, "is not running"));
        }
        let mut bytes = Vec::new();
        if let Some(mut input) = input {
            let read = input.read_to_end(&mut bytes).await;
            read.map_err(|source| EngineError::Io { what: object, source })?;
        }
        let answer = self.exec.lock().unwrap();
        Ok(answer.as_ref().map(|answer| answer(container, command, &bytes)).unwrap_or_default())
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), EngineError> {
        let mut state = self.call("create_network", &spec.name)?;
        if state.networks.contains_key(&spec.name) {
            return Err(conflict("network", &spec.name, "already exists"));
        }
        let overlaps =
            |other: &ipnet::Ipv4Net| other.contains(&spec.subnet) || spec.subnet.contains(other);
        if state.networks.values().flat_map(|network| &network.subnets).any(overlaps) {
            return Err(conflict("network", &spec.name, "Pool overlaps with other one"));
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
            container.info.state == "running"
                && container.spec.network.as_ref().is_some_and(|on| on.network == name)
        };
        if state.containers.values().any(on_it) {
            return Err(conflict("network", name, "has active endpoints"));
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
            return Err(conflict("volume", name, "volume is in use"));
        }
        state.volumes.remove(name);
        Ok(())
    }
}

mod tests {
    use super::*;

    #[tokio::test]
    async fn the_nth_call_fails_once() {
        let engine = FakeEngine::default();
        let error = EngineError::Refused { what: "a".into(), reason: "full".into() };
        engine.fail("create_volume", 2, error);
        assert!(engine.create_volume("a", &[]).await.is_ok());
        assert!(engine.create_volume("b", &[]).await.is_err());
        assert!(engine.create_volume("b", &[]).await.is_ok());
        assert_eq!(engine.calls(), ["create_volume a", "create_volume b", "create_volume b"]);
    }

    #[tokio::test]
    async fn exec_needs_a_running_container_and_sees_its_input() {
        let engine = FakeEngine::default().with_image("i", ImageInfo::default());
        engine.on_exec(|_, command, input| ExecOutput {
            code: command.len() as i64,
            stdout: input.to_vec(),
            stderr: Vec::new(),
        });
        let spec = ContainerSpec { name: "c".into(), image: "i".into(), ..Default::default() };
        engine.create_container(&spec).await.unwrap();
        assert!(matches!(engine.create_container(&spec).await, Err(EngineError::Conflict { .. })));
        assert!(engine.exec("c", &["a"], None).await.is_err());
        engine.start_container("c").await.unwrap();
        let input: ByteSource = Box::new(&b"in"[..]);
        let output = engine.exec("c", &["a", "b"], Some(input)).await.unwrap();
        assert_eq!((output.code, output.stdout), (2, b"in".to_vec()));
    }
}
