use super::binaries::Versions;

/// The tags of other images than Kubernetes' own in kubeadm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentTags {
    /// Such as `3.7.0-0`.
    pub etcd: String,
    /// Such as `v1.14.6`.
    pub coredns: String,
    /// Such as `3.10.2`.
    pub pause: String,
}

impl ComponentTags {
    /// Reads the output of `kubeadm config images list`; `None` if one of the three is missing.
    pub fn from_images_list(text: &str) -> Option<Self> {
        let tag = |image: &str| {
            text.lines().find_map(|line| {
                let (name, tag) = line.trim().rsplit_once(':')?;
                (name.rsplit('/').next() == Some(image)).then(|| tag.to_owned())
            })
        };
        Some(Self { etcd: tag("etcd")?, coredns: tag("coredns")?, pause: tag("pause")? })
    }

    /// A text for [`Self::from_images_list`].
    pub fn images_list(&self) -> String {
        format!("etcd:{}\ncoredns:{}\npause:{}\n", self.etcd, self.coredns, self.pause)
    }

    /// Reads kubeadm's `cmd/kubeadm/app/constants/constants.go`; `None` if one of the three is
    /// missing.
    pub fn from_constants(source: &str) -> Option<Self> {
        let constant = |name: &str| {
            source.lines().find_map(|line| {
                let value = line.trim().strip_prefix(name)?.trim_start().strip_prefix('=')?;
                let value = value.trim().strip_prefix('"')?;
                value.split('"').next().map(str::to_owned)
            })
        };
        Some(Self {
            etcd: constant("DefaultEtcdVersion")?,
            coredns: constant("CoreDNSVersion")?,
            pause: constant("PauseVersion")?,
        })
    }

    /// The version of etcd: `v3.7.0` for the tag `3.7.0-0`.
    pub fn etcd_version(&self) -> String {
        let number = self.etcd.split('-').next().unwrap_or(&self.etcd);
        format!("v{number}")
    }
}

/// Which versions of a component are compatible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Those with the same major and minor version. The flags of etcd differ between minor versions.
    Minor,
    /// Those with the same major version.
    Major,
}

impl Line {
    /// Whether two versions are compatible. An invalid version is compatible with none.
    pub fn holds(self, one: &str, other: &str) -> bool {
        match (numbers(one), numbers(other)) {
            (Some(one), Some(other)) => self.same(one, other),
            _ => false,
        }
    }

    fn same(self, one: [u64; 3], other: [u64; 3]) -> bool {
        let length = match self {
            Self::Minor => 2,
            Self::Major => 1,
        };
        one[..length] == other[..length]
    }

    /// The available version to build for `wanted`: the same, otherwise the next compatible newer
    /// one, otherwise the newest compatible one.
    pub fn nearest<'a>(self, available: &'a [String], wanted: &str) -> Option<&'a str> {
        let wanted = numbers(wanted)?;
        let mut line: Vec<([u64; 3], &str)> = available
            .iter()
            .filter_map(|version| Some((numbers(version)?, version.as_str())))
            .filter(|(version, _)| self.same(*version, wanted))
            .collect();
        line.sort_unstable();
        let newer = line.iter().find(|(version, _)| *version >= wanted);
        newer.or(line.last()).map(|(_, version)| *version)
    }
}

/// Whether an archive's version of a part is compatible with `wanted`. An unknown version is.
pub fn serves(versions: &Versions, part: &str, wanted: &str, line: Line) -> bool {
    versions.get(part).is_none_or(|version| line.holds(version, wanted))
}

/// The three numbers of a version such as `v1.2.3-rc.1`.
fn numbers(text: &str) -> Option<[u64; 3]> {
    let body = text.strip_prefix('v').unwrap_or(text);
    let body = body.split(['-', '+']).next().unwrap_or(body);
    let mut parts = body.split('.').map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tags(etcd: &str, coredns: &str, pause: &str) -> ComponentTags {
        ComponentTags { etcd: etcd.into(), coredns: coredns.into(), pause: pause.into() }
    }

    #[test]
    fn reads_the_image_list_of_kubeadm() {
        let list = "registry.k8s.io/kube-apiserver:v1.37.2\n\
                    localhost:5000/coredns/coredns:v1.14.6\n\
                    registry.k8s.io/pause:3.10.2\n\
                    registry.k8s.io/etcd:3.7.0-0\n";
        let read = ComponentTags::from_images_list(list).unwrap();
        assert_eq!(read, tags("3.7.0-0", "v1.14.6", "3.10.2"));
        assert_eq!(read.etcd_version(), "v3.7.0");
        assert_eq!(ComponentTags::from_images_list(&read.images_list()), Some(read));
        assert_eq!(ComponentTags::from_images_list("registry.k8s.io/etcd:3.7.0-0"), None);
    }

    #[test]
    fn reads_the_constants_of_kubeadm() {
        let source = "const (\n\
            \t// DefaultEtcdVersion indicates the default etcd version that kubeadm uses\n\
            \tMinExternalEtcdVersion = \"3.5.11-0\"\n\
            \tDefaultEtcdVersion = \"3.5.15-0\"\n\
            \tCoreDNSVersion      = \"v1.11.1\" // a remark\n\
            \tPauseVersion = \"3.10\"\n)";
        let read = ComponentTags::from_constants(source).unwrap();
        assert_eq!(read, tags("3.5.15-0", "v1.11.1", "3.10"));
        assert_eq!(ComponentTags::from_constants("package constants"), None);
    }

    #[test]
    fn chooses_the_next_compatible_version() {
        let etcd: Vec<String> =
            ["v3.5.15", "v3.6.8", "v3.5.24", "v3.6.10", "v3.7.0"].map(str::to_owned).into();
        assert_eq!(Line::Minor.nearest(&etcd, "v3.5.15"), Some("v3.5.15"));
        assert_eq!(Line::Minor.nearest(&etcd, "v3.5.16"), Some("v3.5.24"));
        assert_eq!(Line::Minor.nearest(&etcd, "v3.6.9"), Some("v3.6.10"));
        assert_eq!(Line::Minor.nearest(&etcd, "v3.7.9"), Some("v3.7.0"));
        assert_eq!(Line::Minor.nearest(&etcd, "v3.8.0"), None);
        assert_eq!(Line::Major.nearest(&etcd, "v3.6.99"), Some("v3.7.0"));
        assert_eq!(Line::Minor.nearest(&etcd, "nonsense"), None);
    }

    #[test]
    fn accepts_a_compatible_version_in_an_archive() {
        let versions = Versions::from([("etcd".to_owned(), "v3.7.3".to_owned())]);
        assert!(serves(&versions, "etcd", "v3.7.0", Line::Minor));
        assert!(!serves(&versions, "etcd", "v3.6.8", Line::Minor));
        assert!(
            serves(&versions, "coredns", "v1.14.6", Line::Major),
            "an unknown version is compatible"
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "(.|\\n)*") {
            let _ = ComponentTags::from_images_list(&text);
            let _ = ComponentTags::from_constants(&text);
            let _ = numbers(&text);
        }
    }
}
