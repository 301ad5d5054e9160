use std::sync::{Arc, Mutex};

use super::*;
use crate::cluster::fixture::{THREE, engine, make};
use crate::runtime::ExecOutput;
use crate::runtime::fake::FakeEngine;

const ID: &str = "sha256:ca498032fd7e";

/// As a node with the image `app:1` prints it.
const LISTING: &str = "\
REF                       TYPE                                                 DIGEST          SIZE      PLATFORMS   LABELS
docker.io/library/app:1   application/vnd.docker.distribution.manifest.v2+json sha256:6d49e9aa 750.1 KiB linux/amd64 io.cri-containerd.image=managed
docker.io/library/old:1   application/vnd.docker.distribution.manifest.v2+json sha256:0ld      750.1 KiB linux/amd64 io.cri-containerd.image=managed
sha256:ca498032fd7e       application/vnd.docker.distribution.manifest.v2+json sha256:6d49e9aa 750.1 KiB linux/amd64 io.cri-containerd.image=managed
";

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn image(id: &str) -> ImageInfo {
    ImageInfo { id: id.to_owned(), ..Default::default() }
}

/// The input of each import, by node.
type Imports = Arc<Mutex<Vec<(String, String)>>>;

/// The first worker has `app:1`, the other nodes have nothing; `code` is what imports end with.
fn answer(engine: &FakeEngine, code: i64) -> Imports {
    let imports = Imports::default();
    let seen = imports.clone();
    engine.on_exec(move |node, command, input| {
        let stdout = match command {
            ["ctr", _, "images", "ls"] if node == "dev-worker" => LISTING.into(),
            ["ctr", _, "images", "import", ..] => {
                let input = String::from_utf8(input.to_vec()).unwrap();
                seen.lock().unwrap().push((node.to_owned(), input));
                return ExecOutput {
                    code,
                    stderr: b"time=x level=warning\nctr: unexpected EOF\n".to_vec(),
                    ..Default::default()
                };
            }
            _ => Vec::new(),
        };
        ExecOutput { stdout, ..Default::default() }
    });
    imports
}

#[tokio::test]
async fn only_nodes_without_the_image_get_it() {
    let engine = engine().with_image("app:1", image(ID));
    make(&engine, "dev", 1, &THREE).await;
    let imports = answer(&engine, 0);
    let twice = strings(&["app:1", "app:1"]);
    load_images(&engine, "dev", &twice, &[], &Progress::silent()).await.unwrap();
    let expected = ["dev-control-plane", "dev-worker2"].map(|n| (n.to_owned(), "app:1".to_owned()));
    // The nodes get it at the same time, in no order.
    let mut imported = imports.lock().unwrap().clone();
    imported.sort();
    assert_eq!(imported, expected);
    let saved = engine.calls().into_iter().filter(|call| call.starts_with("save_images"));
    assert_eq!(saved.collect::<Vec<_>>(), ["save_images app:1"]);
    assert!(
        engine.calls().contains(
            &"exec dev-worker2 ctr --namespace=k8s.io images import --all-platforms --digests \
          --snapshotter=overlayfs -"
                .to_owned()
        )
    );
}

#[tokio::test]
async fn saves_nothing_if_all_nodes_have_the_images() {
    let engine = engine().with_image("app:1", image(ID));
    make(&engine, "dev", 1, &THREE).await;
    answer(&engine, 0);
    let nodes = strings(&["dev-worker"]);
    let images = strings(&["app:1"]);
    load_images(&engine, "dev", &images, &nodes, &Progress::silent()).await.unwrap();
    assert!(!engine.calls().iter().any(|call| call.starts_with("save_images")));
}

