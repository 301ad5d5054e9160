use k8s_openapi::api::core::v1::Pod;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::parameter::{OneOrMany, Text};
use crate::fault::refusal::{Refusal, Target};

use super::{Choice, HEADING, View};

/// The pods that a fault hits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct PodTargets {
    /// Pod by name
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(extend("x-heading" = HEADING, "x-value-name" = "[NAMESPACE/]POD"))]
    pub pod: OneOrMany<Text>,
    /// Pods that match this label selector
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-heading" = HEADING, "x-value-name" = "SELECTOR", "x-short" = "l"))]
    pub selector: Option<Text>,
    /// Namespace of the pods
    #[schemars(extend("x-heading" = HEADING, "x-value-name" = "NAMESPACE"))]
    pub namespace: Text,
    #[serde(flatten)]
    pub choice: Choice,
}

impl Default for PodTargets {
    fn default() -> Self {
        Self {
            pod: OneOrMany::default(),
            selector: None,
            namespace: "default".into(),
            choice: Choice::default(),
        }
    }
}

impl PodTargets {
    /// Whether no pod is specified.
    pub fn is_empty(&self) -> bool {
        self.pod.is_empty() && self.selector.is_none()
    }

    /// Namespace and name of each pod that is specified by name.
    pub fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pod.iter().map(|pod| pod.split_once('/').unwrap_or((&self.namespace, pod)))
    }

    /// Returns the targets.
    ///
    /// # Errors
    /// If a pod does not exist, if no pod matches, or if nothing is specified.
    pub fn resolve<'a>(&self, view: &'a View) -> Result<Vec<&'a Pod>, Refusal> {
        if self.is_empty() {
            return Err(Refusal::NoTarget(Target::Pods));
        }
        let is = |pod: &Pod, namespace: &str, name: &str| {
            pod.metadata.namespace.as_deref() == Some(namespace)
                && pod.metadata.name.as_deref() == Some(name)
        };
        for (namespace, name) in self.named() {
            if !view.pods.iter().any(|pod| is(pod, namespace, name)) {
                return Err(Refusal::UnknownPod {
                    cluster: view.cluster.clone(),
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                });
            }
        }
        if view.pods.is_empty() {
            return Err(Refusal::NoPodFits {
                namespace: self.namespace.to_string(),
                selector: self.selector.as_ref().map(ToString::to_string).unwrap_or_default(),
            });
        }
        self.choice.choose(view.pods.iter().collect(), Target::Pods, view.seed)
    }
}
