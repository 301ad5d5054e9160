use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::Command;

use crate::failure::Failure;
use crate::kubernetes::Version;
use crate::progress::Progress;
use crate::runtime::Engine;

use super::archive;
use super::binaries::{API_FAULTS, INDEPENDENT, KUBERNETES, Unpacked, Versions, all_binaries};
use super::cache::{Claim, PartsCache, fingerprint};
use super::compile::{GO_FILE, Workshop};
use super::component_tags::{ComponentTags, Line, serves};
use super::elf::ARCHITECTURES;
use super::generate::{kubernetes_module, tags_from_source};
use super::module::pinned_versions;
use super::recipe::{Recipe, api_faults_version};
use super::source::{KubernetesSource, in_range};
use super::{diagnosis, pause, release};

/// Environment variable with the path of an archive of built parts, which saves compiling them.
const PARTS_VARIABLE: &str = "KINDRS_PARTS";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSet {
    pub kubernetes: Version,
    /// A directory of the cache that contains exactly the binaries of a node image.
    pub directory: PathBuf,
    /// The known versions of parts, and that of `go`, which compiled them.
    pub versions: Versions,
    pub tags: ComponentTags,
}

impl PartSet {
    /// The image of the storage class's provisioner.
    pub fn provisioner_image(&self) -> String {
        let version = self.versions.get("local-path-provisioner").map_or("built", String::as_str);
        format!("docker.io/kindrs/local-path-provisioner:{version}")
    }
}

/// Obtains every binary of a node image: from `source` if it is an archive, from the archive of built
/// parts in `KINDRS_PARTS`, from the cache, or by compiling it.
///
/// `architecture` is Go's name. Only a machine that cannot compile uses `engine`.
/// Fails with `Failure::Input` for an archive that does not exist or is damaged, or a version that
/// does not exist; `Failure::Environment` when a compiler, the network or the disk fails.
pub async fn obtain(
    source: &KubernetesSource,
    architecture: &str,
    cache: &PartsCache,
    engine: &dyn Engine,
    progress: &Progress,
) -> anyhow::Result<PartSet> {
    let built = std::env::var_os(PARTS_VARIABLE).filter(|path| !path.is_empty());
    let built = built.as_deref().map(Path::new);
    obtain_with(source, built, architecture, cache, engine, progress).await
}

async fn obtain_with(
    source: &KubernetesSource,
    built: Option<&Path>,
    architecture: &str,
    cache: &PartsCache,
    engine: &dyn Engine,
    progress: &Progress,
) -> anyhow::Result<PartSet> {
    if !ARCHITECTURES.contains(&architecture) {
        return Err(Failure::input(format!(
            "unsupported architecture {architecture}: kindrs builds node images for {}",
            ARCHITECTURES.join(" and ")
        ))
        .into());
    }
    let mut given = match source {
        KubernetesSource::Version(_) => Unpacked::default(),
        KubernetesSource::File(path) => {
            archive::unpack(path, architecture, cache, progress).await?
        }
        KubernetesSource::Release(version) => {
            release::fetch(version, architecture, &release::base_url(), cache, progress).await?
        }
    };
    let version = match given.versions.get("kubernetes") {
        Some(version) => in_range(version.parse().map_err(|error| {
            Failure::input(format!("the file `versions` of {source}: {error}"))
        })?)?,
        None => source.version()?,
    };
    if let Some(path) = built {
        let built = archive::unpack(path, architecture, cache, progress);
        let built = built.await.context(PARTS_VARIABLE)?;
        if !add_built(&mut given, built, &version) {
            progress.note(format!("{PARTS_VARIABLE} does not contain Kubernetes {version}"));
        }
    }
    let workshop = Workshop::new(cache, engine, architecture, progress);
    let Unpacked { binaries, versions } = given;
    Gathering { workshop: &workshop, binaries, versions }.all(&version).await
}

/// Adds the built parts that `given` lacks. The binaries of Kubernetes are added only if they are
/// of `version`; returns whether they are.
fn add_built(given: &mut Unpacked, built: Unpacked, version: &Version) -> bool {
    let same = built.versions.get("kubernetes") == Some(&version.to_string());
    let is_given = |part: &str| {
        let independent = INDEPENDENT.iter().find(|(name, _)| *name == part);
        let binaries = independent.into_iter().flat_map(|(_, binaries)| *binaries);
        [part].iter().chain(binaries).any(|binary| given.binaries.contains_key(*binary))
    };
    let versions: Versions =
        built.versions.into_iter().filter(|(part, _)| !is_given(part)).collect();
    given.versions.extend(versions);
    for (binary, file) in built.binaries {
        if same || !KUBERNETES.contains(&binary.as_str()) {
            given.binaries.entry(binary).or_insert(file);
        }
    }
    same
}

/// The proxy of API faults for the engine's architecture, compiled or from the cache.
pub async fn api_faults(engine: &dyn Engine, progress: &Progress) -> anyhow::Result<PathBuf> {
    let cache = PartsCache::open()?;
    let architecture = engine.info().await?.architecture;
    let recipe =
        Recipe::independent(API_FAULTS).context("the proxy of API faults is not embedded")?;
    let folder = Workshop::new(&cache, engine, &architecture, progress).compile(&recipe).await?;
    Ok(folder.join(API_FAULTS))
}

struct Gathering<'a> {
    workshop: &'a Workshop<'a>,
    binaries: BTreeMap<String, PathBuf>,
    versions: Versions,
}