#[tokio::test]
async fn rejects_unknown_names_before_saving_anything() {
    let engine = engine().with_image("app:1", image(ID));
    make(&engine, "dev", 1, &THREE).await;
    let silent = Progress::silent();
    let load = async |images: &[&str], nodes: &[&str]| {
        load_images(&engine, "dev", &strings(images), &strings(nodes), &silent).await.unwrap_err()
    };
    let failure = load(&["app:1", "app:2"], &[]).await;
    assert_eq!(failure.to_string(), "image `app:2` does not exist in Docker");
    assert_eq!(failure.hint().unwrap(), "pull it with `docker pull app:2`, or build it");
    let failure = load(&["app:1"], &["dev-worker3"]).await;
    assert!(matches!(failure, Failure::Input { .. }));
    assert_eq!(failure.to_string(), "node `dev-worker3` does not exist in cluster `dev`");
    assert!(failure.hint().unwrap().starts_with("did you mean `dev-worker"), "{failure:?}");
    engine.stop_container("dev-worker", std::time::Duration::ZERO).await.unwrap();
    let failure = load(&["app:1"], &[]).await;
    assert_eq!(failure.to_string(), "node `dev-worker` is not running (exited)");
    assert!(!engine.calls().iter().any(|call| call.starts_with("save_images")));
}

#[tokio::test]
async fn a_failed_import_names_the_node_and_the_reason() {
    let engine = engine().with_image("app:1", image(ID));
    make(&engine, "dev", 1, &THREE).await;
    let imports = answer(&engine, 1);
    let images = strings(&["app:1"]);
    let failure = load_images(&engine, "dev", &images, &[], &Progress::silent()).await.unwrap_err();
    let expected = "node `dev-control-plane` cannot import the images: ctr: unexpected EOF";
    assert_eq!(failure.to_string(), expected);
    assert_eq!(imports.lock().unwrap().len(), 2, "the other nodes still import the images");
}

#[tokio::test]
async fn archives_go_to_every_node() {
    let engine = engine();
    make(&engine, "dev", 1, &THREE).await;
    let imports = answer(&engine, 0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("images.tar");
    std::fs::write(&file, "archive").unwrap();
    let silent = Progress::silent();
    load_archives(&engine, "dev", std::slice::from_ref(&file), &[], &silent).await.unwrap();
    assert_eq!(imports.lock().unwrap().len(), 3);

    std::fs::write(&file, "").unwrap();
    for (path, part) in [
        (file, "empty file"),
        (folder.path().to_owned(), "found a folder"),
        (folder.path().join("none"), "No such file"),
    ] {
        let failure = load_archives(&engine, "dev", &[path], &[], &silent).await.unwrap_err();
        assert!(matches!(failure, Failure::Input { .. }));
        assert!(failure.to_string().contains(part), "{failure}");
    }
    assert_eq!(imports.lock().unwrap().len(), 3);
}

#[test]
fn an_image_is_present_by_name_and_content() {
    assert!(is_present(LISTING, "app:1", ID));
    assert!(is_present(LISTING, "docker.io/library/app:1", ID));
    assert!(!is_present(LISTING, "app:1", "sha256:other"));
    assert!(!is_present(LISTING, "old:1", ID));
    assert!(!is_present(LISTING, "app", ID));
    assert!(!is_present("", "app:1", ID));
}

#[test]
fn references_are_completed_as_docker_does() {
    for (reference, full) in [
        ("app", "docker.io/library/app:latest"),
        ("app:1", "docker.io/library/app:1"),
        ("me/app", "docker.io/me/app:latest"),
        ("localhost/app:1", "localhost/app:1"),
        ("registry:5000/app", "registry:5000/app:latest"),
        ("ghcr.io/me/app@sha256:0a", "ghcr.io/me/app@sha256:0a"),
    ] {
        assert_eq!(full_name(reference), full);
    }
}

#[test]
fn uses_the_snapshotter_of_the_cri_plugin() {
    let current =
        "[plugins]\n  [plugins.'io.containerd.cri.v1.images']\n    snapshotter = 'native'\n";
    let old =
        "[plugins.\"io.containerd.grpc.v1.cri\".containerd]\n  snapshotter = \"fuse-overlayfs\"\n";
    let others =
        "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]\nsnapshotter = 'x'\n";
    assert_eq!(snapshotter(current), "native");
    assert_eq!(snapshotter(old), "fuse-overlayfs");
    assert_eq!(snapshotter(others), "overlayfs");
    assert_eq!(snapshotter(""), "overlayfs");
}
