use crate::kubernetes::Version;

use super::binaries::{API_FAULTS, INDEPENDENT, KUBERNETES};
use super::cache::fingerprint;
use super::module::{self, Module};
use super::toolchain::GoVersion;

/// How to compile a part: a Go module, and its commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Name of the part, such as `cni-plugins`.
    pub part: &'static str,
    /// Version of the part, such as `v1.9.1`.
    pub version: String,
    /// Name of the part for users, such as `the CNI plugins`.
    pub title: &'static str,
    /// The package of each binary.
    pub commands: Vec<(&'static str, String)>,
    tags: &'static str,
    linker_flags: String,
    /// Whether it contains C code and needs a C compiler.
    pub uses_c: bool,
    pub module: Module,
}

impl Recipe {
    /// The recipe of a part of [`INDEPENDENT`]; `None` for any other name.
    pub fn independent(part: &str) -> Option<Self> {
        let (part, binaries) = INDEPENDENT.iter().find(|(name, _)| *name == part)?;
        if *part == API_FAULTS {
            return Self::api_faults();
        }
        let module = Module::pinned(part, None)?;
        let (title, path) = match *part {
            "runc" => ("runc", "github.com/opencontainers/runc"),
            "cni-plugins" => ("the CNI plugins", "github.com/containernetworking/plugins"),
            "containerd" => ("containerd", "github.com/containerd/containerd/v2"),
            _ => ("local-path-provisioner", "github.com/rancher/local-path-provisioner"),
        };
        let version = module::required_version(&module.go_mod(), path)?;
        let package = |binary: &str| match (*part, binary) {
            ("cni-plugins", "host-local") => format!("{path}/plugins/ipam/{binary}"),
            ("cni-plugins", "portmap") => format!("{path}/plugins/meta/{binary}"),
            ("cni-plugins", _) => format!("{path}/plugins/main/{binary}"),
            ("containerd", _) => format!("{path}/cmd/{binary}"),
            _ => path.to_owned(),
        };
        let commands = binaries.iter().map(|binary| (*binary, package(binary))).collect();
        let (tags, linker_flags) = match *part {
            // Static, so that it runs with any C library of the base image.
            "runc" => {
                ("seccomp,netgo,osusergo", r#"-linkmode external -extldflags "-static""#.into())
            }
            "cni-plugins" => {
                ("", set(&format!("{path}/pkg/utils/buildversion.BuildVersion"), &version))
            }
            // The excluded snapshotters need kernel modules or tools that no node has.
            "containerd" => (
                "no_aufs,no_zfs,no_btrfs,no_devmapper",
                set(&format!("{path}/version.Version"), &version),
            ),
            _ => ("", set("main.VERSION", &version)),
        };
        let uses_c = *part == "runc";
        Some(Self { part, version, title, commands, tags, linker_flags, uses_c, module })
    }

    fn api_faults() -> Option<Self> {
        let version = api_faults_version();
        let module = Module::pinned(API_FAULTS, None)?;
        let recipe = Self::of_one(API_FAULTS, "the proxy of API faults", &version, ".", module);
        Some(Self { linker_flags: set("main.version", &version), ..recipe })
    }

    /// The recipe of etcd at a pinned version.
    pub fn etcd(version: &str) -> Option<Self> {
        let module = Module::pinned("etcd", Some(version))?;
        Some(Self::of_one("etcd", "etcd", version, "go.etcd.io/etcd/server/v3", module))
    }

    /// The recipe of CoreDNS at a pinned version.
    pub fn coredns(version: &str) -> Option<Self> {
        let module = Module::pinned("coredns", Some(version))?;
        Some(Self::of_one("coredns", "CoreDNS", version, ".", module))
    }

    /// A recipe with one binary, which has the name of the part, and without special flags.
    fn of_one(
        part: &'static str,
        title: &'static str,
        version: &str,
        package: &str,
        module: Module,
    ) -> Self {
        Self {
            part,
            version: version.to_owned(),
            title,
            commands: vec![(part, package.to_owned())],
            tags: "",
            linker_flags: String::new(),
            uses_c: false,
            module,
        }
    }

    /// The recipe of Kubernetes' own commands in a module for the version.
    pub fn kubernetes(version: &Version, module: Module) -> Self {
        let package = |binary: &str| format!("k8s.io/kubernetes/cmd/{binary}");
        Self {
            part: "kubernetes",
            version: version.to_string(),
            title: "Kubernetes",
            commands: KUBERNETES.iter().map(|binary| (*binary, package(binary))).collect(),
            tags: "",
            linker_flags: kubernetes_linker_flags(version),
            uses_c: false,
            module,
        }
    }

    /// Restricts the recipe to some of its binaries.
    #[must_use]
    pub fn only(mut self, binaries: &[&str]) -> Self {
        self.commands.retain(|(binary, _)| binaries.contains(binary));
        self
    }

    /// Name and version for users, such as `etcd v3.7.0`.
    pub fn name(&self) -> String {
        format!("{} {}", self.title, self.version)
    }

    /// The oldest version of Go that can compile it.
    pub fn go_needed(&self) -> GoVersion {
        let go_mod = self.module.go_mod();
        module::go_directive(&go_mod)
            .and_then(|text| text.parse().ok())
            .unwrap_or(GoVersion::OLDEST)
    }

    /// The cache key of the result, which includes everything that the result depends on.
    pub fn key(&self, architecture: &str) -> String {
        let arguments = self.build_arguments("output").join(" ");
        let mut pieces: Vec<&[u8]> = vec![arguments.as_bytes()];
        for (name, content) in &self.module.files {
            pieces.extend([name.as_bytes(), content.as_slice()]);
        }
        format!("{}-{}-{architecture}-{}", self.part, self.version, fingerprint(pieces))
    }

    /// The packages to compile.
    pub fn packages(&self) -> impl Iterator<Item = &str> {
        self.commands.iter().map(|(_, package)| package.as_str())
    }

    /// Arguments of `go` to compile the recipe into the directory `output`.
    pub fn build_arguments(&self, output: &str) -> Vec<String> {
        let mut arguments = vec!["build".to_owned(), "-v".to_owned()];
        arguments.extend(self.shared_arguments());
        let flags = format!("-s -w {}", self.linker_flags);
        arguments.push(format!("-ldflags={}", flags.trim_end()));
        arguments.push("-o".to_owned());
        arguments.push(match self.commands.as_slice() {
            // A package does not always have the name of its binary.
            [(binary, _)] => format!("{output}/{binary}"),
            _ => format!("{output}/"),
        });
        arguments.extend(self.packages().map(str::to_owned));
        arguments
    }

    /// Arguments of `go` to list the packages that are not in Go's build cache.
    pub fn list_arguments(&self) -> Vec<String> {
        let mut arguments = vec!["list".to_owned(), "-deps".to_owned()];
        arguments.extend(self.shared_arguments());
        let template = r#"{{if .Stale}}{{if ne .StaleReason "not installed but available in build cache"}}{{.ImportPath}}{{end}}{{end}}"#;
        arguments.extend(["-f".to_owned(), template.to_owned()]);
        arguments.extend(self.packages().map(str::to_owned));
        arguments
    }

    fn shared_arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["-mod=readonly", "-buildvcs=false", "-trimpath"].map(str::to_owned).into();
        if !self.tags.is_empty() {
            arguments.push(format!("-tags={}", self.tags));
        }
        arguments
    }
}

