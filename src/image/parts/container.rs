use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use crate::runtime::{
    ContainerInfo, ContainerSpec, ContainerState, Engine, EngineError, Mount, MountSource,
    NetworkAttachment, Propagation,
};

use super::cache::Workspace;
use super::process::{Ended, Seen, TICK, Watcher};
use super::toolchain::{Names, PASSED_ON};

/// Label of containers that compile. Its value is the lock file of the kindrs that started it.
const LABEL: &str = "dev.kindrs.compile";
/// The script that runs in the container.
const SCRIPT: &str = include_str!("../../../images/scripts/compile");
/// Exit code of [`SCRIPT`] when it cannot install Debian packages.
const NO_PACKAGES: i64 = 70;

/// The file of certificates that this machine trusts, with its path in a container. No image contains
/// the authority of a network that inspects traffic.
pub fn trusted_certificates() -> Option<(PathBuf, &'static str)> {
    let set = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let known = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
    let file = set.into_iter().chain(known.map(PathBuf::from)).find(|file| file.is_file())?;
    Some((file, "/run/kindrs/certificates.crt"))
}

/// A command in a container that works on files of this machine, under the same paths.
#[derive(Debug, Clone)]
pub struct Job {
    /// A local image.
    pub image: String,
    /// Debian packages to install.
    pub packages: Vec<String>,
    /// The architecture of the packages, if it is not that of the image.
    pub foreign: Option<Names>,
    /// The command, which runs in the directory of the module.
    pub command: Vec<String>,
    pub environment: HashMap<String, String>,
    /// Writable directories besides the workspace.
    pub written: Vec<PathBuf>,
    /// Read-only directories and files, with their path in the container.
    pub read: Vec<(PathBuf, &'static str)>,
}

impl Job {
    /// Runs the command to its end, and calls `watch` for each line of its standard error.
    pub async fn run(
        &self,
        engine: &dyn Engine,
        workspace: &Workspace,
        watch: Watcher<'_>,
    ) -> anyhow::Result<Ended> {
        let name = format!("kindrs-compile-{}", workspace.key());
        remove_abandoned(engine).await?;
        engine.remove_container(&name).await?;
        let (stdout, stderr) = (workspace.root().join("stdout"), workspace.root().join("stderr"));
        let alive = workspace.root().join("alive");
        for file in [&stdout, &stderr, &alive] {
            fs::write(file, "")?;
        }
        engine.create_container(&self.spec(&name, workspace)).await?;
        engine.start_container(&name).await?;

        let mut tail = Tail::default();
        let code = {
            let end = engine.wait_container(&name);
            tokio::pin!(end);
            let mut tick = tokio::time::interval(TICK);
            loop {
                tokio::select! {
                    code = &mut end => break code?,
                    _ = tick.tick() => {
                        fs::write(&alive, "")?;
                        tail.read(&stderr, watch)?;
                        watch(Seen::Tick);
                    }
                }
            }
        };
        tail.read(&stderr, watch)?;
        engine.remove_container(&name).await?;
        let mut written = tail.all;
        if code == NO_PACKAGES {
            let packages =
                fs::read_to_string(workspace.root().join("packages")).unwrap_or_default();
            written.push_str(&packages);
        }
        append(workspace.log(), &written)?;
        Ok(Ended {
            success: code == 0,
            stdout: fs::read_to_string(&stdout).context("cannot read the output of a container")?,
            stderr: written,
        })
    }

    fn spec(&self, name: &str, workspace: &Workspace) -> ContainerSpec {
        let mut environment: BTreeMap<String, String> = PASSED_ON
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
            .collect();
        environment.extend(self.environment.clone());
        environment.insert("KINDRS_PACKAGES".to_owned(), self.packages.join(" "));
        if let Some(names) = self.foreign {
            let name = "KINDRS_FOREIGN_ARCHITECTURE".to_owned();
            environment.insert(name, names.debian.to_owned());
        }
        let mount = |source: &Path, target: &str, read_only| Mount {
            source: MountSource::Host(source.display().to_string()),
            target: target.to_owned(),
            read_only,
            propagation: Propagation::None,
        };
        let written = self.written.iter().map(PathBuf::as_path).chain([workspace.root()]);
        let mut mounts: Vec<Mount> =
            written.map(|folder| mount(folder, &folder.display().to_string(), false)).collect();
        mounts.extend(self.read.iter().map(|(source, target)| mount(source, target, true)));
        ContainerSpec {
            name: name.to_owned(),
            image: self.image.clone(),
            labels: BTreeMap::from([(LABEL.to_owned(), workspace.lock().display().to_string())]),
            entrypoint: Some(self.entrypoint(workspace.root())),
            environment: environment.into_iter().map(|(k, v)| format!("{k}={v}")).collect(),
            mounts,
            network: Some(NetworkAttachment { network: "bridge".to_owned(), address: None }),
            ..ContainerSpec::default()
        }
    }

