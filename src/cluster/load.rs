//! Loading images into the nodes of a cluster.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures::future::{join_all, try_join_all};

use crate::cluster::inventory::{self, NodeSummary};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::runtime::{Engine, ImageInfo};
use crate::words::nearest;

/// The snapshotter of a node whose containerd configuration names none.
const DEFAULT_SNAPSHOTTER: &str = "overlayfs";

/// Loads images of the engine into nodes: all nodes of the cluster, or those in `nodes`.
///
/// Skips nodes that already have an image of the same name and content.
/// Fails with [`Failure::Input`] when an image, the cluster or a node does not exist;
/// [`Failure::Environment`] when a node is not running, the images cannot be written to a temporary
/// file, or a node cannot import them.
pub async fn load_images(
    engine: &dyn Engine,
    cluster: &str,
    references: &[String],
    nodes: &[String],
    progress: &Progress,
) -> Result<(), Failure> {
    let targets = targets(engine, cluster, nodes).await?;
    let images = images(engine, references).await?;
    let missing = try_join_all(targets.iter().map(|node| missing(engine, node, &images))).await?;
    let wanted: BTreeSet<&String> = missing.iter().flatten().collect();
    if wanted.is_empty() {
        progress.note("all nodes already have the images");
        return Ok(());
    }
    let wanted: Vec<String> = wanted.into_iter().cloned().collect();
    let stage = progress.stage(format!("Save {}", wanted.join(", ")));
    let archive = tempfile::Builder::new().prefix("kindrs-images-").suffix(".tar").tempfile();
    let archive = archive.map_err(|error| {
        Failure::environment(format!("cannot create a temporary file: {error}"))
            .with_hint("set TMPDIR to a folder with enough space for the images")
    })?;
    engine.save_images(&wanted, archive.path()).await?;
    stage.finish();
    let lacking: Vec<&NodeSummary> = targets
        .iter()
        .zip(&missing)
        .filter(|(_, missing)| !missing.is_empty())
        .map(|(node, _)| node)
        .collect();
    import(engine, &lacking, archive.path(), progress).await
}

/// Loads the images of archives (`docker save` or OCI, also compressed) into nodes: all nodes of
/// the cluster, or those in `nodes`.
/// Fails with [`Failure::Input`] when a file cannot be read, or the cluster or a node does not
/// exist; [`Failure::Environment`] when a node is not running or cannot import an archive.
pub async fn load_archives(
    engine: &dyn Engine,
    cluster: &str,
    archives: &[PathBuf],
    nodes: &[String],
    progress: &Progress,
) -> Result<(), Failure> {
    for archive in archives {
        check_archive(archive)?;
    }
    let targets = targets(engine, cluster, nodes).await?;
    let targets: Vec<&NodeSummary> = targets.iter().collect();
    for archive in archives {
        import(engine, &targets, archive, progress).await?;
    }
    Ok(())
}

fn check_archive(path: &Path) -> Result<(), Failure> {
    let refuse = |reason: String| {
        Failure::input(format!("{}: {reason}", path.display()))
            .with_hint("use the output of `docker save IMAGE -o FILE`, or an OCI archive")
    };
    let metadata = std::fs::File::open(path).and_then(|file| file.metadata());
    let metadata = metadata.map_err(|error| refuse(error.to_string()))?;
    if metadata.is_dir() {
        return Err(refuse("expected an image archive, found a folder".to_owned()));
    }
    if metadata.is_file() && metadata.len() == 0 {
        return Err(refuse("expected an image archive, found an empty file".to_owned()));
    }
    Ok(())
}

/// The nodes to load into, all running.
async fn targets(
    engine: &dyn Engine,
    cluster: &str,
    names: &[String],
) -> Result<Vec<NodeSummary>, Failure> {
    let nodes: Vec<NodeSummary> = inventory::require(engine, cluster)
        .await?
        .into_iter()
        .filter(|node| node.role.is_node())
        .collect();
    for name in names {
        if !nodes.iter().any(|node| node.name == *name) {
            return Err(no_such_node(cluster, name, &nodes));
        }
    }
    let targets: Vec<NodeSummary> =
        nodes.into_iter().filter(|node| names.is_empty() || names.contains(&node.name)).collect();
    match targets.iter().find(|node| !node.is_running()) {
        Some(node) => Err(Failure::environment(format!(
            "node `{}` is not running ({})",
            node.name, node.state
        ))
        .with_hint(format!(
            "start it with `docker start {}`, or select other nodes with --nodes",
            node.name
        ))),
        None => Ok(targets),
    }
}

fn no_such_node(cluster: &str, name: &str, nodes: &[NodeSummary]) -> Failure {
    let list: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    let known = format!("the nodes are: {}", list.join(", "));
    let hint = match nearest(name, &list) {
        Some(near) => format!("did you mean `{near}`? {known}"),
        None => known,
    };
    Failure::input(format!("node `{name}` does not exist in cluster `{cluster}`")).with_hint(hint)
}

