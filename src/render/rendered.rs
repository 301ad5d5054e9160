use std::collections::BTreeMap;
use std::io::Read as _;

/// The output of the render container: the files that depend on the Kubernetes version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    files: BTreeMap<String, String>,
}

impl Rendered {
    /// Reads a tar of the render container's `out` directory.
    ///
    /// # Errors
    /// When the input is not a tar, or a file in it is not UTF-8.
    pub fn read(tar: &[u8]) -> std::io::Result<Self> {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(tar).entries()? {
            let mut entry = entry?;
            if entry.header().entry_type().is_file() {
                let path = entry.path()?.to_string_lossy().into_owned();
                let mut text = String::new();
                entry.read_to_string(&mut text)?;
                files.insert(path.trim_start_matches("./").to_owned(), text);
            }
        }
        Ok(Self { files })
    }

    /// Adds the files that another image rendered for its nodes.
    pub fn extend(&mut self, other: Self) {
        for (path, text) in other.files {
            self.files.entry(path).or_insert(text);
        }
    }

    /// The files of a node in the directory `kind` (`manifests` or `kubelet`), by their path in it.
    pub fn node_files(&self, node: &str, kind: &str) -> impl Iterator<Item = (&str, &str)> {
        let prefix = format!("out/nodes/{node}/{kind}/");
        self.files.iter().filter_map(move |(path, text)| {
            path.strip_prefix(&prefix).map(|rest| (rest, text.as_str()))
        })
    }

    /// The manifest of an addon, `coredns` or `kube-proxy`.
    pub fn addon(&self, name: &str) -> Option<&str> {
        self.files.get(&format!("out/{name}.yaml")).map(String::as_str)
    }

    /// A file of the image: `default-storage.yaml`, `default-cni.yaml` or `config.toml`.
    pub fn image_file(&self, name: &str) -> Option<&str> {
        self.files.get(&format!("out/image/{name}")).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_of(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_cksum();
            builder.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn finds_files_by_node_and_purpose() {
        let tar = tar_of(&[
            ("out/nodes/a/manifests/etcd.yaml", "x"),
            ("out/nodes/ab/manifests/etcd.yaml", "y"),
            ("out/coredns.yaml", "dns"),
        ]);
        let rendered = Rendered::read(&tar).unwrap();
        let manifests: Vec<_> = rendered.node_files("a", "manifests").collect();
        assert_eq!(manifests, [("etcd.yaml", "x")]);
        assert_eq!(rendered.addon("coredns"), Some("dns"));
        assert_eq!(rendered.image_file("default-cni.yaml"), None);
    }
}
