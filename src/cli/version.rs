use clap::Args;
use serde_json::json;

use super::output::{self, Format};
use crate::kubernetes;

/// Print the version of kindrs and the Kubernetes versions that it supports
#[derive(Debug, Args)]
#[command(after_help = "\
With -o json, an object:
  version               version of kindrs
  platform              platform that kindrs was built for, such as linux/amd64
  kubernetes.default    default Kubernetes version of a cluster
  kubernetes.oldest     oldest supported minor version
  kubernetes.newest     newest supported minor version")]
pub(super) struct Version {
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl Version {
    pub(super) fn run(self) -> anyhow::Result<()> {
        output::print(&render(self.output)?)
    }
}

fn render(format: Format) -> anyhow::Result<String> {
    let version = env!("CARGO_PKG_VERSION");
    let platform = platform();
    let default = kubernetes::Version::default_release();
    let oldest = format!("v1.{}", kubernetes::Version::OLDEST_MINOR);
    let newest = format!("v1.{}", kubernetes::Version::NEWEST_MINOR);
    match format {
        Format::Text => Ok(format!(
            "kindrs {version} {platform}\nKubernetes {oldest} to {newest}, {default} by default\n"
        )),
        Format::Json => output::json(&json!({
            "version": version,
            "platform": platform,
            "kubernetes": {
                "default": default.to_string(),
                "oldest": oldest,
                "newest": newest,
            },
        })),
    }
}

/// System and architecture in Go's words, as Kubernetes and Docker write them.
fn platform() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{}/{architecture}", std::env::consts::OS)
}