/// Each image once, with the user's reference to it.
async fn images(
    engine: &dyn Engine,
    references: &[String],
) -> Result<Vec<(String, ImageInfo)>, Failure> {
    let mut images: Vec<(String, ImageInfo)> = Vec::new();
    for reference in references {
        if images.iter().any(|(known, _)| known == reference) {
            continue;
        }
        let image = engine.image(reference).await?.ok_or_else(|| {
            Failure::input(format!("image `{reference}` does not exist in Docker"))
                .with_hint(format!("pull it with `docker pull {reference}`, or build it"))
        })?;
        images.push((reference.clone(), image));
    }
    Ok(images)
}

/// The references of the images that a node lacks.
async fn missing(
    engine: &dyn Engine,
    node: &NodeSummary,
    images: &[(String, ImageInfo)],
) -> Result<Vec<String>, Failure> {
    let listing = engine.exec(&node.name, &["ctr", "--namespace=k8s.io", "images", "ls"], None);
    let listing = listing.await?;
    // A node that cannot list its images gets all of them.
    let text = if listing.code == 0 { String::from_utf8_lossy(&listing.stdout) } else { "".into() };
    Ok(images
        .iter()
        .filter(|(reference, image)| !is_present(&text, reference, &image.id))
        .map(|(reference, _)| reference.clone())
        .collect())
}

/// Whether `ctr images ls` lists the image under this name. containerd's CRI plugin adds a second
/// entry for each image, named after its id; the entries of the same image have the same digest.
fn is_present(listing: &str, reference: &str, id: &str) -> bool {
    let digest = |name: &str| {
        listing.lines().find_map(|line| {
            let mut columns = line.split_whitespace();
            (columns.next() == Some(name)).then(|| columns.nth(1)).flatten()
        })
    };
    match (digest(&full_name(reference)), digest(id)) {
        (Some(named), Some(identified)) => named == identified,
        _ => false,
    }
}

/// A reference in containerd's form, with registry and tag.
pub(crate) fn full_name(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    let tag = if last.contains(':') || last.contains('@') { "" } else { ":latest" };
    match reference.split_once('/') {
        None => format!("docker.io/library/{reference}{tag}"),
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => {
            format!("{reference}{tag}")
        }
        Some(_) => format!("docker.io/{reference}{tag}"),
    }
}

async fn import(
    engine: &dyn Engine,
    nodes: &[&NodeSummary],
    archive: &Path,
    progress: &Progress,
) -> Result<(), Failure> {
    let imports = nodes.iter().map(|node| import_into(engine, &node.name, archive, progress));
    join_all(imports).await.into_iter().collect()
}

async fn import_into(
    engine: &dyn Engine,
    node: &str,
    archive: &Path,
    progress: &Progress,
) -> Result<(), Failure> {
    let stage = progress.stage(format!("Load images into {node}"));
    let dump = engine.exec(node, &["containerd", "config", "dump"], None).await?;
    let dump = String::from_utf8_lossy(&dump.stdout);
    let file = tokio::fs::File::open(archive).await.map_err(|error| {
        Failure::environment(format!("cannot read {}: {error}", archive.display()))
    })?;
    let snapshotter = format!("--snapshotter={}", snapshotter(&dump));
    let command = [
        "ctr",
        "--namespace=k8s.io",
        "images",
        "import",
        "--all-platforms",
        "--digests",
        &snapshotter,
        "-",
    ];
    let output = engine.exec(node, &command, Some(Box::new(file))).await?;
    if output.code != 0 {
        let text = output.text();
        let reason = text.lines().rev().find(|line| line.starts_with("ctr: "));
        let reason = reason.or(text.lines().last()).unwrap_or("no reason given");
        return Err(Failure::environment(format!("node `{node}` cannot import the images: {reason}"))
            .with_hint(format!(
                "check that the archive is complete, and with `docker exec {node} df -h /var` that the node \
                 has enough space"
            )));
    }
    stage.finish();
    Ok(())
}

/// The snapshotter of containerd's CRI plugin, from `containerd config dump`.
fn snapshotter(dump: &str) -> String {
    let config: toml::Table = dump.parse().unwrap_or_default();
    let plugin = |name: &str| config.get("plugins")?.get(name);
    let named = |section: &toml::Value| section.get("snapshotter")?.as_str().map(str::to_owned);
    plugin("io.containerd.cri.v1.images")
        .and_then(named)
        .or_else(|| plugin("io.containerd.grpc.v1.cri")?.get("containerd").and_then(named))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| DEFAULT_SNAPSHOTTER.to_owned())
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