    fn entrypoint(&self, root: &Path) -> Vec<String> {
        let mut entrypoint = ["/bin/bash", "-c", SCRIPT, "compile"].map(str::to_owned).to_vec();
        let folders = std::iter::once(root).chain(self.written.iter().map(PathBuf::as_path));
        entrypoint.extend(folders.map(|folder| folder.display().to_string()));
        entrypoint.push("--".to_owned());
        entrypoint.extend(self.command.iter().cloned());
        entrypoint
    }
}

/// Removes the containers of interrupted compilations, running or not. Keeps those whose lock a
/// running kindrs holds.
///
/// # Errors
/// The errors of the engine.
pub async fn remove_abandoned(engine: &dyn Engine) -> Result<(), EngineError> {
    for container in engine.containers(&[(LABEL.to_owned(), String::new())]).await? {
        if is_abandoned(&container) {
            engine.remove_container(&container.name).await?;
        }
    }
    Ok(())
}

fn is_abandoned(container: &ContainerInfo) -> bool {
    let lock = container.labels.get(LABEL).map(PathBuf::from).unwrap_or_default();
    let is_free = fs::File::open(lock).is_ok_and(|lock| lock.try_lock().is_ok());
    is_free || container.state == ContainerState::Exited
}

/// Reads a growing file line by line.
#[derive(Default)]
struct Tail {
    all: String,
    seen: usize,
    offset: u64,
}

impl Tail {
    fn read(&mut self, file: &Path, watch: Watcher<'_>) -> anyhow::Result<()> {
        let mut file = fs::File::open(file)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        self.offset += file.read_to_end(&mut bytes)? as u64;
        self.all.push_str(&String::from_utf8_lossy(&bytes));
        while let Some(end) = self.all[self.seen..].find('\n') {
            watch(Seen::Line(self.all[self.seen..self.seen + end].trim_end()));
            self.seen += end + 1;
        }
        Ok(())
    }
}

/// Time limit for pulling an image.
pub const PULL_LIMIT: Duration = Duration::from_secs(600);

/// Pulls an image if it does not exist locally. Returns the reason if that fails.
pub async fn ensure_image(engine: &dyn Engine, reference: &str) -> Result<(), String> {
    match engine.image(reference).await {
        Ok(Some(_)) => return Ok(()),
        Ok(None) => {}
        Err(error) => return Err(error.to_string()),
    }
    let pull = engine.pull(reference, &|_| ());
    match tokio::time::timeout(PULL_LIMIT, pull).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err(format!("timeout while pulling {reference}")),
    }
}

fn append(log: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = fs::File::options().create(true).append(true).open(log)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_runs_the_command_in_the_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let (root, cache) = (folder.path().join("a workspace"), folder.path().join("mod"));
        for folder in [&root.join("module"), &cache] {
            fs::create_dir_all(folder).unwrap();
        }
        let job = Job {
            image: "debian:trixie-slim".into(),
            packages: Vec::new(),
            foreign: None,
            command: ["sh", "-c", "pwd; echo \"$1\" >&2; exit 3", "sh", "-s -w"]
                .map(str::to_owned)
                .into(),
            environment: HashMap::new(),
            written: vec![cache],
            read: Vec::new(),
        };
        let entrypoint = job.entrypoint(&root);
        let output = std::process::Command::new(&entrypoint[0])
            .args(&entrypoint[1..])
            .env_remove("KINDRS_PACKAGES")
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert_eq!(output.code(), Some(3));
        let written = |name: &str| fs::read_to_string(root.join(name)).unwrap();
        assert_eq!(written("stdout"), format!("{}\n", root.join("module").display()));
        assert_eq!(written("stderr"), "-s -w\n");
    }

    #[test]
    fn a_container_is_abandoned_if_its_lock_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.lock");
        let lock = fs::File::create(&path).unwrap();
        let mut container = ContainerInfo {
            state: ContainerState::Running,
            labels: BTreeMap::from([(LABEL.to_owned(), path.display().to_string())]),
            ..ContainerInfo::default()
        };
        assert!(is_abandoned(&container));
        lock.lock().unwrap();
        assert!(!is_abandoned(&container));
        container.state = ContainerState::Exited;
        assert!(is_abandoned(&container));
        let elsewhere =
            ContainerInfo { state: ContainerState::Running, ..ContainerInfo::default() };
        assert!(!is_abandoned(&elsewhere), "its lock can be on another machine");
    }

    #[test]
    fn reads_whole_lines_of_a_growing_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stderr");
        let mut tail = Tail::default();
        let mut lines = Vec::new();
        for text in ["one\ntw", "one\ntwo\n", "one\ntwo\nthree"] {
            fs::write(&file, text).unwrap();
            tail.read(&file, &mut |seen| {
                if let Seen::Line(line) = seen {
                    lines.push(line.to_owned());
                }
            })
            .unwrap();
        }
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(tail.all, "one\ntwo\nthree");
    }
}
