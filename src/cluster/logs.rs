//! Exports logs and properties of a cluster to files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use crate::cluster::access::ADMIN_CONF;
use crate::cluster::inventory::{self, NodeSummary};
use crate::cluster::tarball;
use crate::config::ContainerRole;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::runtime::{Engine, EngineInfo};

/// Time limit of one command in a node, so that a command that hangs does not stop the export.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// Lines of a container's own log that are kept.
const LOG_LINES: usize = 100_000;

/// Where a node keeps the logs of its pods.
const LOG_ROOT: &str = "/var/log";

/// Files of a running node: name and the command whose output it holds.
const NODE_COMMANDS: [(&str, &[&str]); 5] = [
    ("journal.log", &["journalctl", "--no-pager"]),
    ("kubelet.log", &["journalctl", "--no-pager", "-u", "kubelet.service"]),
    ("containerd.log", &["journalctl", "--no-pager", "-u", "containerd.service"]),
    ("kubernetes-version.txt", &["cat", "/kind/version"]),
    ("images.log", &["ctr", "--namespace=k8s.io", "images", "ls"]),
];

/// Files about the whole cluster: name and the arguments of the kubectl whose output it holds.
const CLUSTER_COMMANDS: [(&str, &[&str]); 4] = [
    ("nodes.txt", &["get", "nodes", "-o", "wide"]),
    ("node-descriptions.txt", &["describe", "nodes"]),
    ("pods.txt", &["get", "pods", "-A", "-o", "wide"]),
    ("events.txt", &["get", "events", "-A", "--sort-by=.metadata.creationTimestamp"]),
];

/// Writes the logs and properties of a cluster to `folder`, which is created if it does not exist.
///
/// Reports a warning for anything that cannot be read, such as the journal of a stopped node.
/// Fails with [`Failure::Input`] when the cluster does not exist; [`Failure::Environment`] when the
/// engine does not answer or a file cannot be written.
pub async fn export(
    engine: &dyn Engine,
    cluster: &str,
    folder: &Path,
    progress: &Progress,
) -> Result<(), Failure> {
    let nodes = inventory::require(engine, cluster).await?;
    let stage = progress.stage(format!("Export logs of cluster {cluster}"));
    let info = engine.info().await?;
    write(&folder.join("docker-info.txt"), engine_text(&info).as_bytes())?;
    let version = format!("kindrs {}\n", env!("CARGO_PKG_VERSION"));
    write(&folder.join("kindrs-version.txt"), version.as_bytes())?;

    let exports = nodes.iter().map(|node| {
        let export = Export { engine, node, folder: folder.join(&node.name), progress };
        async move { export.run().await }
    });
    let (results, overview) =
        tokio::join!(join_all(exports), overview(engine, &nodes, folder, progress));
    results.into_iter().collect::<Result<(), Failure>>()?;
    overview?;
    stage.finish();
    Ok(())
}

struct Export<'a> {
    engine: &'a dyn Engine,
    node: &'a NodeSummary,
    folder: PathBuf,
    progress: &'a Progress,
}

