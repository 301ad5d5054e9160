use std::borrow::Cow;

use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use super::parts::api_faults_version;

/// Counted up when an image changes by what this module's Rust code puts into it.
const REVISION: &str = "1";

#[derive(RustEmbed)]
#[folder = "images/node"]
struct NodeFiles;

#[derive(RustEmbed)]
#[folder = "images/load-balancer"]
struct LoadBalancerFiles;

/// A file of a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecipeFile {
    /// Path in the recipe, as `rootfs/etc/containerd/config.toml`.
    pub(super) path: String,
    /// Content.
    pub(super) content: Cow<'static, [u8]>,
}

impl RecipeFile {
    /// Whether it is a script.
    pub(super) fn is_executable(&self) -> bool {
        self.content.starts_with(b"#!")
    }
}

/// The script that does for a node's container what `--privileged` would have done. It is the
/// container's entrypoint, with the image's own entrypoint as its arguments.
pub fn wrapper_script() -> Cow<'static, [u8]> {
    NodeFiles::get("wrapper").map(|file| file.data).unwrap_or_default()
}

/// Every file of the node image's recipe, by path.
pub(super) fn node_files() -> Vec<RecipeFile> {
    files::<NodeFiles>()
}

/// The Dockerfile of the base that node images share.
pub(super) fn base_dockerfile() -> Cow<'static, [u8]> {
    NodeFiles::get("Dockerfile").map(|file| file.data).unwrap_or_default()
}

/// The load balancer's Dockerfile.
pub(super) fn load_balancer_dockerfile() -> Cow<'static, [u8]> {
    LoadBalancerFiles::get("Dockerfile").map(|file| file.data).unwrap_or_default()
}

/// A hash of the node image's recipe: an image with another one was made by another kindrs.
pub(super) fn node_recipe() -> String {
    // The wrapper is put into containers, not into the image.
    let files = node_files().into_iter().filter(|file| file.path != "wrapper");
    hash(
        [
            ("revision".to_owned(), Cow::Borrowed(REVISION.as_bytes())),
            ("api-faults".to_owned(), Cow::Owned(api_faults_version().into_bytes())),
        ]
        .into_iter()
        .chain(files.map(|file| (file.path, file.content))),
    )
}

/// A hash of one Dockerfile and what it is built on.
pub(super) fn dockerfile_recipe(dockerfile: &[u8], base: &str) -> String {
    hash([
        ("Dockerfile".to_owned(), Cow::Borrowed(dockerfile)),
        ("base".to_owned(), Cow::Borrowed(base.as_bytes())),
    ])
}

fn files<E: RustEmbed>() -> Vec<RecipeFile> {
    let mut files: Vec<RecipeFile> = E::iter()
        .filter_map(|path| {
            let content = E::get(&path)?.data;
            Some(RecipeFile { path: path.into_owned(), content })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn hash<'a>(pieces: impl IntoIterator<Item = (String, Cow<'a, [u8]>)>) -> String {
    let mut hash = Sha256::new();
    for (name, content) in pieces {
        for piece in [name.as_bytes(), &content] {
            hash.update((piece.len() as u64).to_le_bytes());
            hash.update(piece);
        }
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_has_its_files() {
        let files = node_files();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        insta::assert_snapshot!(paths.join("\n"));
        let wrapper = files.iter().find(|file| file.path == "wrapper").unwrap();
        assert_eq!(wrapper.content, wrapper_script());
        assert!(wrapper.is_executable());
        assert!(!base_dockerfile().is_empty() && !load_balancer_dockerfile().is_empty());
    }

    #[test]
    fn names_and_contents_are_told_apart() {
        let piece = |name: &str, content: &'static str| {
            hash([(name.to_owned(), Cow::Borrowed(content.as_bytes()))])
        };
        assert_ne!(piece("ab", "c"), piece("a", "bc"));
        assert_eq!(piece("a", "b"), piece("a", "b"));
        assert_ne!(dockerfile_recipe(b"FROM x", "a"), dockerfile_recipe(b"FROM x", "b"));
    }
}