impl Gathering<'_> {
    async fn all(&mut self, version: &Version) -> anyhow::Result<PartSet> {
        // First find what can fail: a release that does not exist, an old Go, a missing C compiler.
        // Then compile short parts before long ones.
        let kubernetes = match self.missing(&KUBERNETES) {
            Some(missing) => {
                let module = kubernetes_module(self.workshop, version).await?;
                let recipe = Recipe::kubernetes(version, module).only(&missing);
                self.workshop.prepare(&recipe).await?;
                Some(recipe)
            }
            None => None,
        };
        if !self.binaries.contains_key("pause") {
            let folder = pause::compile(self.workshop).await?;
            self.binaries.insert("pause".to_owned(), folder.join("pause"));
        }
        // The proxy in an archive can be from another version of kindrs.
        if self.versions.get(API_FAULTS) != Some(&api_faults_version()) {
            self.binaries.remove(API_FAULTS);
        }
        for (part, binaries) in INDEPENDENT {
            if let Some(missing) = self.missing(binaries) {
                let recipe = Recipe::independent(part)
                    .with_context(|| format!("the module of {part} is not embedded"))?;
                self.compile(recipe.only(&missing)).await?;
            }
        }
        if let Some(recipe) = kubernetes {
            self.compile(recipe).await?;
        }
        self.versions.insert("kubernetes".to_owned(), version.to_string());

        let tags = self.tags(version).await?;
        self.named_by_kubeadm("etcd", &tags.etcd_version(), Line::Minor, Recipe::etcd).await?;
        self.named_by_kubeadm("coredns", &tags.coredns, Line::Major, Recipe::coredns).await?;
        Ok(PartSet {
            kubernetes: version.clone(),
            directory: self.assemble().await?,
            versions: self.versions.clone(),
            tags,
        })
    }

    fn missing<'b>(&self, binaries: &[&'b str]) -> Option<Vec<&'b str>> {
        let is_missing = |binary: &&str| !self.binaries.contains_key(*binary);
        let missing: Vec<&str> = binaries.iter().copied().filter(is_missing).collect();
        (!missing.is_empty()).then_some(missing)
    }

    async fn compile(&mut self, recipe: Recipe) -> anyhow::Result<()> {
        let folder = self.workshop.compile(&recipe).await?;
        for (binary, _) in &recipe.commands {
            self.binaries.insert((*binary).to_owned(), folder.join(binary));
        }
        self.versions.insert(recipe.part.to_owned(), recipe.version.clone());
        if let Ok(go) = fs::read_to_string(folder.join(GO_FILE)) {
            self.versions.entry("go".to_owned()).or_insert(go);
        }
        Ok(())
    }

    /// Adds a part whose version kubeadm determines.
    async fn named_by_kubeadm(
        &mut self,
        part: &str,
        wanted: &str,
        line: Line,
        recipe: impl FnOnce(&str) -> Option<Recipe>,
    ) -> anyhow::Result<()> {
        let progress = self.workshop.progress;
        if self.binaries.contains_key(part) {
            if serves(&self.versions, part, wanted, line) {
                return Ok(());
            }
            let given = &self.versions[part];
            progress.note(format!(
                "this Kubernetes needs {part} {wanted}, and the archive has {given}: compiling {part}"
            ));
        }
        let pinned = pinned_versions(part);
        let nearest = line.nearest(&pinned, wanted).ok_or_else(|| {
            Failure::environment(format!(
                "this Kubernetes needs {part} {wanted}, and kindrs pins no compatible version"
            ))
            .with_hint(format!("use an archive that contains {part}: --kubernetes file:PATH"))
        })?;
        if nearest != wanted {
            progress.note(format!("{part} {wanted} is not pinned; using {nearest}"));
        }
        let recipe = recipe(nearest)
            .with_context(|| format!("the module of {part} {nearest} is not embedded"))?;
        self.compile(recipe).await
    }

    /// The image tags in kubeadm: from the binary if it runs here, otherwise from its source.
    async fn tags(&self, version: &Version) -> anyhow::Result<ComponentTags> {
        if let Some(kubeadm) = self.binaries.get("kubeadm")
            && let Some(tags) = ask_kubeadm(kubeadm, version).await
        {
            return Ok(tags);
        }
        tags_from_source(self.workshop, version).await
    }

    async fn assemble(&self) -> anyhow::Result<PathBuf> {
        let files: Vec<(&str, &Path)> = all_binaries()
            .filter_map(|name| Some((name, self.binaries.get(name)?.as_path())))
            .collect();
        let pieces = files
            .iter()
            .flat_map(|(name, path)| [name.as_bytes(), path.as_os_str().as_encoded_bytes()]);
        let key = format!("set-{}", fingerprint(pieces));
        let cache = self.workshop.cache;
        let workspace = match cache.claim(&key, "a set of parts", self.workshop.progress).await? {
            Claim::Landed(folder) => return Ok(folder),
            Claim::Ours(workspace) => workspace,
        };
        for (name, path) in files {
            let target = workspace.output().join(name);
            fs::hard_link(path, &target)
                .or_else(|_| fs::copy(path, &target).map(|_| ()))
                .map_err(|error| diagnosis::io(&format!("cannot copy {name}"), &error))?;
        }
        workspace.land().await
    }
}

async fn ask_kubeadm(kubeadm: &Path, version: &Version) -> Option<ComponentTags> {
    let output = Command::new(kubeadm)
        .args(["config", "images", "list", "--kubernetes-version", &version.to_string()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    ComponentTags::from_images_list(&String::from_utf8_lossy(&output.stdout))
}

#[cfg(test)]
#[path = "obtain_tests.rs"]
mod tests;