impl Export<'_> {
    async fn run(&self) -> Result<(), Failure> {
        let name = &self.node.name;
        match self.engine.container(name).await {
            Ok(Some(container)) => {
                self.file("inspect.json", format!("{:#}\n", json!(container)).as_bytes())?
            }
            Ok(None) => self.warn("inspect.json", "the container does not exist"),
            Err(error) => self.warn("inspect.json", &error.to_string()),
        }
        match self.engine.container_log(name, LOG_LINES).await {
            Ok(text) => self.file("serial.log", text.as_bytes())?,
            Err(error) => self.warn("serial.log", &error.to_string()),
        }
        if !self.node.role.is_node() {
            return Ok(());
        }
        if self.node.is_running() {
            for (file, command) in NODE_COMMANDS {
                match run(self.engine, name, command).await {
                    Ok(output) => self.file(file, &output)?,
                    Err(reason) => self.warn(file, &reason),
                }
            }
        } else {
            let state = &self.node.state;
            self.progress.warning(format!(
                "node `{name}` is not running ({state}): exporting only the logs of its pods"
            ));
        }
        // Folders can also be read from a stopped container.
        for tree in ["pods", "containers"] {
            self.tree(tree).await?;
        }
        Ok(())
    }

    /// Exports a folder below [`LOG_ROOT`].
    async fn tree(&self, name: &str) -> Result<(), Failure> {
        let path = format!("{LOG_ROOT}/{name}");
        let tar = match self.engine.download(&self.node.name, &path).await {
            Ok(tar) => tar,
            Err(error) => {
                self.warn(name, &error.to_string());
                return Ok(());
            }
        };
        let folder = self.folder.clone();
        let unpacked = tokio::task::spawn_blocking(move || {
            fs::create_dir_all(&folder)?;
            tarball::unpack(&tar, Path::new(LOG_ROOT), &folder)
        });
        let result = unpacked.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        result.map_err(|error| not_written(&self.folder.join(name), &error))
    }

    fn file(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        write(&self.folder.join(name), content)
    }

    fn warn(&self, what: &str, reason: &str) {
        self.progress.warning(format!("cannot export {what} of {}: {reason}", self.node.name));
    }
}

/// Exports the output of kubectl, run in the first control plane where the API server answers.
async fn overview(
    engine: &dyn Engine,
    nodes: &[NodeSummary],
    folder: &Path,
    progress: &Progress,
) -> Result<(), Failure> {
    let control_planes =
        nodes.iter().filter(|node| node.role == ContainerRole::CONTROL_PLANE && node.is_running());
    let mut reason = "no control plane is running".to_owned();
    for node in control_planes {
        match kubectl(engine, &node.name, &["get", "--raw", "/readyz"]).await {
            Ok(_) => {
                for (file, arguments) in CLUSTER_COMMANDS {
                    match kubectl(engine, &node.name, arguments).await {
                        Ok(output) => write(&folder.join("cluster").join(file), &output)?,
                        Err(reason) => {
                            progress.warning(format!("cannot export cluster/{file}: {reason}"))
                        }
                    }
                }
                return Ok(());
            }
            Err(refusal) => reason = refusal,
        }
    }
    progress.warning(format!("cannot export nodes, pods and events: {reason}"));
    Ok(())
}

async fn kubectl(engine: &dyn Engine, node: &str, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let mut command = vec!["kubectl", "--kubeconfig", ADMIN_CONF, "--request-timeout=20s"];
    command.extend_from_slice(arguments);
    run(engine, node, &command).await
}

/// The standard output of a command, or the reason for its failure.
async fn run(engine: &dyn Engine, node: &str, command: &[&str]) -> Result<Vec<u8>, String> {
    match tokio::time::timeout(COMMAND_LIMIT, engine.exec(node, command, None)).await {
        Ok(Ok(output)) if output.code == 0 => Ok(output.stdout),
        Ok(Ok(output)) => {
            let text = output.text();
            let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            Err(format!("`{}` exited with code {}: {last}", command.join(" "), output.code))
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!(
            "`{}` did not finish within {} seconds",
            command.join(" "),
            COMMAND_LIMIT.as_secs()
        )),
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, content));
    written.map_err(|error| not_written(path, &error))
}

fn not_written(path: &Path, error: &std::io::Error) -> Failure {
    Failure::environment(format!("cannot write {}: {error}", path.display())).with_hint(
        "choose a folder that you can write to and that has enough space: kindrs export logs FOLDER",
    )
}

fn engine_text(info: &EngineInfo) -> String {
    format!(
        "engine version: {}\nAPI version: {}\ncontrol groups: v{}\nstorage driver: {}\n\
         architecture: {}\ndata folder: {}\n",
        info.version,
        info.api,
        info.cgroup_version,
        info.storage_driver,
        info.architecture,
        info.root
    )
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
