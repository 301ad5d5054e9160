use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::cluster_name;
use super::context::Context;
use super::output::{self, Format};
use super::scenario_files::{Source, assignment, record, require_sound, sources};
use crate::config::Role;
use crate::failure::Failure;
use crate::interruption::interrupted;
use crate::runtime::Engine;
use crate::scenario::language::{ClusterNodes, Existing};
use crate::scenario::outcome::{RunReport, Verdict};
use crate::scenario::read::{FORMAT, ScenarioFile, Variant, planned_cluster};
use crate::scenario::report::{self, Analysis};
use crate::scenario::run::{Batch, Job, Keep, Options, Shard, run_all};
use crate::yaml::Problems;

/// The longest part of a scenario's name in its cluster's name, which node names contain.
const LONGEST_NAME: usize = 30;

/// Run scenarios on real clusters and judge their assertions
///
/// Creates a cluster for each run and deletes it at the end, unless the scenario uses an existing
/// cluster. Records everything that happens in DIR/SCENARIO/history.jsonl. Writes DIR/SCENARIO/report.html
/// for each run, and DIR/junit.xml, DIR/report.json and DIR/summary.md for all runs.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  All runs passed.
  1  An assertion or a step failed.
  2  A file or a flag is invalid. Nothing ran.
  3  A run is inconclusive or interrupted, or Docker, an image, the disk or the network failed.

Examples:
  kindrs scenario run e2e/scenarios/preemption.yaml
  kindrs scenario run e2e/scenarios --parallel 2 --report reports
  kindrs scenario run drill.yaml --cluster dev --set replicas=5
  kindrs scenario run flaky.yaml --repeat 20 --keep-on-failure")]
pub(super) struct ScenarioRun {
    /// Scenario files, or folders with *.yaml files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Override a variable; repeat for several. A matrix variable runs with this value only
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, Value)>,
    /// Existing cluster to run on, instead of the scenarios' own
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    cluster: Option<String>,
    /// Kubernetes for scenarios that do not specify it: vX.Y.Z, file:PATH or release:vX.Y.Z
    #[arg(long, value_name = "SOURCE", env = "KINDRS_KUBERNETES", hide_env_values = true)]
    kubernetes: Option<String>,
    /// Folder for records and reports
    #[arg(long, value_name = "DIR", default_value = "kindrs-report")]
    report: PathBuf,
    /// Number of runs at the same time, each on its own cluster
    #[arg(long, value_name = "N", default_value_t = 1)]
    parallel: usize,
    /// Number of times to run each scenario
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeat: usize,
    /// Part of all runs to run here, such as 1/3 on the first of three machines
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Keep the cluster of a run that does not pass
    #[arg(long)]
    keep_on_failure: bool,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

impl ScenarioRun {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let set: Map<String, Value> = self.set.iter().cloned().collect();
        let files = sources(&self.files)?;
        require_sound(context, &files, &set)?;
        let jobs = self.jobs(&files, &set)?;
        let docker = context.docker().await?;
        let engine: Arc<dyn Engine> = Arc::new(docker);
        let keep = if self.keep_on_failure { Keep::OnFailure } else { Keep::Never };
        let options = Options { kubernetes: self.kubernetes.clone(), keep };
        let batch = Batch { jobs, parallel: self.parallel, options };
        let stop = CancellationToken::new();
        let signals = tokio::spawn({
            let stop = stop.clone();
            async move {
                interrupted().await;
                stop.cancel();
            }
        });
        let reports = run_all(&engine, &batch, &context.progress, &stop).await;
        signals.abort();
        self.show(context, reports)?;
        if stop.is_cancelled() {
            return Err(Failure::environment("interrupted").into());
        }
        Ok(())
    }

    fn jobs(&self, sources: &[Source], set: &Map<String, Value>) -> anyhow::Result<Vec<Job>> {
        let mut jobs = Vec::new();
        let mut names: BTreeMap<String, PathBuf> = BTreeMap::new();
        for source in sources {
            let file = source.load()?;
            let combinations = file.combinations(set).map_err(Failure::from)?;
            let first = combinations.first().context("the matrix has no combinations")?;
            let read = |combination, cluster: &str| {
                file.variant(combination, cluster).map_err(Failure::from)
            };
            let name = read(first, cluster_name::DEFAULT)?.scenario.metadata.name;
            if let Some(other) = names.insert(name.clone(), source.path.clone()) {
                return Err(Failure::input(format!(
                    "{} and {} have the same name `{name}`",
                    other.display(),
                    source.path.display()
                ))
                .with_hint("set a different metadata.name in each scenario")
                .into());
            }
            for repetition in 1..=self.repeat.max(1) {
                for combination in &combinations {
                    // An existing cluster's name can depend on variables, and those on the name.
                    let existing = || -> Result<_, Failure> {
                        let draft = read(combination, cluster_name::DEFAULT)?;
                        Ok(draft.scenario.cluster.existing().map(|existing| existing.name.clone()))
                    };
                    let cluster = match &self.cluster {
                        Some(cluster) => cluster.clone(),
                        None => existing()?.unwrap_or_else(|| new_cluster_name(&name)),
                    };
                    let variant = read(combination, &cluster)?;
                    let mut label = variant.label.clone();
                    if self.repeat > 1 {
                        label = format!("{label} #{repetition}").trim().to_owned();
                    }
                    jobs.push(self.job(&file, &source.path, variant, label, &cluster)?);
                }
            }
        }
        if let Some(shard) = self.shard {
            let mut number = 0..;
            jobs.retain(|_| number.next().is_some_and(|number| shard.has(number)));
        }
        Ok(jobs)
    }

    fn job(
        &self,
        file: &ScenarioFile,
        path: &Path,
        variant: Variant,
        label: String,
        cluster: &str,
    ) -> anyhow::Result<Job> {
        let folder = &file.folder;
        let planned = planned_cluster(&variant, folder, cluster).map_err(|problems| {
            let file = file.name.clone();
            Failure::from(Problems { file, problems, hint: FORMAT })
        })?;
        let mut config = planned.map(|planned| planned.config);
        let mut scenario = variant.scenario;
        if let Some(name) = &self.cluster {
            let planned = config.iter().flat_map(|config| &config.nodes);
            let planned = planned.filter(|node| node.role == Role::Worker).count();
            let workers = scenario.cluster.existing().map_or(planned, |own| own.workers);
            let existing = Existing { name: name.clone(), workers };
            scenario.cluster.nodes = ClusterNodes::Existing { existing };
            config = None;
        }
        let mut output = scenario.metadata.name.clone();
        if !label.is_empty() {
            output = format!("{output}-{}", file_name(&label));
        }
        Ok(Job {
            file: path.to_owned(),
            folder: folder.clone(),
            variant: label,
            scenario,
            variables: variant.variables,
            cluster: cluster.to_owned(),
            output: self.report.join(output),
            config,
        })
    }

    /// Writes the reports, prints the result, and fails unless all runs passed.
    fn show(&self, context: &Context, reports: Vec<RunReport>) -> anyhow::Result<()> {
        let mut runs = Vec::new();
        for report in reports {
            let entries = match report.history.metadata() {
                Ok(file) if file.len() > 0 => record(&report.history).unwrap_or_else(|error| {
                    context
                        .progress
                        .warning(format!("cannot read the record for the reports: {error}"));
                    Vec::new()
                }),
                _ => Vec::new(),
            };
            runs.push(Analysis::new(report, &entries));
        }
        let written = report::write(&self.report, &runs);
        // Prints the result even if the reports cannot be written.
        output::print(&match self.output {
            Format::Text => report::text(&runs, output::is_colored()),
            Format::Json => report::json(&runs)?,
        })?;
        for path in &written? {
            context.progress.note(format!("wrote {}", path.display()));
        }
        passed(runs.iter().map(Analysis::run))
    }
}

