use anyhow::Context as _;
use clap::Args;

use super::cluster_name::ClusterName;
use super::context::Context;
use super::output::{self, Format};
use crate::cluster::access::{ClientPlace, access};
use crate::kubeconfig;

/// Print a cluster's kubeconfig
#[derive(Debug, Args)]
#[command(after_help = "\
With -o json, the same kubeconfig as JSON, which kubectl also reads.

Examples:
  kindrs get kubeconfig --name dev > dev.kubeconfig
  kubectl --kubeconfig dev.kubeconfig get nodes")]
pub(super) struct GetKubeconfig {
    #[command(flatten)]
    cluster: ClusterName,
    /// Use the node's address on the cluster's network, for clients in containers there
    #[arg(long)]
    internal: bool,
    /// Output format; text is YAML
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl GetKubeconfig {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let docker = context.docker().await?;
        let place = client_place(self.internal);
        let access = access(&docker, &self.cluster.name, place).await?;
        output::print(&render(&access, self.output)?)
    }
}

pub(super) fn client_place(internal: bool) -> ClientPlace {
    if internal { ClientPlace::ClusterNetwork } else { ClientPlace::Host }
}

fn render(access: &kubeconfig::Access, format: Format) -> anyhow::Result<String> {
    let yaml = kubeconfig::render(access);
    match format {
        Format::Text => Ok(yaml),
        Format::Json => {
            let value: serde_json::Value =
                serde_yaml::from_str(&yaml).context("cannot convert the kubeconfig to JSON")?;
            output::json(&value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_are_equal() {
        let access = kubeconfig::Access {
            cluster: "dev".into(),
            server: "https://127.0.0.1:41235".into(),
            ca_pem: "ca".into(),
            client_cert_pem: "cert".into(),
            client_key_pem: "key".into(),
        };
        let yaml: serde_json::Value =
            serde_yaml::from_str(&render(&access, Format::Text).unwrap()).unwrap();
        let json: serde_json::Value =
            serde_json::from_str(&render(&access, Format::Json).unwrap()).unwrap();
        assert_eq!(yaml, json);
        assert_eq!(json["current-context"], "kindrs-dev");
    }
}
