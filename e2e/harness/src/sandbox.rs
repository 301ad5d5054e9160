use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use tempfile::TempDir;

use super::process::program;
use super::{Environment, Kubectl, Ran, footprint, run, session, words};

/// The name of a cluster, with its own home, kubeconfig and temporary folder. Dropping it deletes the
/// cluster and all others whose names start with its name.
pub struct Sandbox {
    pub name: String,
    folder: TempDir,
}

impl Sandbox {
    /// A sandbox for the cluster `e2e-NAME`.
    pub fn new(name: &str) -> Self {
        session::begin();
        let folder = tempfile::Builder::new().prefix(session::FOLDER_PREFIX).tempdir().unwrap();
        for part in ["home", "temporary", "state", "kubectl"] {
            std::fs::create_dir(folder.path().join(part)).unwrap();
        }
        Self { name: format!("e2e-{name}"), folder }
    }

    /// The home folder, in which only kindrs writes.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.home().join("kubeconfig")
    }

    /// Every file in the home, state and temporary folder except the kubeconfig.
    pub fn files(&self) -> Vec<PathBuf> {
        let folders = ["home", "temporary", "state"].map(|part| self.folder.path().join(part));
        let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| *path != self.kubeconfig()).collect()
    }

    /// The full name of a node such as `worker2`.
    pub fn node(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        let kept = std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            name == "PATH" || name.starts_with("DOCKER_")
        });
        // Shared, so that nothing is compiled twice.
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
        command
            .env_clear()
            .envs(kept)
            .envs(cache.map(|cache| ("XDG_CACHE_HOME", cache)))
            .env("HOME", self.home())
            .env("KUBECONFIG", self.kubeconfig())
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env("TMPDIR", self.folder.path().join("temporary"))
            .current_dir(self.folder.path())
            .args(arguments);
        command
    }

    pub fn kindrs(&self, line: &str) -> Ran {
        run(self.command(&words(line)), "")
    }

    /// The arguments of `create cluster` for a cluster with `configuration`.
    pub fn create_arguments(&self, name: &str, configuration: &str) -> Vec<String> {
        let file = self.folder.path().join(format!("{name}.yaml"));
        std::fs::write(&file, configuration).unwrap();
        let file = file.to_str().unwrap();
        let image = std::env::var("KINDRS_E2E_IMAGE").ok();
        let arguments = ["create", "cluster", "--name", name, "--config", file].into_iter();
        let image = image.iter().flat_map(|image| ["--image", image]);
        arguments.chain(image).map(str::to_owned).collect()
    }

    /// A command that runs `create cluster` with a configuration and further words.
    pub fn create_command(&self, configuration: &str, more: &str) -> Command {
        let mut command = self.command(&[]);
        command.args(self.create_arguments(&self.name, configuration)).args(words(more));
        command
    }

    pub fn try_create(&self, configuration: &str, more: &str) -> Ran {
        run(self.create_command(configuration, more), "")
    }

    #[track_caller]
    pub fn create(&self, configuration: &str) -> Kubectl {
        let started = Instant::now();
        let ran = self.try_create(configuration, "");
        eprintln!("{}\ncreated in {:.1} s", ran.stderr, started.elapsed().as_secs_f64());
        ran.ok();
        self.kubectl()
    }

    pub fn kubectl(&self) -> Kubectl {
        self.kubectl_of(&self.name)
    }

    /// kubectl with the kubeconfig of the sandbox, for another cluster.
    pub fn kubectl_of(&self, cluster: &str) -> Kubectl {
        let home = self.folder.path().join("kubectl");
        Kubectl::new(&self.kubeconfig(), &home, &format!("{cluster}-control-plane"))
    }

    pub fn footprint(&self) -> BTreeSet<String> {
        footprint(&self.name)
    }

    /// Deletes the cluster and checks that nothing is left of it: no object in Docker, no entry in
    /// the kubeconfig, no file.
    #[track_caller]
    pub fn delete(&self) {
        self.kindrs(&format!("delete cluster --name {}", self.name)).ok();
        self.assert_gone();
    }

    #[track_caller]
    pub fn assert_gone(&self) {
        let left = self.footprint();
        assert!(left.is_empty(), "left in Docker: {left:?}");
        let kubeconfig = std::fs::read_to_string(self.kubeconfig()).unwrap_or_default();
        assert!(!kubeconfig.contains(&self.name), "left in the kubeconfig:\n{kubeconfig}");
        assert_eq!(self.files(), Vec::<PathBuf>::new(), "left files");
    }

    fn clusters(&self) -> Vec<String> {
        let listed = self.kindrs("get clusters").stdout;
        listed.lines().filter(|name| name.starts_with(&self.name)).map(str::to_owned).collect()
    }
}

impl Environment for Sandbox {
    fn save_logs(&self, folder: &str) {
        let Some(all) = std::env::var_os("KINDRS_E2E_LOGS") else { return };
        for cluster in self.clusters() {
            let folder = Path::new(&all).join(folder).join(&cluster);
            let folder = folder.to_string_lossy();
            let ran = self.kindrs(&format!("export logs --name {cluster} {folder}"));
            eprintln!("exported the logs of {cluster} to {folder}: exit code {:?}", ran.code);
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        // No step has saved them where setting up the cluster failed.
        if failed {
            self.save_logs("set-up");
        }
        for cluster in self.clusters() {
            let ran = self.kindrs(&format!("delete cluster --name {cluster}"));
            if ran.code != Some(0) {
                eprintln!("{ran}");
            }
        }
        let left = self.footprint();
        if !left.is_empty() && !failed {
            panic!("left after deletion: {left:?}");
        }
    }
}
