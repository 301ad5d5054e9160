use std::path::Path;
use std::{fs, io};

use crate::kubernetes::Version;

use super::toolchain::GoVersion;

/// The pinned modules. An installed kindrs does not need the source tree.
#[derive(rust_embed::Embed)]
#[folder = "images/parts"]
struct Pinned;

/// The files of a Go module, with the hashes of its dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Name and content of each file, sorted by name.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Module {
    /// The pinned module of a part. Some parts have a module for each version.
    pub fn pinned(part: &str, version: Option<&str>) -> Option<Self> {
        let mut files = embedded(part)?;
        if let Some(version) = version {
            files.extend(embedded(&format!("{part}/{version}"))?);
        }
        files.sort_unstable();
        files.iter().any(|(name, _)| name == "go.mod").then_some(Self { files })
    }

    /// Reads the module in a directory.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            files.push((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?));
        }
        files.sort_unstable();
        Ok(Self { files })
    }

    /// Writes the files into a directory.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        self.files.iter().try_for_each(|(name, content)| fs::write(folder.join(name), content))
    }

    /// The text of `go.mod`.
    pub fn go_mod(&self) -> String {
        let content = self.files.iter().find(|(name, _)| name == "go.mod");
        content
            .map(|(_, content)| String::from_utf8_lossy(content).into_owned())
            .unwrap_or_default()
    }
}

/// The pinned versions of a part, such as `v3.7.0`.
pub fn pinned_versions(part: &str) -> Vec<String> {
    let mut versions: Vec<String> = Pinned::iter()
        .filter_map(|path| {
            let rest = path.strip_prefix(part)?.strip_prefix('/')?;
            rest.strip_suffix("/go.mod").map(str::to_owned)
        })
        .collect();
    versions.sort_unstable();
    versions
}

/// The oldest Go that compiles every pinned module.
pub fn newest_go() -> GoVersion {
    let go_mods = Pinned::iter().filter(|path| path.ends_with("/go.mod"));
    let needs = go_mods.filter_map(|path| {
        let file = Pinned::get(&path)?;
        go_directive(&String::from_utf8_lossy(&file.data))?.parse().ok()
    });
    needs.max().unwrap_or(GoVersion::OLDEST)
}

/// The files in a directory of the pinned modules, without subdirectories; `None` if it does not
/// exist.
fn embedded(folder: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let files: Vec<(String, Vec<u8>)> = Pinned::iter()
        .filter_map(|path| {
            let name = path.strip_prefix(folder)?.strip_prefix('/')?;
            // Tests are not compiled.
            let file = (!name.contains('/') && !name.ends_with("_test.go"))
                .then(|| Pinned::get(&path))??;
            Some((name.to_owned(), file.data.into_owned()))
        })
        .collect();
    (!files.is_empty()).then_some(files)
}

/// The C source of `pause`.
pub fn pause_source() -> Vec<u8> {
    Pinned::get("pause/pause.c").map(|file| file.data.into_owned()).unwrap_or_default()
}

/// The version that a `go.mod` requires of a module.
pub fn required_version(go_mod: &str, module: &str) -> Option<String> {
    go_mod.lines().find_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("require ").unwrap_or(line);
        let mut words = line.split_whitespace();
        (words.next() == Some(module)).then(|| words.next().map(str::to_owned))?
    })
}

/// The version of Go that a `go.mod` needs, such as `1.26.0`.
pub fn go_directive(go_mod: &str) -> Option<&str> {
    go_mod.lines().find_map(|line| line.strip_prefix("go ").map(str::trim))
}

