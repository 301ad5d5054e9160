use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::failure::Failure;
use crate::kubernetes::Version;

use super::cache::{Claim, Workspace, fingerprint};
use super::compile::{Place, Workshop};
use super::component_tags::ComponentTags;
use super::diagnosis;
use super::module::{self, Module};
use super::process::Seen;

const MODULE: &str = "k8s.io/kubernetes";

/// The Go module that compiles a release of Kubernetes: the pinned one, otherwise one that kindrs
/// generates from the release's own requirements and caches.
/// Fails with `Failure::Input` when the release does not exist.
pub async fn kubernetes_module(
    workshop: &Workshop<'_>,
    version: &Version,
) -> anyhow::Result<Module> {
    if let Some(module) = Module::pinned("kubernetes", Some(&version.to_string())) {
        return Ok(module);
    }
    let commands = commands_file()?;
    // The cache key includes the rules that generate the module.
    let rules = module::kubernetes_go_mod("", version);
    let rules = fingerprint([commands.as_slice(), rules.as_bytes()]);
    let name = format!("the module of Kubernetes {version}");
    let key = format!("module-kubernetes-{version}-{rules}");
    let folder = match workshop.cache.claim(&key, &name, workshop.progress).await? {
        Claim::Landed(folder) => folder,
        Claim::Ours(workspace) => {
            let title = format!("Resolve the modules of Kubernetes {version}");
            let stage = workshop.progress.stage(title);
            let (place, source) = sources(workshop, version, &workspace).await?;
            let read = |file: &str| {
                fs::read_to_string(source.join(file))
                    .with_context(|| format!("cannot read {file} of Kubernetes {version}"))
            };
            let go_mod = module::kubernetes_go_mod(&read("go.mod")?, version);
            let place = match module::go_directive(&go_mod).and_then(|go| go.parse().ok()) {
                Some(go) => workshop.place(&format!("Kubernetes {version}"), go, false).await?,
                None => place,
            };
            let folder = workspace.module();
            fs::write(folder.join("commands.go"), &commands)?;
            fs::write(folder.join("go.mod"), go_mod)?;
            fs::write(folder.join("go.sum"), read("go.sum")?)?;
            let tidy = ["mod".to_owned(), "tidy".to_owned()];
            let ended = workshop
                .go(&place, &workspace, &tidy, &mut |seen| {
                    if let Seen::Line(line) = seen {
                        stage.advance(None, line.trim_start_matches("go: "));
                    }
                })
                .await?;
            if !ended.success {
                let doing = format!("resolve the modules of Kubernetes {version}");
                return Err(diagnosis::compilation(&doing, &ended.stderr, &workspace.log).into());
            }
            Module::read(&folder)?.write(&workspace.output())?;
            let landed = workspace.land().await?;
            stage.finish();
            landed
        }
    };
    Module::read(&folder).with_context(|| format!("cannot read {}", folder.display()))
}

/// The image tags in a release's kubeadm, from its source.
pub async fn tags_from_source(
    workshop: &Workshop<'_>,
    version: &Version,
) -> anyhow::Result<ComponentTags> {
    let memory = format!("tags-{version}");
    let remembered = workshop.cache.recall(&memory);
    if let Some(tags) = remembered.as_deref().and_then(ComponentTags::from_images_list) {
        return Ok(tags);
    }
    let key = format!("source-kubernetes-{version}");
    let name = format!("the source of Kubernetes {version}");
    let workspace = match workshop.cache.claim(&key, &name, workshop.progress).await? {
        Claim::Ours(workspace) => workspace,
        Claim::Landed(folder) => anyhow::bail!("unexpected directory {}", folder.display()),
    };
    let (_, source) = sources(workshop, version, &workspace).await?;
    let file = source.join("cmd/kubeadm/app/constants/constants.go");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let tags = ComponentTags::from_constants(&text).with_context(|| {
        format!("{} does not contain the versions of etcd, CoreDNS and pause", file.display())
    })?;
    workshop.cache.remember(&memory, &tags.images_list());
    Ok(tags)
}