/// Fails with [`Failure::Assertion`] if a run failed, otherwise with [`Failure::Environment`] if one
/// is inconclusive.
pub(super) fn passed<'a>(reports: impl Iterator<Item = &'a RunReport>) -> anyhow::Result<()> {
    let (mut failed, mut unknown) = (Vec::new(), Vec::new());
    for report in reports {
        let title = match report.variant.as_str() {
            "" => report.scenario.clone(),
            variant => format!("{} ({variant})", report.scenario),
        };
        match report.verdict {
            Verdict::Fail => failed.push(title),
            Verdict::Inconclusive => unknown.push(title),
            Verdict::Pass => {}
        }
    }
    if !failed.is_empty() {
        return Err(Failure::assertion(format!("failed: {}", failed.join(", "))).into());
    }
    if !unknown.is_empty() {
        return Err(Failure::environment(format!("inconclusive: {}", unknown.join(", "))).into());
    }
    Ok(())
}

fn new_cluster_name(scenario: &str) -> String {
    let short: String = scenario.chars().take(LONGEST_NAME).collect();
    let tail: String = std::iter::repeat_with(fastrand::alphanumeric).take(4).collect();
    format!("{}-{}", short.trim_end_matches(['-', '.']), tail.to_lowercase())
}

fn file_name(label: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "._=".contains(c) { c } else { '-' };
    let name: String = label.chars().map(kept).collect();
    name.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        run: ScenarioRun,
    }

    /// The clusters of the runs of a command line, for a scenario with this `cluster`.
    fn clusters(cluster: &str, more: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("short.yaml");
        let text = format!(
            "apiVersion: kindrs.dev/v1alpha1\nkind: Scenario\nmetadata: {{name: short}}\n\
             cluster: {cluster}\nmatrix: {{variables: {{value: [a, b]}}}}\n\
             steps: [{{kubectl: {{args: [get, '${{cluster}}', '${{value}}']}}}}]\n"
        );
        std::fs::write(&file, text).unwrap();
        let words = ["run", file.to_str().unwrap()].into_iter().chain(more.iter().copied());
        let run = <Line as clap::Parser>::parse_from(words).run;
        let jobs = run.jobs(&sources(&run.files).unwrap(), &Map::new()).unwrap();
        for job in &jobs {
            assert_eq!(job.variables["cluster"], job.cluster);
        }
        jobs.into_iter().map(|job| job.cluster).collect()
    }

    #[test]
    fn each_run_has_its_own_cluster() {
        let mut own = clusters("{workers: 1}", &["--repeat", "2"]);
        own.sort();
        own.dedup();
        assert_eq!(own.len(), 4);
        assert_eq!(clusters("{existing: {name: dev}}", &[]), ["dev", "dev"]);
        assert_eq!(clusters("{workers: 1}", &["--cluster", "mine"]), ["mine", "mine"]);
    }

    #[test]
    fn converts_labels_to_file_names() {
        assert_eq!(file_name("kubernetes=v1.36.3, workers=2 #3"), "kubernetes=v1.36.3-workers=2-3");
        assert_eq!(file_name("image=a/b:1"), "image=a-b-1");
    }

    #[test]
    fn cluster_names_are_unique() {
        let (one, other) = (new_cluster_name("preemption"), new_cluster_name("preemption"));
        assert!(one.starts_with("preemption-"));
        assert_ne!(one, other);
        crate::config::validate_cluster_name(&new_cluster_name(&"long-".repeat(20))).unwrap();
    }
}
