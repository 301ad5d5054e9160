use clap::Args;
use clap::builder::NonEmptyStringValueParser;

/// The name of a cluster that is not given one.
pub(super) const DEFAULT: &str = "kindrs";

/// Which cluster a verb is about.
#[derive(Debug, Args)]
pub(super) struct ClusterName {
    /// Name of the cluster
    #[arg(
        short,
        long,
        env = "KINDRS_CLUSTER_NAME",
        hide_env_values = true,
        default_value = DEFAULT,
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(super) name: String,
}
