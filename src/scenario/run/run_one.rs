use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::api_probe::{self, Outages};
use super::execute::execute;
use super::lock::lock;
use super::outcome::describe;
use super::recorder::Recorder;
use super::retry::retry;
use super::session::{RunState, Session, Stop};
use super::step_log::{of_steps_that_ran, overall};
use super::watch::Watch;
use super::{cluster, faults, logs, namespace};
use crate::cluster::access;
use crate::config::Cluster;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::runtime::Engine;
use crate::scenario::history::{Begin, FORMAT, KindName};
use crate::scenario::judge::Program;
use crate::scenario::language::{Scenario, Timing};
use crate::scenario::outcome::{Judgement, RunReport, StepReport, Verdict};

/// The kinds that every run records.
const ALWAYS_RECORDED: [&str; 7] = [
    "v1/Node",
    "v1/Pod",
    "v1/Event",
    LEASE,
    "apps/v1/ReplicaSet",
    "apps/v1/Deployment",
    "discovery.k8s.io/v1/EndpointSlice",
];
const LEASE: &str = "coordination.k8s.io/v1/Lease";
/// The leases of nodes are their heartbeats. The leases of components do not matter to a scenario.
const LEASES_OF_NODES: &str = "kube-node-lease";

const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub struct Job {
    /// The scenario's file, as specified by the user.
    pub file: PathBuf,
    /// The file's folder. Paths in the scenario are relative to it.
    pub folder: PathBuf,
    /// Which run of the scenario it is: of its matrix and its repetitions; empty for the only one.
    pub variant: String,
    /// The scenario with its variables put in.
    pub scenario: Scenario,
    pub variables: Map<String, Value>,
    /// Name of the cluster that it makes, or of the one that exists.
    pub cluster: String,
    /// The configuration of the cluster that it makes, without its timing; `None` for one that exists.
    pub config: Option<Cluster>,
    /// The folder that its record goes to.
    pub output: PathBuf,
}

/// When to keep the cluster that a run created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    #[default]
    Never,
    OnFailure,
}

#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Kubernetes for scenarios that do not specify it.
    pub kubernetes: Option<String>,
    pub keep: Keep,
}

#[derive(Default)]
struct Outcome {
    kubernetes: String,
    elapsed: Duration,
    steps: Vec<StepReport>,
    judgements: Vec<Judgement>,
    /// Everything that prevented a complete run, including failures of the cleanup.
    errors: Vec<String>,
}

/// Runs a scenario once, from the creation of its cluster to the deletion, and reports the outcome.
/// `interrupted` ends the run early. Faults are healed and created objects are deleted all the same.
pub(super) async fn run_one(
    engine: &Arc<dyn Engine>,
    job: &Job,
    options: &Options,
    progress: &Progress,
    interrupted: &CancellationToken,
) -> RunReport {
    let time = Timestamp::now();
    let source = &job.scenario.cluster;
    let kubeconfig = job.output.join("kubeconfig");
    let mut creation = None;
    let result = async {
        // Fails before a cluster is created if the record cannot be written. Truncates an earlier record.
        std::fs::create_dir_all(&job.output)
            .and_then(|()| File::create(history(&job.output)).map(drop))
            .with_context(|| format!("cannot write {}", history(&job.output).display()))?;
        let program = compile(&job.scenario)?;
        if let Some(existing) = source.existing() {
            cluster::check(engine.as_ref(), existing).await?;
            if source.timing != Timing::Default {
                progress.note(format!(
                    "cluster {} keeps its own timing: `timing` applies to new clusters only",
                    existing.name
                ));
            }
        } else if interrupted.is_cancelled() {
            return Err(Failure::environment("interrupted").into());
        } else {
            let config = job.config.clone().unwrap_or_default();
            let (name, kubernetes) = (&job.cluster, options.kubernetes.as_deref());
            let created =
                cluster::create(engine, name, config, source, kubernetes, &kubeconfig, progress);
            creation = Some(created.await?);
        }
        on_cluster(engine, job, Arc::new(program), progress, interrupted, time).await
    }
    .await;
    let outcome = result
        .unwrap_or_else(|error| Outcome { errors: vec![describe(&error)], ..Outcome::default() });
    let mut report = report(job, time, creation, outcome);
    if creation.is_some() {
        report.kept = options.keep == Keep::OnFailure
            && report.verdict != Verdict::Pass
            && !interrupted.is_cancelled();
        if report.kept {
            progress.note(format!(
                "kept cluster {0}; run `kindrs export kubeconfig --name {0}` to use it, and `kindrs \
                 delete cluster --name {0}` to delete it",
                job.cluster
            ));
        } else {
            let removed = cluster::delete(engine.as_ref(), &job.cluster, &kubeconfig, progress);
            if let Err(error) = removed.await {
                let left = format!(
                    "cannot delete cluster {0}: {1}; run `kindrs delete cluster --name {0}`",
                    job.cluster,
                    describe(&error)
                );
                let before = report.error.take().map(|error| format!("{error}; "));
                report.error = Some(before.unwrap_or_default() + &left);
                report.verdict = report.verdict.max(Verdict::Inconclusive);
            }
            let _ = std::fs::remove_file(&kubeconfig);
        }
    }
    report
}

