use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

use super::{Choice, View};

/// Which pods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodTargets {
    /// A pod by name
    #[arg(long, value_name = "[NAMESPACE/]POD", value_delimiter = ',', help_heading = "Targets")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pod: Vec<String>,
    /// The pods with these labels, as kubectl's --selector
    #[arg(short = 'l', long, value_name = "SELECTOR", help_heading = "Targets")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Namespace of the pods that are named without one
    #[arg(long, value_name = "NAMESPACE", default_value = "default", help_heading = "Targets")]
    pub namespace: String,
    /// How many of them.
    #[command(flatten)]
    #[serde(flatten)]
    pub choice: Choice,
}

impl PodTargets {
    /// Namespace and name of each pod that is named.
    pub fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pod.iter().map(|pod| pod.split_once('/').unwrap_or((&self.namespace, pod)))
    }

    /// The pods meant.
    ///
    /// # Errors
    /// [`Failure::Input`] when a pod does not exist, when nothing fits, or when nothing is said.
    pub fn resolve<'a>(&self, view: &'a View) -> Result<Vec<&'a Pod>, Failure> {
        if self.pod.is_empty() && self.selector.is_none() {
            return Err(Failure::input("no target is given")
                .with_hint("say which pods with --pod or --selector"));
        }
        let is = |pod: &Pod, namespace: &str, name: &str| {
            pod.metadata.namespace.as_deref() == Some(namespace)
                && pod.metadata.name.as_deref() == Some(name)
        };
        for (namespace, name) in self.named() {
            if !view.pods.iter().any(|pod| is(pod, namespace, name)) {
                return Err(Failure::input(format!(
                    "there is no pod `{name}` in namespace `{namespace}`"
                ))
                .with_hint(format!(
                    "see kubectl --context kindrs-{} get pods --namespace {namespace}",
                    view.cluster
                )));
            }
        }
        if view.pods.is_empty() {
            let selector = self.selector.as_deref().unwrap_or_default();
            return Err(Failure::input(format!(
                "no pod in namespace `{}` fits --selector {selector}",
                self.namespace
            ))
            .with_hint("give the pods' namespace with --namespace"));
        }
        self.choice.of(view.pods.iter().collect(), "pods", view.seed)
    }
}
