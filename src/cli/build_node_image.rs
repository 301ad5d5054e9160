use clap::Args;

use super::context::Context;
use super::output;
use crate::image::{self, KubernetesSource};
use crate::interruption::unless_interrupted;

/// Build a node image
///
/// kindrs compiles Kubernetes and the other parts from their Go modules and caches the results, so
/// that it compiles nothing twice. create cluster builds an image in the same way if there is none.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs build node-image
  kindrs build node-image --kubernetes v1.36.3
  kindrs build node-image --kubernetes file:./kubernetes-server-linux-amd64.tar.gz -t me/node:test
  kindrs build node-image --kubernetes release:v1.37.2")]
pub(super) struct BuildNodeImage {
    /// Kubernetes to install: vX.Y.Z to compile it, file:PATH for an archive of binaries,
    /// release:vX.Y.Z to download the upstream archive
    #[arg(
        long,
        value_name = "SOURCE",
        env = "KINDRS_KUBERNETES",
        hide_env_values = true,
        default_value = "v1.37.2"
    )]
    pub(super) kubernetes: String,
    /// Image to build on [default: debian:trixie-slim, or an image bootstrapped from this host's
    /// package sources]
    #[arg(long, value_name = "IMAGE")]
    pub(super) base_image: Option<String>,
    /// Name of the new image [default: kindrs/node:VERSION]
    #[arg(short = 't', long, value_name = "IMAGE")]
    pub(super) image: Option<String>,
}

impl BuildNodeImage {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let source: KubernetesSource = self.kubernetes.parse()?;
        let docker = context.docker().await?;
        // A process that a signal ends would leave its compilers running.
        let image = unless_interrupted(image::build(
            &docker,
            &source,
            self.base_image.as_deref(),
            self.image.as_deref(),
            &context.progress,
        ))
        .await?;
        output::print(&output::lines([image.reference.as_str()]))
    }
}