#[derive(serde::Deserialize)]
struct Downloaded {
    #[serde(rename = "Dir")]
    directory: PathBuf,
}

/// Downloads a release's module. Returns where Go ran and the directory of the sources.
async fn sources(
    workshop: &Workshop<'_>,
    version: &Version,
    workspace: &Workspace,
) -> anyhow::Result<(Place, PathBuf)> {
    let place =
        workshop.place(&format!("Kubernetes {version}"), module::newest_go(), false).await?;
    let module = format!("{MODULE}@{version}");
    let arguments = ["mod", "download", "-json", &module].map(str::to_owned);
    let ended = workshop.go(&place, workspace, &arguments, &mut |_| ()).await?;
    let output = format!("{}{}", ended.stderr, ended.stdout);
    if !ended.success {
        if diagnosis::is_absent(&output) || diagnosis::is_refused(&output) {
            let known = known_versions(workshop, &place, workspace).await?;
            if diagnosis::is_absent(&output) || !known.contains(version) {
                return Err(does_not_exist(version, &known).into());
            }
        }
        let doing = format!("download the source of Kubernetes {version}");
        return Err(diagnosis::compilation(&doing, &output, &workspace.log).into());
    }
    let answer: Downloaded = serde_json::from_str(&ended.stdout)
        .with_context(|| format!("go does not report the directory of {module}"))?;
    Ok((place, answer.directory))
}

async fn known_versions(
    workshop: &Workshop<'_>,
    place: &Place,
    workspace: &Workspace,
) -> anyhow::Result<Vec<Version>> {
    let arguments = ["list", "-m", "-versions", MODULE].map(str::to_owned);
    let ended = workshop.go(place, workspace, &arguments, &mut |_| ()).await?;
    let mut versions: Vec<Version> =
        ended.stdout.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    versions.extend(module::pinned_versions("kubernetes").iter().filter_map(|v| v.parse().ok()));
    Ok(versions)
}

/// The error for a release that does not exist, with the nearest existing ones.
pub fn does_not_exist(version: &Version, known: &[Version]) -> Failure {
    let is_near = |known: &&Version| known.is_supported() && known.minor() == version.minor();
    let near: BTreeSet<&Version> = known.iter().filter(is_near).collect();
    let near: Vec<String> = near.iter().rev().take(3).rev().map(|v| v.to_string()).collect();
    let failure = Failure::input(format!("Kubernetes {version} does not exist"));
    if near.is_empty() {
        return failure.with_hint(format!("the default is {}", Version::default_release()));
    }
    failure.with_hint(format!("releases of 1.{}: {}", version.minor(), near.join(", ")))
}

fn commands_file() -> anyhow::Result<Vec<u8>> {
    let default = Version::default_release().to_string();
    let module = Module::pinned("kubernetes", Some(&default));
    let file = module.as_ref().and_then(|module| module.file("commands.go")).map(<[u8]>::to_vec);
    file.context("the list of Kubernetes' commands is not embedded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_releases() {
        let known: Vec<Version> =
            ["v1.36.3", "v1.37.2", "v1.37.0", "v1.37.1", "v1.37.2", "v1.36.1"]
                .map(|text| text.parse().unwrap())
                .into();
        let hint = |text: &str| {
            let failure = does_not_exist(&text.parse().unwrap(), &known);
            assert!(matches!(failure, Failure::Input { .. }));
            format!("{failure}: {}", failure.hint().unwrap())
        };
        assert_eq!(
            hint("v1.37.99"),
            "Kubernetes v1.37.99 does not exist: releases of 1.37: v1.37.0, v1.37.1, v1.37.2"
        );
        assert_eq!(hint("v1.33.99"), "Kubernetes v1.33.99 does not exist: the default is v1.37.2");
    }

    #[test]
    fn the_list_of_commands_is_embedded() {
        let commands = String::from_utf8(commands_file().unwrap()).unwrap();
        assert!(commands.contains("k8s.io/kubernetes/cmd/kubeadm"));
    }
}
