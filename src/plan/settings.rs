use std::net::IpAddr;

use serde_json::{Value, json};

use crate::failure::Failure;

/// The parts of kubeadm's ClusterConfiguration that kindrs itself needs, with the user's patches
/// applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSettings {
    /// Names and addresses in the API server's certificate (`apiServer.certSANs`).
    pub certificate_names: Vec<String>,
    /// The domain of Services (`networking.dnsDomain`), by default `cluster.local`.
    pub dns_domain: String,
}

impl ClusterSettings {
    /// Applies `patches`, YAML merge patches, to kubeadm's defaults.
    /// Fails with [`Failure::Input`] when a patch is not YAML.
    pub(super) fn read<'a>(
        api_host: IpAddr,
        patches: impl IntoIterator<Item = &'a String>,
    ) -> Result<Self, Failure> {
        let mut document = json!({
            "kind": "ClusterConfiguration",
            "apiServer": { "certSANs": ["localhost", api_host.to_string()] },
            "networking": { "dnsDomain": "cluster.local" },
        });
        for patch in patches {
            let patch: Value = serde_yaml::from_str(patch).map_err(|error| {
                Failure::input(format!("kubeadmConfigPatches: invalid YAML: {error}"))
            })?;
            if patch.get("kind") == document.get("kind") {
                json_patch::merge(&mut document, &patch);
            }
        }
        let names = document.pointer("/apiServer/certSANs").and_then(Value::as_array);
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        let domain = document.pointer("/networking/dnsDomain").and_then(Value::as_str);
        Ok(Self {
            certificate_names: names.map(str::to_owned).collect(),
            dns_domain: domain.unwrap_or("cluster.local").to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(patches: &[&str]) -> ClusterSettings {
        let patches: Vec<String> = patches.iter().map(|patch| (*patch).to_owned()).collect();
        ClusterSettings::read([127, 0, 0, 1].into(), &patches).unwrap()
    }

    #[test]
    fn patches_replace_the_defaults() {
        let settings = read(&[]);
        assert_eq!(settings.certificate_names, ["localhost", "127.0.0.1"]);
        assert_eq!(settings.dns_domain, "cluster.local");
        let settings = read(&[
            "kind: ClusterConfiguration\napiServer: {certSANs: [a.example]}",
            "kind: ClusterConfiguration\nnetworking: {dnsDomain: dev.test}",
            "kind: InitConfiguration\nnetworking: {dnsDomain: other.test}",
        ]);
        assert_eq!(settings.certificate_names, ["a.example"]);
        assert_eq!(settings.dns_domain, "dev.test");
        assert_eq!(
            read(&["kind: ClusterConfiguration\nnetworking: null"]).dns_domain,
            "cluster.local"
        );
    }
}
