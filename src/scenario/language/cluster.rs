use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The cluster that a scenario runs on: at most one of `existing`, `file` and `config`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterSource {
    /// A cluster that runs already
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<Existing>,
    /// A configuration in kind's format; relative to the scenario's file
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// A configuration in kind's format, inline
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    /// Control planes, where there is no configuration
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_planes: Option<usize>,
    /// Workers, where there is no configuration
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<usize>,
    /// Kubernetes to run: vX.Y.Z, file:PATH or release:vX.Y.Z
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<String>,
    /// Image of the nodes
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// How soon the cluster notices failures and acts on them
    #[serde(default)]
    pub timing: Timing,
}

/// A cluster that runs already, and what it must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Existing {
    /// Its name
    pub name: String,
    /// Workers that it needs at least
    #[serde(default)]
    pub workers: usize,
}

/// How soon a cluster notices failures and acts on them: kubelet's heartbeats, the node controller's
/// grace period and the default tolerations of pods, scaled together.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Timing {
    /// Kubernetes' defaults: a lost node's pods are evicted after about 340 s
    #[default]
    Default,
    /// A lost node's pods are evicted in under 30 s
    Fast,
}
