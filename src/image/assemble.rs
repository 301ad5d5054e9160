//! Building a node image in a container of the base image: copies the parts and the files of the
//! recipe, unpacks the component images with the node's own containerd, and commits the container.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio_util::io::SyncIoBridge;

use crate::failure::Failure;
use crate::progress::{Progress, Stage};
use crate::runtime::{ByteSource, ContainerSpec, Engine, ImageCommit};

use super::archive::{self, Image};
use super::base::node_base;
use super::builder::FULL_DISK_HINT;
use super::components::{self, NodeParts};
use super::labels::{IMAGE_KIND_LABEL, IMAGE_LABEL, KUBERNETES_LABEL, RECIPE_LABEL, SOURCE_LABEL};
use super::lock::{BuildLock, build_container, remove_leftovers};
use super::node_image::{NodeImage, built_reference, inspect};
use super::parts::{KubernetesSource, PartSet, PartsCache, obtain};
use super::recipe;
use super::root::{self, BUILD_FOLDER};

/// Size in bytes of the buffer between the writing thread and the engine.
const PIPE: usize = 1024 * 1024;

/// Capabilities of the container: for files of any owner and mode, and for mounts, which
/// containerd's snapshotter uses to unpack images.
const CAPABILITIES: [&str; 10] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "SETFCAP",
    "SETGID",
    "SETUID",
    "SYS_ADMIN",
];

/// Builds a node image from `source` and `base_image` (by default Debian), named `reference`
/// (by default `kindrs/node:vX.Y.Z`). Builds of one user wait for each other.
/// Fails with `Failure::Input` for an unusable source, `Failure::Environment` when the engine, a
/// compiler, the network or the disk fails.
pub async fn build(
    engine: &dyn Engine,
    source: &KubernetesSource,
    base_image: Option<&str>,
    reference: Option<&str>,
    progress: &Progress,
) -> anyhow::Result<NodeImage> {
    let version = source.version()?;
    let reference = reference.map_or_else(|| built_reference(&version), str::to_owned);
    let cache = PartsCache::open()?;
    let _lock = BuildLock::take(&cache, progress).await?;
    make(engine, source, base_image, &reference, &cache, progress).await
}

/// Builds the image. The caller holds the [`BuildLock`].
pub(super) async fn make(
    engine: &dyn Engine,
    source: &KubernetesSource,
    base_image: Option<&str>,
    reference: &str,
    cache: &PartsCache,
    progress: &Progress,
) -> anyhow::Result<NodeImage> {
    remove_leftovers(engine).await?;
    let architecture = engine.info().await?.architecture;
    // At the same time, so that network errors appear before the compilers finish.
    let (parts, base) = tokio::try_join!(
        obtain(source, &architecture, cache, engine, progress),
        node_base(engine, base_image, progress),
    )?;

    let replaced = engine.image(reference).await?;
    let stage = progress.stage(format!("Assemble {reference}"));
    let builder = Builder { engine, name: build_container(), base, architecture, stage: &stage };
    let assembled = builder.assemble(&parts, source, reference).await;
    let removed = engine.remove_container(&builder.name).await;
    assembled?;
    removed?;
    if let Some(old) = replaced {
        // The engine keeps the image while a cluster uses it.
        let _ = engine.remove_image(&old.id).await;
    }
    stage.finish();
    inspect(engine, reference).await
}

struct Builder<'a> {
    engine: &'a dyn Engine,
    name: String,
    base: String,
    architecture: String,
    stage: &'a Stage,
}

