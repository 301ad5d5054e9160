use std::path::{Path, PathBuf};

use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::failure::Failure;
use crate::progress::{Progress, Stage};
use crate::runtime::Engine;

use super::cache::{Claim, PartsCache, Workspace};
use super::container::{Job, ensure_image, trusted_certificates};
use super::diagnosis;
use super::elf;
use super::module;
use super::process::{self, Ended, Seen, Watcher};
use super::recipe::Recipe;
use super::toolchain::{self, GoVersion, HostGo, c_compiler, go_environment, links_seccomp};

/// The image for compiling C code if this machine cannot.
pub const DEBIAN_IMAGE: &str = "debian:trixie-slim";
/// Name of the file with the version of Go that compiled the binaries beside it, such as `go1.26.8`.
pub const GO_FILE: &str = "go";
/// Linking one binary counts as much as compiling this number of packages.
const LINK_WEIGHT: usize = 40;

/// Compiles parts, with Go on this machine or in a container.
pub struct Workshop<'a> {
    pub cache: &'a PartsCache,
    pub engine: &'a dyn Engine,
    /// Go's name of the target architecture.
    pub architecture: &'a str,
    pub progress: &'a Progress,
    host_go: OnceCell<Option<HostGo>>,
}

#[derive(Debug, Clone)]
pub enum Place {
    /// On this machine, with a C compiler if needed.
    Host(HostGo, Option<String>),
    Container {
        image: String,
        /// This machine's Go to mount, otherwise the image contains Go.
        go: Option<HostGo>,
        /// Whether to install a C compiler and libseccomp first.
        uses_c: bool,
    },
}

impl<'a> Workshop<'a> {
    pub fn new(
        cache: &'a PartsCache,
        engine: &'a dyn Engine,
        architecture: &'a str,
        progress: &'a Progress,
    ) -> Self {
        Self { cache, engine, architecture, progress, host_go: OnceCell::new() }
    }

    /// Decides where to run Go of at least a certain version for `what`, and checks that it can.
    /// Fails with `Failure::Environment` with the required version of Go or the required packages.
    pub async fn place(
        &self,
        what: &str,
        needed: GoVersion,
        uses_c: bool,
    ) -> Result<Place, Failure> {
        let host = self.host_go.get_or_init(HostGo::find).await.clone();
        let installed = host.as_ref().map(|go| go.version);
        let Some(go) = host.filter(|go| go.version >= needed) else {
            // Use one image for all parts.
            let image = needed.max(module::newest_go()).image();
            ensure_image(self.engine, &image)
                .await
                .map_err(|reason| go_is_missing(what, needed, installed, &image, &reason))?;
            return Ok(Place::Container { image, go: None, uses_c });
        };
        if !uses_c {
            return Ok(Place::Host(go, None));
        }
        let temporary = tempfile::tempdir()
            .map_err(|error| diagnosis::io("cannot create a temporary directory", &error))?;
        if let Some(compiler) = c_compiler(self.architecture).await
            && links_seccomp(&compiler, temporary.path()).await
        {
            return Ok(Place::Host(go, Some(compiler)));
        }
        ensure_image(self.engine, DEBIAN_IMAGE).await.map_err(|reason| {
            c_is_missing(what, "gcc libc6-dev libseccomp-dev pkg-config", &reason)
        })?;
        Ok(Place::Container { image: DEBIAN_IMAGE.to_owned(), go: Some(go), uses_c })
    }

    pub async fn go(
        &self,
        place: &Place,
        workspace: &Workspace,
        arguments: &[String],
        watch: Watcher<'_>,
    ) -> anyhow::Result<Ended> {
        let temporary = workspace.temporary();
        match place {
            Place::Host(go, compiler) => {
                let mut environment =
                    go_environment(self.architecture, compiler.is_some(), &temporary);
                environment.extend(compiler.iter().map(|c| ("CC".to_owned(), c.clone())));
                let mut command = Command::new(&go.program);
                command.args(arguments).current_dir(workspace.module()).envs(environment);
                process::run(&mut command, &workspace.log, watch)
                    .await
                    .map_err(|error| diagnosis::io("cannot run go", &error).into())
            }
            Place::Container { image, go, uses_c } => {
                let job = self.job(image, go.as_ref(), *uses_c, arguments, &temporary)?;
                job.run(self.engine, workspace, watch).await
            }
        }
    }

