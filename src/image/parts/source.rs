use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::failure::Failure;
use crate::kubernetes::Version;
use crate::words::nearest;

use super::archive;
use super::cache::PartsCache;

/// The source of Kubernetes' binaries, as in `--kubernetes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KubernetesSource {
    /// Compiled from Kubernetes' Go modules: `v1.37.2`.
    Version(Version),
    /// An archive of binaries: `file:PATH`.
    File(PathBuf),
    /// Upstream's own archive of binaries, downloaded: `release:v1.37.2`.
    Release(Version),
}

impl KubernetesSource {
    /// The version of Kubernetes.
    ///
    /// Reads it from the list of versions in an archive, or runs one of its binaries with
    /// `--version`, and caches the result.
    ///
    /// # Errors
    /// `Failure::Input` when the archive cannot be read, or its version is missing or unsupported.
    pub fn version(&self) -> Result<Version, Failure> {
        match self {
            Self::Version(version) | Self::Release(version) => Ok(version.clone()),
            Self::File(path) => {
                let memory = PartsCache::open().ok();
                in_range(archive::version(path, memory.as_ref())?)
            }
        }
    }

    /// The source as a label of a node image. The state of an archive identifies it.
    ///
    /// # Errors
    /// [`Failure::Input`] when the archive does not exist.
    pub fn identity(&self) -> Result<String, Failure> {
        match self {
            Self::File(path) => Ok(format!("file:{}", archive::identity(path)?)),
            source => Ok(source.to_string()),
        }
    }
}

impl FromStr for KubernetesSource {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("file:") {
            if path.is_empty() {
                return Err(Failure::input("`file:` needs the path of an archive")
                    .with_hint("for example, file:parts.tar.zst"));
            }
            return Ok(Self::File(PathBuf::from(path)));
        }
        if let Some(release) = text.strip_prefix("release:") {
            return Ok(Self::Release(in_range(version(release, text)?)?));
        }
        Ok(Self::Version(in_range(version(text, text)?)?))
    }
}

impl fmt::Display for KubernetesSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => version.fmt(f),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Release(version) => write!(f, "release:{version}"),
        }
    }
}

/// Returns the version if kindrs supports it, otherwise an error with the supported range.
pub fn in_range(version: Version) -> Result<Version, Failure> {
    if version.is_supported() {
        return Ok(version);
    }
    let (oldest, newest) = (Version::OLDEST_MINOR, Version::NEWEST_MINOR);
    Err(Failure::input(format!(
        "unsupported Kubernetes version {version}: kindrs supports 1.{oldest} to 1.{newest}"
    ))
    .with_hint(format!("the default is {}", Version::default_release())))
}

fn version(part: &str, whole: &str) -> Result<Version, Failure> {
    part.parse().map_err(|_| {
        Failure::input(format!(
            "invalid Kubernetes source `{whole}`: expected vMAJOR.MINOR.PATCH, file:PATH or \
             release:vMAJOR.MINOR.PATCH"
        ))
        .with_hint(suggestion(whole))
    })
}

/// A suggestion for an invalid source.
fn suggestion(text: &str) -> String {
    if text.contains(['/', '\\']) || [".tar", ".tgz", ".zst"].iter().any(|end| text.contains(end)) {
        return format!("to use an archive, write file:{text}");
    }
    if let Some((prefix, rest)) = text.split_once(':')
        && let Some(near) = nearest(prefix, &["file", "release"]).filter(|near| *near != prefix)
    {
        return format!("did you mean `{near}:{rest}`?");
    }
    let numbers = text.rsplit(':').next().unwrap_or(text).trim_start_matches('v');
    let complete = format!("v{numbers}.0");
    match complete.parse::<Version>() {
        Ok(version) if version.is_supported() => {
            format!("add the patch number, such as {version}")
        }
        _ => format!("the default is {}", Version::default_release()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<KubernetesSource, String> {
        text.parse::<KubernetesSource>().map_err(|failure| {
            let hint = failure.hint().unwrap_or_default().to_owned();
            assert!(matches!(failure, Failure::Input { .. }));
            format!("{failure} ({hint})")
        })
    }

    #[test]
    fn reads_each_form() {
        assert_eq!(read("1.37.2"), Ok(KubernetesSource::Version(Version::new(1, 37, 2))));
        assert_eq!(read(" v1.31.0 "), Ok(KubernetesSource::Version(Version::new(1, 31, 0))));
        assert_eq!(read("file:a b.tar"), Ok(KubernetesSource::File("a b.tar".into())));
        assert_eq!(read("release:1.36.3"), Ok(KubernetesSource::Release(Version::new(1, 36, 3))));
    }

    #[test]
    fn suggests_a_correction_for_wrong_forms() {
        let errors: Vec<String> = [
            "v1.30.1",
            "release:v1.38.0",
            "1.37",
            "releas:v1.37.2",
            "./parts.tar.gz",
            "latest",
            "file:",
            "release:1.36",
        ]
        .iter()
        .map(|text| read(text).unwrap_err())
        .collect();
        insta::assert_snapshot!(errors.join("\n"), @"
            unsupported Kubernetes version v1.30.1: kindrs supports 1.31 to 1.37 (the default is v1.37.2)
            unsupported Kubernetes version v1.38.0: kindrs supports 1.31 to 1.37 (the default is v1.37.2)
            invalid Kubernetes source `1.37`: expected vMAJOR.MINOR.PATCH, file:PATH or release:vMAJOR.MINOR.PATCH (add the patch number, such as v1.37.0)
            invalid Kubernetes source `releas:v1.37.2`: expected vMAJOR.MINOR.PATCH, file:PATH or release:vMAJOR.MINOR.PATCH (did you mean `release:v1.37.2`?)
            invalid Kubernetes source `./parts.tar.gz`: expected vMAJOR.MINOR.PATCH, file:PATH or release:vMAJOR.MINOR.PATCH (to use an archive, write file:./parts.tar.gz)
            invalid Kubernetes source `latest`: expected vMAJOR.MINOR.PATCH, file:PATH or release:vMAJOR.MINOR.PATCH (the default is v1.37.2)
            `file:` needs the path of an archive (for example, file:parts.tar.zst)
            invalid Kubernetes source `release:1.36`: expected vMAJOR.MINOR.PATCH, file:PATH or release:vMAJOR.MINOR.PATCH (add the patch number, such as v1.36.0)
            ");
    }

    #[test]
    fn a_changed_archive_has_another_identity() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parts.tar");
        let identity = || KubernetesSource::File(path.clone()).identity();
        assert!(identity().is_err());
        std::fs::write(&path, "one").unwrap();
        let first = identity().unwrap();
        assert_eq!(first, identity().unwrap());
        std::fs::write(&path, "other").unwrap();
        assert_ne!(first, identity().unwrap());
        assert!(first.starts_with("file:"));
    }

    proptest! {
        #[test]
        fn display_and_parse_agree(minor in 31u32..=37, patch in 0u32..99, form in 0u8..3, path in "[a-z/.]{1,20}") {
            let version = Version::new(1, minor, patch);
            let source = match form {
                0 => KubernetesSource::Version(version),
                1 => KubernetesSource::Release(version),
                _ => KubernetesSource::File(path.into()),
            };
            prop_assert_eq!(source.to_string().parse::<KubernetesSource>().unwrap(), source);
        }

        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = text.parse::<KubernetesSource>();
        }
    }
}