impl Builder<'_> {
    async fn assemble(
        &self,
        parts: &PartSet,
        source: &KubernetesSource,
        reference: &str,
    ) -> anyhow::Result<()> {
        self.stage.advance(Some(0.0), "start a container of the base image");
        self.engine.remove_container(&self.name).await?;
        self.engine.create_container(&self.container()).await?;
        self.engine.start_container(&self.name).await?;

        self.stage.advance(Some(0.05), "copy the node's files");
        let entries = root::entries(parts);
        self.feed(&["tar", "-x", "-C", "/"], move |out| archive::write_tar(&entries, out)).await?;
        self.run(&[&script("setup")], None).await?;

        self.stage.advance(Some(0.3), "create the component images");
        let node = NodeParts::read(&self.run(&[&script("component-files")], None).await?)
            .context("cannot read the files for kube-proxy and busybox")?;
        let images = components::images(parts, node);
        let (images, layers) = tokio::task::spawn_blocking(move || {
            let layers = archive::layers(&images)?;
            Ok::<_, io::Error>((images, layers))
        })
        .await?
        .context("cannot read the compiled parts")?;

        self.stage.advance(Some(0.4), "unpack the component images");
        self.preload(images, layers).await?;
        self.run(&["rm", "-rf", BUILD_FOLDER], None).await?;

        self.stage.advance(Some(0.8), "commit the image");
        self.engine.stop_container(&self.name, Duration::ZERO).await?;
        let labels = labels(parts, source)?;
        let commit = ImageCommit { reference: reference.to_owned(), changes: changes(&labels) };
        self.engine.commit(&self.name, &commit).await?;
        Ok(())
    }

    fn container(&self) -> ContainerSpec {
        ContainerSpec {
            name: self.name.clone(),
            image: self.base.clone(),
            entrypoint: Some(["sleep", "infinity"].map(str::to_owned).into()),
            capabilities: CAPABILITIES.map(str::to_owned).into(),
            security_options: ["seccomp=unconfined", "apparmor=unconfined"]
                .map(str::to_owned)
                .into(),
            private_cgroup_namespace: true,
            ..Default::default()
        }
    }

    async fn preload(&self, images: Vec<Image>, layers: Vec<archive::Blob>) -> anyhow::Result<()> {
        let (script, digests) = (script("preload"), layers.clone());
        let digests = digests.iter().map(|layer| layer.digest.as_str());
        let command: Vec<&str> = [script.as_str()].into_iter().chain(digests).collect();
        let architecture = self.architecture.clone();
        self.feed(&command, move |out| archive::write_archive(&images, &layers, &architecture, out))
            .await
    }

    /// Runs a command with the output of `write` as its input.
    async fn feed(
        &self,
        command: &[&str],
        write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let (input, writing) = piped(write);
        let ran = self.run(command, Some(input)).await;
        match writing.await? {
            // If the command stopped reading, its own error is the reason.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(error).context("cannot read the compiled parts")
            }
            _ => ran.map(|_| ()),
        }
    }

    async fn run(&self, command: &[&str], input: Option<ByteSource>) -> anyhow::Result<Vec<u8>> {
        let output = self.engine.exec(&self.name, command, input).await?;
        if output.code == 0 {
            return Ok(output.stdout);
        }
        let name = command.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default();
        Err(step_failure(name, output.code, &String::from_utf8_lossy(&output.stderr)).into())
    }
}

fn script(name: &str) -> String {
    format!("{BUILD_FOLDER}/{name}")
}

fn step_failure(step: &str, code: i64, stderr: &str) -> Failure {
    let lines: Vec<&str> = stderr.trim_end().lines().collect();
    let last = lines[lines.len().saturating_sub(15)..].join("\n  ");
    let failure = Failure::environment(format!(
        "cannot build the node image: step `{step}` failed with exit code {code}:\n  {last}"
    ));
    if stderr.to_lowercase().contains("no space left") {
        return failure.with_hint(FULL_DISK_HINT);
    }
    failure
}

/// The output of `write` as a stream. Another thread writes it.
fn piped(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> (ByteSource, JoinHandle<io::Result<()>>) {
    let (reader, writer) = tokio::io::duplex(PIPE);
    let writing = tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(PIPE / 4, SyncIoBridge::new(writer));
        write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.shutdown()
    });
    (Box::new(reader), writing)
}

fn labels(
    parts: &PartSet,
    source: &KubernetesSource,
) -> Result<BTreeMap<&'static str, String>, Failure> {
    let version = parts.kubernetes.to_string();
    Ok(BTreeMap::from([
        (IMAGE_KIND_LABEL, "node".to_owned()),
        (IMAGE_LABEL, version.clone()),
        (KUBERNETES_LABEL, version),
        (RECIPE_LABEL, recipe::node_recipe()),
        (SOURCE_LABEL, source.identity()?),
    ]))
}

