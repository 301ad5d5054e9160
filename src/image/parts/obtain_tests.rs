use super::*;
use crate::image::parts::archive::tests::tar_of;
use crate::image::parts::elf;
use crate::image::parts::toolchain::host_architecture;
use crate::runtime::fake::FakeEngine;

/// An architecture that this machine does not run, so that no binary is run for its version.
fn foreign() -> &'static str {
    if host_architecture() == "amd64" { "arm64" } else { "amd64" }
}

struct Case {
    folder: tempfile::TempDir,
    cache: PartsCache,
    progress: Progress,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = PartsCache::at(folder.path().join("cache"));
        cache.remember("tags-v1.37.2", "etcd:3.7.0-0\ncoredns:v1.14.6\npause:3.10.2\n");
        Self { folder, cache, progress: Progress::silent() }
    }

    fn archive(&self, versions: &str) -> PathBuf {
        let program = elf::head_for(foreign());
        let mut files: Vec<(&str, &[u8])> =
            BINARIES.iter().map(|name| (*name, program.as_slice())).collect();
        files.push(("versions", versions.as_bytes()));
        let path = self.folder.path().join("parts.tar");
        fs::write(&path, tar_of(&files)).unwrap();
        path
    }

    async fn obtain(&self, versions: &str) -> anyhow::Result<PartSet> {
        self.obtain_with(&KubernetesSource::File(self.archive(versions)), None).await
    }

    async fn obtain_with(
        &self,
        source: &KubernetesSource,
        built: Option<&Path>,
    ) -> anyhow::Result<PartSet> {
        let progress = &self.progress;
        let engine = FakeEngine::default();
        let set =
            super::obtain_with(source, built, foreign(), &self.cache, &engine, progress).await;
        assert_eq!(engine.calls(), Vec::<String>::new());
        set
    }
}

fn complete() -> String {
    let own = api_faults_version();
    format!("kubernetes v1.37.2\netcd v3.7.3\ngo go1.26.8\napi-faults {own}\n")
}

#[tokio::test]
async fn a_complete_archive_needs_no_compiler() {
    let case = Case::new();
    let set = case.obtain(&complete()).await.unwrap();
    assert_eq!(set.kubernetes, Version::new(1, 37, 2));
    assert_eq!((set.etcd_tag.as_str(), set.coredns_tag.as_str()), ("3.7.0-0", "v1.14.6"));
    assert_eq!(set.pause_tag, "3.10.2");
    assert_eq!(set.versions["etcd"], "v3.7.3");
    let mut names: Vec<String> = fs::read_dir(&set.directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    let mut expected = BINARIES.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(names, expected);
    let stages: Vec<String> = case.progress.finished().into_iter().map(|(name, _)| name).collect();
    assert_eq!(stages, ["Unpack parts.tar"]);

    let again = case.obtain(&complete()).await.unwrap();
    assert_eq!(again.versions, set.versions);
}

#[tokio::test]
async fn built_parts_need_no_compiler() {
    let case = Case::new();
    let source = KubernetesSource::Version(Version::new(1, 37, 2));
    let built = case.archive(&complete());
    let set = case.obtain_with(&source, Some(&built)).await.unwrap();
    assert_eq!(set.kubernetes, Version::new(1, 37, 2));
    assert_eq!(set.versions["etcd"], "v3.7.3");
}

#[tokio::test]
async fn names_a_missing_archive_of_built_parts() {
    let case = Case::new();
    let source = KubernetesSource::Version(Version::new(1, 37, 2));
    let absent = case.folder.path().join("absent.tar");
    let error = case.obtain_with(&source, Some(&absent)).await.unwrap_err();
    let text = crate::failure::describe(&error, None);
    let start = format!("error: KINDRS_PARTS: cannot read {}: ", absent.display());
    assert!(text.starts_with(&start), "{text}");
    assert!(text.contains("hint: expected a tar, tar.gz or tar.zst"), "{text}");
    assert_eq!(crate::failure::exit_code(&error), std::process::ExitCode::from(2));
}

#[test]
fn built_parts_do_not_replace_given_ones() {
    let unpacked = |binaries: &[&str], versions: &str| Unpacked {
        binaries: binaries.iter().map(|name| ((*name).to_owned(), versions.into())).collect(),
        versions: archive::read_versions(versions),
    };
    let version = Version::new(1, 36, 3);
    let mut given = unpacked(&["kubelet", "etcd", "ptp"], "kubernetes v1.36.3\netcd v3.6.6");
    let built = unpacked(
        &["kubelet", "kubectl", "etcd", "runc", "ptp", "portmap"],
        "kubernetes v1.37.2\netcd v3.7.0\nrunc v1.4.3\ncni-plugins v1.9.1",
    );
    assert!(!add_built(&mut given, built.clone(), &version));
    let names: Vec<&str> = given.binaries.keys().map(String::as_str).collect();
    assert_eq!(names, ["etcd", "kubelet", "portmap", "ptp", "runc"], "no other kubectl");
    assert_eq!(given.versions["etcd"], "v3.6.6");
    assert_eq!(given.versions["runc"], "v1.4.3");
    assert_eq!(given.versions.get("cni-plugins"), None);
    assert!(add_built(&mut Unpacked::default(), built, &Version::new(1, 37, 2)));
}

#[tokio::test]
async fn rejects_an_archive_of_an_unsupported_version() {
    let case = Case::new();
    let error = case.obtain("kubernetes v1.30.4\n").await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Failure::Input { .. })));
    assert!(error.to_string().contains("1.31 to 1.37"), "{error}");
    let error = case.obtain("kubernetes one\n").await.unwrap_err();
    assert!(error.to_string().contains("invalid Kubernetes version `one`"), "{error}");
}

#[tokio::test]
async fn rejects_an_unknown_architecture() {
    let case = Case::new();
    let source = KubernetesSource::Version(Version::default_release());
    let error =
        obtain(&source, "riscv64", &case.cache, &FakeEngine::default(), &case.progress).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "unsupported architecture riscv64: kindrs builds node images for amd64 and arm64"
    );
}
