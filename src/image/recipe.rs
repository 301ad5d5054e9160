use std::borrow::Cow;

use rust_embed::RustEmbed;

use super::parts::{api_faults_version, fingerprint};

/// Increased when Rust code of this module changes the content of images.
const REVISION: &str = "1";

/// The Dockerfile of the base that node images share.
pub(super) const BASE_DOCKERFILE: &[u8] = include_bytes!("../../images/node/Dockerfile");
pub(super) const LOAD_BALANCER_DOCKERFILE: &[u8] =
    include_bytes!("../../images/load-balancer/Dockerfile");

#[derive(RustEmbed)]
#[folder = "images/node"]
struct NodeFiles;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecipeFile {
    /// Path in the recipe, such as `rootfs/etc/containerd/config.toml`.
    pub(super) path: String,
    pub(super) content: Cow<'static, [u8]>,
}

impl RecipeFile {
    pub(super) fn is_executable(&self) -> bool {
        self.content.starts_with(b"#!")
    }
}

/// Every file of the node image's recipe, sorted by path.
pub(super) fn node_files() -> Vec<RecipeFile> {
    let mut files: Vec<RecipeFile> = NodeFiles::iter()
        .filter_map(|path| {
            let content = NodeFiles::get(&path)?.data;
            Some(RecipeFile { path: path.into_owned(), content })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// A hash of the node image's recipe. An image with another hash is from another version of kindrs.
pub(super) fn node_recipe() -> String {
    let (proxy, files) = (api_faults_version(), node_files());
    let own = [("revision", REVISION.as_bytes()), ("api-faults", proxy.as_bytes())];
    let files = files.iter().map(|file| (file.path.as_str(), &*file.content));
    fingerprint(own.into_iter().chain(files).flat_map(|(name, text)| [name.as_bytes(), text]))
}

pub(super) fn dockerfile_recipe(dockerfile: &[u8], base: &str) -> String {
    fingerprint([b"Dockerfile".as_slice(), dockerfile, b"base", base.as_bytes()])
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
        assert_ne!(dockerfile_recipe(b"FROM x", "a"), dockerfile_recipe(b"FROM x", "b"));
    }
}