/// The version of the proxy of API faults: a hash of its sources.
pub fn api_faults_version() -> String {
    let files = Module::pinned(API_FAULTS, None).map(|module| module.files).unwrap_or_default();
    let pieces = files.iter().flat_map(|(name, content)| [name.as_bytes(), content.as_slice()]);
    fingerprint(pieces)
}

/// Sets the version that Kubernetes' binaries report, in both packages that contain one.
///
/// With a constant date, the same sources result in the same binaries.
fn kubernetes_linker_flags(version: &Version) -> String {
    let minor = version.minor().to_string();
    let values = [
        ("gitVersion", version.to_string()),
        ("gitMajor", "1".to_owned()),
        ("gitMinor", minor),
        ("gitTreeState", "clean".to_owned()),
        ("buildDate", "1970-01-01T00:00:00Z".to_owned()),
    ];
    ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"]
        .iter()
        .flat_map(|package| {
            values.iter().map(move |(name, value)| set(&format!("{package}.{name}"), value))
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn set(variable: &str, value: &str) -> String {
    format!("-X {variable}={value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(recipe: &Recipe) -> String {
        let build = recipe.build_arguments("OUT").join("\n  ");
        format!("{} (Go {})\n  {build}", recipe.name(), recipe.go_needed())
    }

    #[test]
    fn command_lines_of_the_independent_parts() {
        let all: Vec<String> = INDEPENDENT
            .iter()
            .map(|(part, _)| lines(&Recipe::independent(part).unwrap()))
            .collect();
        let all = all.join("\n").replace(&api_faults_version(), "HASH");
        insta::assert_snapshot!(all, @r#"
            the proxy of API faults HASH (Go 1.24.0)
              build
              -v
              -mod=readonly
              -buildvcs=false
              -trimpath
              -ldflags=-s -w -X main.version=HASH
              -o
              OUT/api-faults
              .
            runc v1.4.3 (Go 1.24.0)
              build
              -v
              -mod=readonly
              -buildvcs=false
              -trimpath
              -tags=seccomp,netgo,osusergo
              -ldflags=-s -w -linkmode external -extldflags "-static"
              -o
              OUT/runc
              github.com/opencontainers/runc
            the CNI plugins v1.9.1 (Go 1.24.2)
              build
              -v
              -mod=readonly
              -buildvcs=false
              -trimpath
              -ldflags=-s -w -X github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion=v1.9.1
              -o
              OUT/
              github.com/containernetworking/plugins/plugins/main/bridge
              github.com/containernetworking/plugins/plugins/ipam/host-local
              github.com/containernetworking/plugins/plugins/main/loopback
              github.com/containernetworking/plugins/plugins/meta/portmap
              github.com/containernetworking/plugins/plugins/main/ptp
            containerd v2.3.4 (Go 1.26.3)
              build
              -v
              -mod=readonly
              -buildvcs=false
              -trimpath
              -tags=no_aufs,no_zfs,no_btrfs,no_devmapper
              -ldflags=-s -w -X github.com/containerd/containerd/v2/version.Version=v2.3.4
              -o
              OUT/
              github.com/containerd/containerd/v2/cmd/containerd
              github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2
              github.com/containerd/containerd/v2/cmd/ctr
            local-path-provisioner v0.0.30 (Go 1.23.0)
              build
              -v
              -mod=readonly
              -buildvcs=false
              -trimpath
              -ldflags=-s -w -X main.VERSION=v0.0.30
              -o
              OUT/local-path-provisioner
              github.com/rancher/local-path-provisioner
            "#);
    }

    #[test]
    fn command_lines_of_kubernetes_etcd_and_coredns() {
        let kubernetes = Module::pinned("kubernetes", Some("v1.37.2")).unwrap();
        let all = [
            lines(&Recipe::etcd("v3.7.0").unwrap()),
            lines(&Recipe::coredns("v1.14.6").unwrap()),
            lines(&Recipe::kubernetes(&Version::new(1, 37, 2), kubernetes)),
        ];
        insta::assert_snapshot!(all.join("\n"), @"
            etcd v3.7.0 (Go 1.26.0)
              build
              -v
              -mod=readonly
              -buildvcs=false
              -trimpath
              -ldflags=-s -w
              -o
              OUT/etcd
              go.etcd.io/etcd/server/v3
            CoreDNS v1.14.6 (Go 1.25.0)
              build
              -v
              -mod=readonly
              -buildvcs=false
              -trimpath
              -ldflags=-s -w
              -o
              OUT/coredns
              .
            Kubernetes v1.37.2 (Go 1.26.0)
              build
              -v
              -mod=readonly
              -buildvcs=false
              -trimpath
              -ldflags=-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37 -X k8s.io/component-base/version.gitTreeState=clean -X k8s.io/component-base/version.buildDate=1970-01-01T00:00:00Z -X k8s.io/client-go/pkg/version.gitVersion=v1.37.2 -X k8s.io/client-go/pkg/version.gitMajor=1 -X k8s.io/client-go/pkg/version.gitMinor=37 -X k8s.io/client-go/pkg/version.gitTreeState=clean -X k8s.io/client-go/pkg/version.buildDate=1970-01-01T00:00:00Z
              -o
              OUT/
              k8s.io/kubernetes/cmd/kube-apiserver
              k8s.io/kubernetes/cmd/kube-controller-manager
              k8s.io/kubernetes/cmd/kube-scheduler
              k8s.io/kubernetes/cmd/kube-proxy
              k8s.io/kubernetes/cmd/kubelet
              k8s.io/kubernetes/cmd/kubeadm
              k8s.io/kubernetes/cmd/kubectl
            ");
    }

    #[test]
    fn lists_uncached_packages_with_the_same_flags() {
        let recipe = Recipe::independent("containerd").unwrap().only(&["ctr"]);
        insta::assert_snapshot!(recipe.list_arguments().join("\n"), @r#"
            list
            -deps
            -mod=readonly
            -buildvcs=false
            -trimpath
            -tags=no_aufs,no_zfs,no_btrfs,no_devmapper
            -f
            {{if .Stale}}{{if ne .StaleReason "not installed but available in build cache"}}{{.ImportPath}}{{end}}{{end}}
            github.com/containerd/containerd/v2/cmd/ctr
            "#);
    }

    #[test]
    fn a_key_depends_on_everything_that_affects_the_result() {
        let recipe = Recipe::etcd("v3.7.0").unwrap();
        let key = recipe.key("amd64");
        assert!(key.starts_with("etcd-v3.7.0-amd64-"), "{key}");
        assert_ne!(key, recipe.key("arm64"));

        let mut other = recipe.clone();
        other.module.files[0].1.push(b'\n');
        assert_ne!(key, other.key("amd64"));
        let mut other = recipe.clone();
        other.linker_flags = "-X a.b=c".to_owned();
        assert_ne!(key, other.key("amd64"));
        let whole = Recipe::independent("containerd").unwrap();
        assert_ne!(whole.clone().only(&["ctr"]).key("amd64"), whole.key("amd64"));
        assert_eq!(key, recipe.clone().key("amd64"));
    }
}
