use super::*;
use crate::image::parts::toolchain::host_architecture;

/// A tar of files with these names and contents.
pub fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd_long(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.long_distance_matching(true).unwrap();
    encoder.window_log(28).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn unpacked(bytes: &[u8], architecture: &str) -> Result<Unpacked, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts");
    fs::write(&path, bytes).unwrap();
    let cache = PartsCache::at(folder.path().join("cache"));
    let result = unpack(&path, architecture, &cache, &Progress::silent()).await;
    let result = result.map_err(|error| crate::failure::describe(&error, None));
    assert_eq!(fs::read_dir(cache.folder("work").unwrap()).unwrap().count(), 0);
    result.map_err(|text| text.replace(&folder.path().display().to_string(), "FOLDER"))
}

#[tokio::test]
async fn reads_each_compression() {
    let program = elf::head_for("arm64");
    let tar = tar_of(&[
        ("kubelet", &program),
        ("deep/down/etcd", &program),
        ("readme", b"not a binary"),
        ("versions", b"kubernetes v1.37.2\netcd v3.7.3\n"),
    ]);
    for bytes in [tar.clone(), gzip(&tar), zstd_long(&tar)] {
        let unpacked = unpacked(&bytes, "arm64").await.unwrap();
        let names: Vec<&str> = unpacked.binaries.keys().map(String::as_str).collect();
        assert_eq!(names, ["etcd", "kubelet"]);
        assert_eq!(unpacked.versions["kubernetes"], "v1.37.2");
        assert_eq!(unpacked.versions["etcd"], "v3.7.3");
    }
}

#[tokio::test]
async fn reads_the_layout_of_upstream_releases() {
    let program = elf::head_for("arm64");
    let tar = tar_of(&[
        ("kubernetes/server/bin/kube-apiserver", &program),
        ("kubernetes/server/bin/kube-apiserver.docker_tag", b"v1.36.3\n"),
        ("kubernetes/server/bin/kube-apiserver.tar", b"an image"),
        ("kubernetes/server/bin/mounter", &program),
    ]);
    let unpacked = unpacked(&gzip(&tar), "arm64").await.unwrap();
    assert_eq!(unpacked.binaries.keys().collect::<Vec<_>>(), ["kube-apiserver"]);
    assert_eq!(unpacked.versions["kubernetes"], "v1.36.3");
}

#[tokio::test]
async fn rejects_files_that_are_not_archives_of_programs() {
    let program = elf::head_for("amd64");
    let random: Vec<u8> =
        (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let large = gzip(&tar_of(&[("kubelet", &[program.clone(), random].concat())]));
    let cases: [&[u8]; 7] = [
        b"",
        b"#!/bin/sh\necho hello\n",
        &tar_of(&[("readme", b"hello")]),
        &tar_of(&[("kubelet", &program)]),
        &tar_of(&[("kubelet", b"#!/bin/sh\n")]),
        &large[..large.len() / 2],
        &zstd_long(b"not a tar at all, but long enough to be read as the head of one")[..20],
    ];
    let mut errors = Vec::new();
    for bytes in cases {
        errors.push(unpacked(bytes, "arm64").await.unwrap_err());
    }
    // The last two messages contain the text of a decoder.
    for text in errors.split_off(5) {
        assert!(text.starts_with("error: FOLDER/parts is damaged: "), "{text}");
    }
    insta::assert_snapshot!(errors.join("\n"), @"
        error: FOLDER/parts is empty
        hint: expected a tar, tar.gz or tar.zst of binaries
        error: FOLDER/parts is not an archive
        hint: expected a tar, tar.gz or tar.zst of binaries
        error: FOLDER/parts contains no binary of a node, such as kubelet or kubeadm
        hint: the names of the files matter, their directories do not
        error: kubelet in FOLDER/parts is a program for amd64: expected a Linux program for arm64
        hint: use an archive for linux-arm64
        error: kubelet in FOLDER/parts is not a program: expected a Linux program for arm64
        hint: use an archive for linux-arm64
        ");
}

#[tokio::test]
async fn rejects_a_missing_file_and_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PartsCache::at(folder.path().join("cache"));
    for (path, expected) in [
        (folder.path().join("absent.tar"), "cannot read"),
        (folder.path().to_owned(), "is not a file"),
    ] {
        let error = unpack(&path, "amd64", &cache, &Progress::silent()).await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Failure::Input { .. })));
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn unpacks_an_unchanged_archive_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PartsCache::at(folder.path().join("cache"));
    let path = folder.path().join("parts.tar");
    let program = elf::head_for("arm64");
    fs::write(&path, tar_of(&[("kubelet", &program)])).unwrap();
    let progress = Progress::silent();
    let first = unpack(&path, "arm64", &cache, &progress).await.unwrap();
    assert_eq!(unpack(&path, "arm64", &cache, &progress).await.unwrap(), first);
    assert_eq!(progress.finished().len(), 1);
    fs::write(&path, tar_of(&[("kubelet", &program), ("runc", &program)])).unwrap();
    let changed = unpack(&path, "arm64", &cache, &progress).await.unwrap();
    assert_eq!(changed.binaries.len(), 2);
}

#[test]
fn reads_the_version_from_the_list_or_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PartsCache::at(folder.path().join("cache"));
    let path = folder.path().join("parts.tar");
    fs::write(&path, tar_of(&[("kubelet", b"x"), ("versions", b"kubernetes v1.34.4\n")])).unwrap();
    assert_eq!(version(&path, Some(&cache)).unwrap(), Version::new(1, 34, 4));
    let name = format!("version-{}", identity(&path).unwrap());
    assert_eq!(cache.recall(&name).as_deref(), Some("v1.34.4"));
    cache.remember(&name, "v1.35.4");
    assert_eq!(version(&path, Some(&cache)).unwrap(), Version::new(1, 35, 4));
}

#[test]
fn runs_a_binary_if_no_list_contains_the_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts.tar");
    fs::write(&path, tar_of(&[("bin/kubelet", b"#!/bin/sh\necho Kubernetes v1.33.13\n")])).unwrap();
    assert_eq!(version(&path, None).unwrap(), Version::new(1, 33, 13));
    fs::write(&path, tar_of(&[("kubelet", &elf::head_for(host_architecture()))])).unwrap();
    let failure = version(&path, None).unwrap_err();
    assert!(
        failure.to_string().ends_with("does not contain the version of Kubernetes"),
        "{failure}"
    );
    fs::write(&path, tar_of(&[("versions", b"kubernetes 1.x\n")])).unwrap();
    assert!(version(&path, None).unwrap_err().to_string().contains("version `1.x`"));
}
