use std::fmt;
use std::str::FromStr;

/// A Kubernetes release, `vMAJOR.MINOR.PATCH` with an optional pre-release (`-rc.1`, `-alpha.0`).
///
/// Ordered by major, minor and patch; a pre-release comes before its release.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
    pre_release: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid Kubernetes version `{text}`: expected vMAJOR.MINOR.PATCH, such as v1.37.2")]
pub struct ParseVersionError {
    text: String,
}

impl Version {
    /// The oldest minor of Kubernetes 1 that kindrs builds and runs.
    pub const OLDEST_MINOR: u32 = 31;
    /// The newest minor of Kubernetes 1 that kindrs builds and runs.
    pub const NEWEST_MINOR: u32 = 37;

    /// The default of `--kubernetes`.
    pub fn default_release() -> Self {
        Self::new(1, 37, 2)
    }

    /// A release without a pre-release part.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch, pre_release: None }
    }

    /// The minor number: 37 for v1.37.2.
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// The patch number: 2 for v1.37.2.
    pub fn patch(&self) -> u32 {
        self.patch
    }

    /// Whether kindrs builds and runs this version.
    pub fn is_supported(&self) -> bool {
        self.major == 1 && (Self::OLDEST_MINOR..=Self::NEWEST_MINOR).contains(&self.minor)
    }

    /// The version of the staging modules (`k8s.io/api` and its kin): v0.37.2 for v1.37.2.
    pub fn staging_module_version(&self) -> String {
        let pre_release = self.pre_release.as_deref().map(|p| format!("-{p}")).unwrap_or_default();
        format!("v0.{}.{}{pre_release}", self.minor, self.patch)
    }

    /// Whether `kubeadm init phase addon --print-manifest` accepts a configuration file.
    ///
    /// Source: `ValidateMixedArguments` in kubeadm's `apis/kubeadm/validation`.
    pub fn prints_addons_of_a_configuration(&self) -> bool {
        self.minor >= 32
    }

    /// The API version of kubeadm's configuration to write: v1beta4 from 1.36, v1beta3 before.
    ///
    /// Source: <https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/>
    pub fn kubeadm_api(&self) -> &'static str {
        if self.minor >= 36 { "kubeadm.k8s.io/v1beta4" } else { "kubeadm.k8s.io/v1beta3" }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}.{}", self.major, self.minor, self.patch)?;
        match &self.pre_release {
            Some(pre_release) => write!(f, "-{pre_release}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    /// Reads `v1.37.2`, `1.37.2` or `v1.38.0-rc.1`; build metadata (`+…`) is dropped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseVersionError { text: text.to_owned() };
        let trimmed = text.trim();
        let body = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let body = body.split('+').next().unwrap_or(body);
        let (numbers, pre_release) = match body.split_once('-') {
            Some((numbers, pre_release)) if !pre_release.is_empty() => {
                (numbers, Some(pre_release.to_owned()))
            }
            Some(_) => return Err(error()),
            None => (body, None),
        };
        let parts: Vec<&str> = numbers.split('.').collect();
        let [major, minor, patch] = parts.as_slice() else {
            return Err(error());
        };
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if digits { part.parse().map_err(|_| error()) } else { Err(error()) }
        };
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
            patch: number(patch)?,
            pre_release,
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let numbers = |v: &Self| (v.major, v.minor, v.patch, v.pre_release.is_none());
        numbers(self).cmp(&numbers(other)).then_with(|| self.pre_release.cmp(&other.pre_release))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rejects_other_texts() {
        for text in
            ["", "v", "1.37", "v1.37.x", "1.37.2.1", "v1.37.2-", "latest", "v1..2", "+1.2.3"]
        {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_pre_release_comes_before_its_release() {
        let release: Version = "v1.37.0".parse().unwrap();
        let candidate: Version = "v1.37.0-rc.1".parse().unwrap();
        assert!(candidate < release);
        assert_eq!(candidate.staging_module_version(), "v0.37.0-rc.1");
    }

    proptest! {
        #[test]
        fn display_and_parse_agree(major in 0u32..9, minor in 0u32..99, patch in 0u32..99, pre in proptest::option::of("[a-z]{1,5}\\.[0-9]")) {
            let version = Version { major, minor, patch, pre_release: pre };
            prop_assert_eq!(version.to_string().parse::<Version>().unwrap(), version);
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = text.parse::<Version>();
        }
    }
}
