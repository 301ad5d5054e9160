//! Rules about the cluster.

use super::context::Context;
use super::finding::{Finding, Findings};
use crate::image::KubernetesSource;
use crate::scenario::language::Timing;
use crate::scenario::read::ScenarioFile;

impl ScenarioFile {
    /// The name of the existing cluster that the scenario runs on; `None` for a new one.
    pub fn existing_cluster(&self) -> Option<String> {
        let name = self.root.at("cluster.existing.name")?;
        let text = name.text().filter(|text| !name.is_null() && !text.contains("${"))?;
        Some(text.to_owned())
    }
}

pub(super) fn cluster(context: &Context<'_>, found: &mut Findings<'_>) {
    let source = &context.scenario.cluster;
    if source.existing().is_some() && source.timing == Timing::Fast {
        let message = "has no effect on an existing cluster; create the cluster with this timing";
        found.error("existing-timing", "cluster.timing", message).warning();
    }
    if let Some(version) = source.version()
        && let Some(text) = &version.kubernetes
    {
        if let Err(failure) = text.parse::<KubernetesSource>() {
            found.error("kubernetes-version", "cluster.kubernetes", failure.to_string());
        }
        if version.image.is_some() {
            let message = "has no effect together with `image`, which contains Kubernetes";
            found.error_at_name("unused-field", "cluster.kubernetes", message).warning();
        }
    }
    for problem in &context.cluster_problems {
        found.push(Finding::of_problem("cluster-config", &context.file.name, problem.clone()));
    }
}
