use std::num::NonZeroUsize;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::union::{one_of, separate};

/// The cluster that a scenario runs on: an existing one, or a new one from a configuration or with a
/// number of nodes [default: one control plane].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields, transform = separate)]
pub struct ClusterSource {
    /// Where its nodes come from.
    #[serde(flatten)]
    pub nodes: ClusterNodes,
    /// How soon the cluster notices failures and reacts to them
    #[serde(default)]
    pub timing: Timing,
}

/// Where the nodes of a cluster come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, rename_all_fields = "camelCase")]
#[schemars(transform = one_of)]
pub enum ClusterNodes {
    Existing {
        /// Existing cluster
        existing: Existing,
    },
    File {
        /// Configuration file in kind's format, relative to the scenario's file
        file: PathBuf,
        #[serde(flatten)]
        version: NodeVersion,
    },
    Config {
        /// Inline configuration in kind's format
        config: Value,
        #[serde(flatten)]
        version: NodeVersion,
    },
    Sizes {
        /// Number of control planes [default: 1]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        control_planes: Option<NonZeroUsize>,
        /// Number of workers [default: 0]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workers: Option<usize>,
        #[serde(flatten)]
        version: NodeVersion,
    },
}

impl Default for ClusterNodes {
    fn default() -> Self {
        Self::Sizes { control_planes: None, workers: None, version: NodeVersion::default() }
    }
}

/// What the nodes of a new cluster run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeVersion {
    /// Kubernetes to run: vX.Y.Z, file:PATH or release:vX.Y.Z
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<String>,
    /// Node image
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

/// An existing cluster, and what it must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Existing {
    /// Name of the cluster
    pub name: String,
    /// Minimum number of workers
    #[serde(default)]
    pub workers: usize,
}

impl ClusterSource {
    /// The existing cluster; `None` for a new one.
    pub fn existing(&self) -> Option<&Existing> {
        match &self.nodes {
            ClusterNodes::Existing { existing } => Some(existing),
            _ => None,
        }
    }

    /// What the nodes of a new cluster run; `None` for an existing one.
    pub fn version(&self) -> Option<&NodeVersion> {
        match &self.nodes {
            ClusterNodes::Existing { .. } => None,
            ClusterNodes::File { version, .. }
            | ClusterNodes::Config { version, .. }
            | ClusterNodes::Sizes { version, .. } => Some(version),
        }
    }
}

/// How soon a cluster notices failures and reacts to them: kubelet's heartbeats, the node controller's
/// grace period and the default tolerations of pods, scaled together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Timing {
    /// Kubernetes' defaults: the pods of a lost node are evicted after about 340 s
    #[default]
    Default,
    /// The pods of a lost node are evicted in under 30 s
    Fast,
}