/// Runs the steps on a ready cluster, and cleans up.
async fn on_cluster(
    engine: &Arc<dyn Engine>,
    job: &Job,
    program: Arc<Program>,
    progress: &Progress,
    interrupted: &CancellationToken,
    time: Timestamp,
) -> anyhow::Result<Outcome> {
    let client = access::client(engine.as_ref(), &job.cluster).await?;
    let version = retry(|| client.apiserver_version());
    let version = tokio::select! {
        version = tokio::time::timeout(TIMEOUT, version) => version,
        () = interrupted.cancelled() => return Err(Failure::environment("interrupted").into()),
    };
    let version = version
        .context("the API server does not answer")
        .and_then(|version| version.context("cannot read the Kubernetes version"))?;
    let mut kinds: Vec<KindName> =
        ALWAYS_RECORDED.iter().map(|kind| KindName((*kind).into())).collect();
    for kind in program.kinds() {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let begin = Begin {
        format: FORMAT,
        kindrs: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: job.scenario.metadata.name.clone(),
        time,
        cluster: job.cluster.clone(),
        kubernetes: version.git_version.clone(),
        timing: job.scenario.cluster.timing,
        variables: job.variables.clone(),
        kinds: kinds.clone(),
    };
    let history = history(&job.output);
    let recorder = Recorder::begin(&history, program, begin);
    let recorder =
        Arc::new(recorder.with_context(|| format!("cannot write {}", history.display()))?);
    let session = Arc::new(Session {
        engine: engine.clone(),
        cluster: job.cluster.clone(),
        client,
        scenario: job.scenario.clone(),
        variables: job.variables.clone(),
        folder: job.folder.clone(),
        recorder,
        progress: progress.clone(),
        state: RunState::default(),
    });
    if job.scenario.cluster.existing().is_some() {
        session.state.cleanup.enable();
    }
    let mut outcome = on_session(&session, kinds, interrupted).await;
    outcome.kubernetes = version.git_version;
    Ok(outcome)
}

/// Runs the steps of a session, heals its faults and cleans up.
async fn on_session(
    session: &Arc<Session>,
    kinds: Vec<KindName>,
    interrupted: &CancellationToken,
) -> Outcome {
    // Tasks beside the steps. They end with this function.
    let mut companions = JoinSet::new();
    let begun = tokio::select! {
        begun = begin(session, kinds, &mut companions) => begun,
        () = interrupted.cancelled() => {
            session.end_steps(Stop::Interrupted);
            Ok(())
        }
    };
    let mut outcome = Outcome::default();
    match begun {
        Ok(()) => {
            companions.spawn({
                let (session, interrupted) = (session.clone(), interrupted.clone());
                async move {
                    interrupted.cancelled().await;
                    session.end_steps(Stop::Interrupted);
                }
            });
            execute(session).await;
        }
        Err(error) => {
            outcome.errors.push(describe(&error));
            session.end_steps(Stop::RecordFailed(describe(&error)));
            execute(session).await;
        }
    }
    let stop = lock(&session.state.reason).clone();
    if stop == Some(Stop::Interrupted) {
        outcome.errors.push("interrupted".to_owned());
    }
    outcome.elapsed = session.recorder.now().elapsed();
    let cut_short = !outcome.errors.is_empty()
        || matches!(stop, Some(Stop::Interrupted | Stop::Deadline(_) | Stop::RecordFailed(_)));
    // The record ends before kindrs heals the remaining faults: that is not part of the scenario.
    let (judgements, written) = session.recorder.end(cut_short);
    companions.shutdown().await;
    let written = written.context("cannot write the record");
    let healed = faults::heal_all(session).await.map(drop).context("cannot heal all faults");
    let cleaned =
        session.state.cleanup.run(&session.client).await.context("cannot clean up the cluster");
    for result in [written, healed, cleaned] {
        outcome.errors.extend(result.err().map(|error| describe(&error)));
    }
    outcome.steps = session.reports(&session.scenario.steps);
    outcome.judgements = of_steps_that_ran(judgements, &outcome.steps);
    outcome
}

/// Starts to record everything that happens.
async fn begin(
    session: &Arc<Session>,
    kinds: Vec<KindName>,
    companions: &mut JoinSet<()>,
) -> anyhow::Result<()> {
    namespace::ensure(session).await?;
    let (sender, outages) = Outages::channel();
    let mut watches = Vec::new();
    for kind in kinds {
        let namespace = (&*kind.0 == LEASE).then_some(LEASES_OF_NODES);
        let (client, recorder) = (session.client.clone(), session.recorder.clone());
        let mut watch = Watch::new(client, kind, namespace, recorder, outages.clone());
        watch.begin().await.with_context(|| format!("cannot list {}", watch.kind))?;
        watches.push(watch);
    }
    for watch in watches {
        companions.spawn(watch.run());
    }
    let (client, recorder) = (session.client.clone(), session.recorder.clone());
    companions.spawn(api_probe::probe(client, recorder, sender));
    let recorder = session.recorder.clone();
    companions.spawn(async move { recorder.keep_time().await });
    if !session.scenario.record.logs.is_empty() {
        companions.spawn(logs::follow(session.clone()));
    }
    Ok(())
}

/// Compiles a scenario. Lint reports the same mistakes with their positions.
pub(super) fn compile(scenario: &Scenario) -> anyhow::Result<Program> {
    Program::compile(scenario).map_err(|mistakes| {
        let lines: Vec<String> = mistakes
            .iter()
            .map(|mistake| format!("{}: {}", mistake.path, mistake.message))
            .collect();
        Failure::input(lines.join("\n")).into()
    })
}

fn report(job: &Job, time: Timestamp, creation: Option<Duration>, outcome: Outcome) -> RunReport {
    let floor = if outcome.errors.is_empty() { Verdict::Pass } else { Verdict::Inconclusive };
    let verdict = overall(floor, &outcome.steps, &outcome.judgements);
    RunReport {
        scenario: job.scenario.metadata.name.clone(),
        description: job.scenario.metadata.description.clone(),
        file: job.file.clone(),
        variant: job.variant.clone(),
        variables: job.variables.clone(),
        cluster: job.cluster.clone(),
        kubernetes: outcome.kubernetes,
        time,
        verdict,
        error: (!outcome.errors.is_empty()).then(|| outcome.errors.join("; ")),
        creation,
        elapsed: outcome.elapsed,
        history: history(&job.output),
        steps: outcome.steps,
        judgements: outcome.judgements,
        kept: false,
    }
}

fn history(output: &Path) -> PathBuf {
    output.join("history.jsonl")
}

#[cfg(test)]
#[path = "run_one_tests.rs"]
mod tests;