    fn job(
        &self,
        image: &str,
        go: Option<&HostGo>,
        uses_c: bool,
        arguments: &[String],
        temporary: &Path,
    ) -> anyhow::Result<Job> {
        let (modules, built) = match go {
            Some(go) => (go.module_cache.clone(), go.build_cache.clone()),
            None => (self.cache.folder("go/mod")?, self.cache.folder("go/build")?),
        };
        let mut environment = go_environment(self.architecture, uses_c, temporary);
        environment.insert("GOMODCACHE".to_owned(), modules.display().to_string());
        environment.insert("GOCACHE".to_owned(), built.display().to_string());
        let names = toolchain::names(self.architecture);
        let foreign = (self.architecture != toolchain::host_architecture()).then_some(names);
        let packages = match (uses_c, foreign) {
            (false, _) => Vec::new(),
            (true, None) => ["gcc", "libc6-dev", "libseccomp-dev", "pkg-config", "ca-certificates"]
                .map(str::to_owned)
                .into(),
            (true, Some(names)) => {
                environment.insert("CC".to_owned(), format!("{}-gcc", names.triplet));
                let path = format!("/usr/lib/{}/pkgconfig", names.triplet);
                environment.insert("PKG_CONFIG_PATH".to_owned(), path);
                vec![
                    format!("gcc-{}", names.package),
                    format!("libc6-dev:{}", names.debian),
                    format!("libseccomp-dev:{}", names.debian),
                    "pkg-config".to_owned(),
                    "ca-certificates".to_owned(),
                ]
            }
        };
        let program = if go.is_some() { "/usr/local/go/bin/go" } else { "go" };
        let command = [&[program.to_owned()], arguments].concat();
        let mut read: Vec<(PathBuf, &'static str)> =
            go.iter().map(|go| (go.root.clone(), "/usr/local/go")).collect();
        if let Some((file, inside)) = trusted_certificates() {
            environment.insert("SSL_CERT_FILE".to_owned(), inside.to_owned());
            read.push((file, inside));
        }
        Ok(Job {
            image: image.to_owned(),
            packages,
            foreign: foreign.filter(|_| uses_c),
            command,
            environment,
            written: vec![modules, built],
            read,
        })
    }

    /// Checks that a recipe can be compiled, unless it is in the cache.
    pub async fn prepare(&self, recipe: &Recipe) -> Result<(), Failure> {
        if self.cache.landed(&recipe.key(self.architecture)).is_none() {
            self.place(&recipe.name(), recipe.go_needed(), recipe.uses_c).await?;
        }
        Ok(())
    }

    /// Compiles a recipe, or finds it in the cache. Returns the directory of its binaries.
    pub async fn compile(&self, recipe: &Recipe) -> anyhow::Result<PathBuf> {
        let name = recipe.name();
        let key = recipe.key(self.architecture);
        let workspace = match self.cache.claim(&key, &name, self.progress).await? {
            Claim::Landed(folder) => return Ok(folder),
            Claim::Ours(workspace) => workspace,
        };
        let stage = self.progress.stage(format!("Compile {name}"));
        let place = self.place(&name, recipe.go_needed(), recipe.uses_c).await?;
        let doing = format!("compile {name}");
        let failed = |error| diagnosis::io(&format!("cannot {doing}"), &error);
        recipe.module.write(&workspace.module()).map_err(failed)?;
        let _ = std::fs::remove_file(&workspace.log);

        let packages = self.packages_to_compile(&place, recipe, &workspace, &stage).await?;
        let output = workspace.output();
        let binaries = recipe.commands.len();
        let mut share = Share { packages, binaries, ..Share::default() };
        let arguments = recipe.build_arguments(&output.display().to_string());
        let ended = self
            .go(&place, &workspace, &arguments, &mut |seen| share.tell(seen, &output, &stage))
            .await?;
        if !ended.success {
            return Err(diagnosis::compilation(&doing, &ended.stderr, &workspace.log).into());
        }
        for (binary, _) in &recipe.commands {
            check_binary(&output.join(binary), self.architecture)?;
        }
        if let Some(go) = self.go_version(&place, &workspace).await? {
            std::fs::write(output.join(GO_FILE), go).map_err(failed)?;
        }
        let folder = workspace.land().await?;
        stage.finish();
        Ok(folder)
    }

    /// The version of Go in a place, such as `go1.26.8`.
    async fn go_version(
        &self,
        place: &Place,
        workspace: &Workspace,
    ) -> anyhow::Result<Option<String>> {
        if let Place::Host(go, _) | Place::Container { go: Some(go), .. } = place {
            return Ok(Some(format!("go{}", go.version)));
        }
        let Place::Container { image, .. } = place else { return Ok(None) };
        let plain = Place::Container { image: image.clone(), go: None, uses_c: false };
        let arguments = ["env", "GOVERSION"].map(str::to_owned);
        let ended = self.go(&plain, workspace, &arguments, &mut |_| ()).await?;
        Ok(ended.success.then(|| ended.stdout.trim().to_owned()))
    }

    /// Downloads the modules, and counts the packages that are not in Go's build cache. `None` in a
    /// container that installs a compiler first, where this takes too long.
    async fn packages_to_compile(
        &self,
        place: &Place,
        recipe: &Recipe,
        workspace: &Workspace,
        stage: &Stage,
    ) -> anyhow::Result<Option<usize>> {
        if matches!(place, Place::Container { uses_c: true, .. }) {
            return Ok(None);
        }
        stage.advance(None, "modules");
        let ended = self
            .go(place, workspace, &recipe.list_arguments(), &mut |seen| {
                if let Seen::Line(line) = seen
                    && let Some(module) = line.strip_prefix("go: downloading ")
                {
                    stage.advance(None, format!("download {module}"));
                }
            })
            .await?;
        if !ended.success {
            let doing = format!("compile {}", recipe.name());
            return Err(diagnosis::compilation(&doing, &ended.stderr, &workspace.log).into());
        }
        Ok(Some(ended.stdout.lines().filter(|line| !line.is_empty()).count()))
    }
}

#[derive(Default)]
struct Share {
    packages: Option<usize>,
    compiled: usize,
    binaries: usize,
    linked: usize,
    detail: String,
}

impl Share {
    fn value(&self) -> Option<f64> {
        let packages = self.packages?;
        let total = packages + self.binaries * LINK_WEIGHT;
        let done = self.compiled.min(packages) + self.linked.min(self.binaries) * LINK_WEIGHT;
        Some(done as f64 / total.max(1) as f64)
    }