/// The instructions for the commit. Stop signal and environment, which a commit cannot set, are in
/// the Dockerfile of the base image.
fn changes(labels: &BTreeMap<&str, String>) -> Vec<String> {
    let entrypoint = r#"ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]"#;
    let labels = labels.iter().map(|(key, value)| format!("LABEL {key}=\"{value}\""));
    [entrypoint, "CMD []"].map(str::to_owned).into_iter().chain(labels).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::image::components::tests::{node_tar, parts};
    use crate::image::parts::all_binaries;
    use crate::runtime::ExecOutput;
    use crate::runtime::fake::FakeEngine;
    use tokio::io::AsyncReadExt as _;

    #[test]
    fn a_commit_sets_entrypoint_and_labels() {
        let labels = BTreeMap::from([(IMAGE_LABEL, "v1.37.2".to_owned())]);
        insta::assert_snapshot!(changes(&labels).join("\n"), @r#"
        ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]
        CMD []
        LABEL dev.kindrs.node-image="v1.37.2"
        "#);
    }

    #[test]
    fn a_failed_step_shows_its_last_lines() {
        let stderr = (0..30).map(|n| format!("line {n}\n")).collect::<String>();
        let failure = step_failure("preload", 1, &stderr);
        assert!(failure.to_string().contains("step `preload` failed with exit code 1"));
        assert!(failure.to_string().ends_with("line 29"));
        assert!(!failure.to_string().contains("line 14\n"));
        let full = step_failure("tar", 2, "tar: write error: No space left on device\n");
        assert!(full.hint().is_some_and(|hint| hint.contains("docker system df")));
    }

    #[tokio::test]
    async fn a_pipe_transfers_everything_and_reports_a_failed_write() {
        let (mut reader, writing) = piped(|out| out.write_all(&[7; 3 * PIPE]));
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes, vec![7; 3 * PIPE]);
        writing.await.unwrap().unwrap();

        let (reader, writing) = piped(|out| out.write_all(&[7; 3 * PIPE]));
        drop(reader);
        assert_eq!(writing.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    fn write_parts(directory: &std::path::Path) {
        for name in all_binaries() {
            std::fs::write(directory.join(name), name).unwrap();
        }
    }

    async fn assemble(
        engine: &FakeEngine,
        directory: &std::path::Path,
        reference: &str,
    ) -> anyhow::Result<()> {
        let stage = Progress::silent().stage("x");
        let builder = Builder {
            engine,
            name: "kindrs-build-1".into(),
            base: "kindrs/base:1".into(),
            architecture: "amd64".into(),
            stage: &stage,
        };
        let source = "v1.37.2".parse().unwrap();
        builder.assemble(&parts(directory), &source, reference).await
    }

    #[tokio::test]
    async fn an_image_is_assembled_step_by_step() {
        let engine = FakeEngine::default().with_image("kindrs/base:1", Default::default());
        let received = Arc::new(Mutex::new(Vec::new()));
        let inputs = received.clone();
        engine.on_exec(move |_, command, input| {
            let mut sent = tar::Archive::new(input);
            inputs.lock().unwrap().push(sent.entries().unwrap().count());
            let reads_files = command[0].ends_with("component-files");
            let stdout = if reads_files { node_tar() } else { Vec::new() };
            ExecOutput { stdout, ..Default::default() }
        });
        let folder = tempfile::tempdir().unwrap();
        write_parts(folder.path());
        assemble(&engine, folder.path(), "kindrs/node:v1.37.2").await.unwrap();

        let calls = engine.calls().join("\n");
        let (before, digests) = calls.split_once("preload ").unwrap();
        let (digests, after) = digests.split_once('\n').unwrap();
        // Each of the nine images has a layer, a manifest and a configuration.
        assert_eq!(digests.matches("sha256:").count(), 9);
        assert_eq!(received.lock().unwrap()[3], 9 * 3 + 2);
        insta::assert_snapshot!(format!("{before}preload …\n{after}"));
        assert!(engine.state().images.contains_key("kindrs/node:v1.37.2"));
    }

    #[tokio::test]
    async fn reports_a_failing_step_and_a_missing_part() {
        let engine = FakeEngine::default().with_image("kindrs/base:1", Default::default());
        let folder = tempfile::tempdir().unwrap();
        write_parts(folder.path());
        std::fs::remove_file(folder.path().join("runc")).unwrap();
        let error = assemble(&engine, folder.path(), "a:1").await.unwrap_err();
        assert!(format!("{error:#}").contains("/runc"), "{error:#}");

        std::fs::write(folder.path().join("runc"), "runc").unwrap();
        engine.on_exec(|_, command, _| ExecOutput {
            code: i64::from(command[0].ends_with("setup")),
            stderr: b"systemctl: boom".to_vec(),
            ..Default::default()
        });
        let error = assemble(&engine, folder.path(), "a:1").await.unwrap_err().to_string();
        assert!(error.contains("`setup` failed with exit code 1:\n  systemctl: boom"), "{error}");
        assert!(!engine.state().images.contains_key("a:1"));
    }
}
