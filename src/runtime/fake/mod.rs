//! An engine in memory for tests: it keeps containers, networks, volumes and images with Docker's
//! conflicts, records every call, and fails on request.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;

use super::{
    ContainerInfo, ContainerSpec, ContainerState, EngineError, ExecOutput, ImageInfo, Label,
    NetworkInfo, Refusal,
};

mod engine;

/// Answers a command: container, command line, all of its input.
type Exec = Box<dyn Fn(&str, &[&str], &[u8]) -> ExecOutput + Send + Sync>;

#[derive(Clone)]
pub(crate) struct FakeContainer {
    pub(crate) spec: ContainerSpec,
    pub(crate) info: ContainerInfo,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) container: String,
    pub(crate) path: String,
    pub(crate) tar: Bytes,
}

/// The contents of the engine, for tests to prepare and to check.
#[derive(Default)]
pub(crate) struct State {
    /// Each call as `method object`, in order.
    pub(crate) calls: Vec<String>,
    pub(crate) containers: BTreeMap<String, FakeContainer>,
    pub(crate) networks: BTreeMap<String, NetworkInfo>,
    pub(crate) volumes: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) images: BTreeMap<String, ImageInfo>,
    /// The images that can be pulled, by reference.
    pub(crate) registry: BTreeMap<String, ImageInfo>,
    pub(crate) uploads: Vec<Upload>,
    /// The uploaded files, by container and path.
    pub(crate) files: BTreeMap<(String, String), Vec<u8>>,
    /// Tars that downloads return, by container (empty for any) and path.
    pub(crate) downloads: BTreeMap<(String, String), Bytes>,
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

#[derive(Default)]
pub(crate) struct FakeEngine {
    state: Mutex<State>,
    exec: Mutex<Option<Exec>>,
}

impl FakeEngine {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn with_image(self, reference: &str, image: ImageInfo) -> Self {
        self.state().add_image(reference, image);
        self
    }

    /// Answers commands in containers; without an answer, each command exits with 0.
    pub(crate) fn on_exec(
        &self,
        answer: impl Fn(&str, &[&str], &[u8]) -> ExecOutput + Send + Sync + 'static,
    ) {
        *self.exec.lock().unwrap() = Some(Box::new(answer));
    }

    /// Lets the `nth` call (from 1) of a method of [`Engine`] fail.
    pub(crate) fn fail(&self, method: &'static str, nth: usize, error: EngineError) {
        self.state().failures.insert((method, nth), error);
    }

    /// Each call as `method object`, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// The names of the containers, then of the volumes, then of the networks.
    pub(crate) fn objects(&self) -> Vec<String> {
        let state = self.state();
        let containers = state.containers.keys();
        containers.chain(state.volumes.keys()).chain(state.networks.keys()).cloned().collect()
    }

    fn set_state(
        &self,
        method: &'static str,
        name: &str,
        state: ContainerState,
    ) -> Result<(), EngineError> {
        self.call(method, name)?.container(name)?.info.state = state;
        Ok(())
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

pub(crate) fn refused(what: impl Into<String>, cause: Refusal, reason: &str) -> EngineError {
    EngineError::Refused { what: what.into(), cause, reason: reason.to_owned() }
}

fn matches(labels: &[Label], has: &BTreeMap<String, String>) -> bool {
    labels.iter().all(|(key, value)| {
        has.get(key).is_some_and(|present| value.is_empty() || present == value)
    })
}

pub(crate) fn tar_of<T: AsRef<[u8]>>(files: &[(&str, T)]) -> Bytes {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        let content = content.as_ref();
        header.set_size(content.len() as u64);
        header.set_mode(0o640);
        builder.append_data(&mut header, path, content).unwrap();
    }
    builder.into_inner().unwrap().into()
}

mod tests {
    use super::*;
    use crate::runtime::{ByteSource, Engine as _};

    #[tokio::test]
    async fn the_nth_call_fails_once() {
        let engine = FakeEngine::default();
        let error = EngineError::refused("a", "full");
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
        let error = engine.create_container(&spec).await.unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::NameInUse));
        assert!(engine.exec("c", &["a"], None).await.is_err());
        engine.start_container("c").await.unwrap();
        let input: ByteSource = Box::new(&b"in"[..]);
        let output = engine.exec("c", &["a", "b"], Some(input)).await.unwrap();
        assert_eq!((output.code, output.stdout), (2, b"in".to_vec()));
    }
}