    fn tell(&mut self, seen: Seen<'_>, output: &Path, stage: &Stage) {
        match seen {
            Seen::Line(line) if line.starts_with("go: downloading ") => {
                self.detail = line.trim_start_matches("go: ").to_owned();
            }
            // With -v, go prints the name of each package that it compiles.
            Seen::Line(line) if !line.contains(' ') => {
                self.compiled += 1;
                self.detail = line.to_owned();
            }
            Seen::Line(_) => return,
            Seen::Tick => {
                self.linked = std::fs::read_dir(output).map(Iterator::count).unwrap_or(0);
                if self.packages.is_some_and(|packages| self.compiled >= packages) {
                    self.detail = "link".to_owned();
                }
            }
        }
        stage.advance(self.value(), self.detail.clone());
    }
}

fn check_binary(path: &Path, architecture: &str) -> Result<(), Failure> {
    let shown = path.display();
    match elf::kind(path) {
        Ok(elf::Kind::Executable(found)) if found == architecture => Ok(()),
        Ok(_) => Err(Failure::environment(format!(
            "the compiler created {shown}, which is not a program for {architecture}"
        ))),
        Err(error) => {
            let what = format!("the compiler succeeded, but kindrs cannot read {shown}");
            Err(diagnosis::io(&what, &error))
        }
    }
}

fn go_is_missing(
    what: &str,
    needed: GoVersion,
    installed: Option<GoVersion>,
    image: &str,
    reason: &str,
) -> Failure {
    let here = installed.map_or_else(|| "no Go".to_owned(), |version| format!("Go {version}"));
    Failure::environment(format!(
        "compiling {what} needs Go {needed} or newer: this machine has {here}, and kindrs cannot \
         pull the image {image} ({reason})"
    ))
    .with_hint(format!(
        "install Go {needed} or newer from https://go.dev/dl/ and add its bin directory to PATH, or \
         use compiled binaries: --kubernetes file:PATH"
    ))
}

pub fn c_is_missing(what: &str, packages: &str, reason: &str) -> Failure {
    Failure::environment(format!(
        "{what} contains C code: this machine cannot compile it, and kindrs cannot pull the image \
         {DEBIAN_IMAGE} ({reason})"
    ))
    .with_hint(format!("run `apt-get install {packages}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_counts_packages_and_links() {
        let folder = tempfile::tempdir().unwrap();
        let stage = Progress::silent().stage("x");
        let mut share = Share { packages: Some(60), binaries: 1, ..Share::default() };
        for line in ["go: downloading a.b/c v1.0.0", "a.b/c/one", "a.b/c/two", "# a remark"] {
            share.tell(Seen::Line(line), folder.path(), &stage);
        }
        assert_eq!(share.value(), Some(0.02));
        for _ in 0..70 {
            share.tell(Seen::Line("a.b/c/more"), folder.path(), &stage);
        }
        share.tell(Seen::Tick, folder.path(), &stage);
        assert_eq!((share.value(), share.detail.as_str()), (Some(0.6), "link"));
        std::fs::write(folder.path().join("etcd"), "").unwrap();
        share.tell(Seen::Tick, folder.path(), &stage);
        assert_eq!(share.value(), Some(1.0));
        assert_eq!(Share { binaries: 1, ..Share::default() }.value(), None);
    }

    #[test]
    fn a_missing_go_is_named_with_where_to_get_it() {
        let needed = "1.26.0".parse().unwrap();
        let old = Some("go1.19.8".parse().unwrap());
        let failure =
            go_is_missing("Kubernetes v1.37.2", needed, old, "golang:1.26", "no such host");
        insta::assert_snapshot!(format!("{failure}\n{}", failure.hint().unwrap()), @"
            compiling Kubernetes v1.37.2 needs Go 1.26.0 or newer: this machine has Go 1.19.8, and kindrs cannot pull the image golang:1.26 (no such host)
            install Go 1.26.0 or newer from https://go.dev/dl/ and add its bin directory to PATH, or use compiled binaries: --kubernetes file:PATH
            ");
    }
}