/// Generates a `go.mod` for a release of Kubernetes from the release's own.
///
/// Keeps the version of the language, the debug settings and the exact requirements. The release
/// replaces the staging modules with its own directories, but they are also published, with versions
/// of their own.
pub fn kubernetes_go_mod(upstream: &str, version: &Version) -> String {
    let staging = version.staging_module_version();
    let (mut head, mut requires, mut replaces) = (String::new(), String::new(), String::new());
    let mut block = "";
    for line in upstream.lines() {
        let words: Vec<&str> = line.split_whitespace().take_while(|w| *w != "//").collect();
        let (verb, rest) = match (block, words.as_slice()) {
            ("", [verb, "("]) => {
                block = if *verb == "godebug" {
                    "godebug"
                } else if *verb == "require" {
                    "require"
                } else {
                    "other"
                };
                continue;
            }
            (_, [")"]) => {
                block = "";
                continue;
            }
            ("", [verb, rest @ ..]) => (*verb, rest),
            (block, rest) => (block, rest),
        };
        match (verb, rest) {
            ("go" | "godebug", [value]) => head.push_str(&format!("{verb} {value}\n")),
            ("require", [module, "v0.0.0"]) if module.starts_with("k8s.io/") => {
                replaces.push_str(&format!("\t{module} => {module} {staging}\n"));
            }
            ("require", [module, at]) => requires.push_str(&format!("\t{module} {at}\n")),
            _ => {}
        }
    }
    format!(
        "module kindrs.dev/parts/kubernetes\n\n{head}\nrequire k8s.io/kubernetes {version}\n\n\
         require (\n{requires})\n\nreplace (\n{replaces})\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_pinned_module_is_complete() {
        for part in ["etcd", "coredns", "kubernetes"] {
            let versions = pinned_versions(part);
            assert!(versions.len() > 5, "{part}: {versions:?}");
            for version in versions {
                let module = Module::pinned(part, Some(&version)).unwrap();
                let names: Vec<&str> = module.files.iter().map(|(name, _)| name.as_str()).collect();
                assert!(
                    names.contains(&"go.sum") && names.len() == 3,
                    "{part} {version} {names:?}"
                );
                assert!(go_directive(&module.go_mod()).is_some());
            }
        }
        assert!(newest_go() >= "1.26".parse().unwrap());
        for part in ["containerd", "runc", "cni-plugins", "local-path-provisioner"] {
            assert_eq!(Module::pinned(part, None).unwrap().files.len(), 3, "{part}");
        }
        assert_eq!(Module::pinned("etcd", Some("v9.9.9")), None);
        assert_eq!(Module::pinned("etcd", None), None);
    }

    #[test]
    fn every_minor_has_a_pinned_release() {
        let pinned = pinned_versions("kubernetes");
        for minor in Version::OLDEST_MINOR..=Version::NEWEST_MINOR {
            assert!(pinned.iter().any(|v| v.starts_with(&format!("v1.{minor}."))), "1.{minor}");
        }
        assert!(pinned.contains(&Version::default_release().to_string()));
    }

    #[test]
    fn generates_a_go_mod_for_kubernetes() {
        let upstream = "\
// This is a generated file.

module k8s.io/kubernetes

go 1.26.0

godebug default=go1.26

godebug (
	winsymlink=0
)

require (
	github.com/blang/semver/v4 v4.0.0
	k8s.io/api v0.0.0
	k8s.io/klog/v2 v2.140.0
	sigs.k8s.io/json v0.0.0-20250730193827-2d320260d730 // a remark
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	k8s.io/mount-utils v0.0.0 // indirect
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
)
";
        let ours = kubernetes_go_mod(upstream, &Version::new(1, 37, 2));
        insta::assert_snapshot!(ours, @"
            module kindrs.dev/parts/kubernetes

            go 1.26.0
            godebug default=go1.26
            godebug winsymlink=0

            require k8s.io/kubernetes v1.37.2

            require (
            	github.com/blang/semver/v4 v4.0.0
            	k8s.io/klog/v2 v2.140.0
            	sigs.k8s.io/json v0.0.0-20250730193827-2d320260d730
            	github.com/beorn7/perks v1.0.1
            )

            replace (
            	k8s.io/api => k8s.io/api v0.37.2
            	k8s.io/mount-utils => k8s.io/mount-utils v0.37.2
            )
            ");
    }

    #[test]
    fn reads_a_go_mod() {
        let go_mod = "module x\n\ngo 1.24.0\n\nrequire a.b/c v1.2.3\nrequire (\n\td.e/f v0.1.0 // indirect\n)";
        assert_eq!(required_version(go_mod, "a.b/c").as_deref(), Some("v1.2.3"));
        assert_eq!(required_version(go_mod, "d.e/f").as_deref(), Some("v0.1.0"));
        assert_eq!(required_version(go_mod, "d.e"), None);
        assert_eq!(go_directive(go_mod), Some("1.24.0"));
    }

    proptest! {
        #[test]
        fn accepts_any_text(text in "(.|\\n)*") {
            let _ = kubernetes_go_mod(&text, &Version::new(1, 37, 2));
            let _ = required_version(&text, "x");
        }
    }
}
