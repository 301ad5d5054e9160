use std::borrow::Cow;

use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use super::parts::api_faults_version;

/// Increased when Rust code of this module changes the content of images.
const REVISION: &str = "1";

#[derive(RustEmbed)]
#[folder = "images/node"]
struct NodeFiles;

#[derive(RustEmbed)]
#[folder = "images/load-balancer"]
struct LoadBalancerFiles;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecipeFile {
    /// Path in the recipe, such as `rootfs/etc/containerd/config.toml`.
    pub(super) path: String,
    pub(super) content: Cow<'static, [u8]>,
}

impl RecipeFile {
    /// Whether the file is a script.
    pub(super) fn is_executable(&self) -> bool {
        self.content.starts_with(b"#!")
    }
}

/// Every file of the node image's recipe, sorted by path.
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

/// A hash of the node image's recipe. An image with another hash is from another version of kindrs.
pub(super) fn node_recipe() -> String {
    hash(
        [
            ("revision".to_owned(), Cow::Borrowed(REVISION.as_bytes())),
            ("api-faults".to_owned(), Cow::Owned(api_faults_version().into_bytes())),
        ]
        .into_iter()
        .chain(node_files().into_iter().map(|file| (file.path, file.content))),
    )
}

/// A hash of a Dockerfile and its base image.
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
        assert!(files.iter().find(|file| file.path == "setup").unwrap().is_executable());
        assert!(!base_dockerfile().is_empty() && !load_balancer_dockerfile().is_empty());
    }

    #[test]
    fn the_hash_separates_names_and_contents() {
        let piece = |name: &str, content: &'static str| {
            hash([(name.to_owned(), Cow::Borrowed(content.as_bytes()))])
        };
        assert_ne!(piece("ab", "c"), piece("a", "bc"));
        assert_eq!(piece("a", "b"), piece("a", "b"));
        assert_ne!(dockerfile_recipe(b"FROM x", "a"), dockerfile_recipe(b"FROM x", "b"));
    }
}
