use clap::Args;

use super::context::Context;
use super::output;
use crate::image::{self, KubernetesSource};
use crate::interruption::unless_interrupted;

/// Make an image for nodes
///
/// Kubernetes and every other part are compiled from their Go modules where they are not given;
/// compiled parts are kept, so that nothing compiles twice. create cluster does the same when it
/// finds no image.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kindrs build node-image
  kindrs build node-image --kubernetes v1.36.3
  kindrs build node-image --kubernetes file:./kubernetes-server-linux-amd64.tar.gz -t me/node:test
  kindrs build node-image --kubernetes release:v1.37.2")]
pub(super) struct BuildNodeImage {
    /// Kubernetes to put in: vX.Y.Z is compiled, file:PATH is an archive of binaries,
    /// release:vX.Y.Z is upstream's archive
    #[arg(
        long,
        value_name = "SOURCE",
        env = "KINDRS_KUBERNETES",
        hide_env_values = true,
        default_value = "v1.37.2"
    )]
    pub(super) kubernetes: String,
    /// Image to build on [default: debian:trixie-slim, else bootstrapped from this host's sources]
    #[arg(long, value_name = "IMAGE")]
    pub(super) base_image: Option<String>,
    /// Name of the image to make [default: kindrs/node:VERSION]
    #[arg(short = 't', long, value_name = "IMAGE")]
    pub(super) image: Option<String>,
}

impl BuildNodeImage {
    /// Makes the image and prints its name.
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let source: KubernetesSource = self.kubernetes.parse()?;
        let docker = context.docker().await?;
        // Ending by the signal itself would leave compilers at work.
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
