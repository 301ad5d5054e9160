//! Patches: YAML and TOML documents in strings of the configuration.

use serde_yaml::Value;

use super::violation::Violation;
use crate::yaml::{list, nearest};

/// The kinds of kubeadm's configuration documents
/// (<https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/>).
const KUBEADM_KINDS: [&str; 5] = [
    "ClusterConfiguration",
    "InitConfiguration",
    "JoinConfiguration",
    "KubeletConfiguration",
    "KubeProxyConfiguration",
];

/// Checks a merge patch to one of kubeadm's documents: a YAML mapping that names its `kind`.
pub(super) fn kubeadm_patch(path: &str, patch: &str) -> Result<(), Violation> {
    let value: Value = serde_yaml::from_str(patch).map_err(|error| {
        Violation::new(path, format!("the patch is not one YAML document: {error}"))
    })?;
    let kinds = list(&KUBEADM_KINDS, "or");
    let Value::Mapping(patch) = value else {
        let message = format!("the patch must be a YAML mapping with one of these kinds: {kinds}");
        return Err(Violation::new(path, message));
    };
    match patch.get("kind").map(|kind| kind.as_str().unwrap_or_default()) {
        None => {
            Err(Violation::new(path, format!("the patch has no `kind`; expected one of {kinds}")))
        }
        Some(kind) if KUBEADM_KINDS.contains(&kind) => Ok(()),
        Some(kind) => {
            let message = format!(
                "unknown kind `{}` of the patch; expected one of {kinds}",
                kind.escape_debug()
            );
            let violation = Violation::new(path, message);
            Err(match nearest(kind, &KUBEADM_KINDS) {
                Some(near) => violation.suggest(near),
                None => violation,
            })
        }
    }
}

/// Checks a merge patch to containerd's configuration: a TOML document.
pub(super) fn containerd_patch(path: &str, patch: &str) -> Result<(), Violation> {
    patch.parse::<toml::Table>().map(|_| ()).map_err(|error| {
        let before = error.span().and_then(|span| patch.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let message = error.message().replace('\n', ", ");
        Violation::new(path, format!("invalid TOML on line {line} of the patch: {message}"))
    })
}
