use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::api_probe::{self, Outages};
use super::batch::Job;
use super::execute::{execute, verdict_of};
use super::outcome::told;
use super::patience::patiently;
use super::recorder::Recorder;
use super::session::{Parts, Session, Stop, lock};
use super::step_reports::of_steps_that_ran;
use super::watch::Watch;
use super::{cluster, faults, logs, namespace};
use crate::cluster::access;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::runtime::Engine;
use crate::scenario::history::{Begin, KindName};
use crate::scenario::judge::{Judgement, Program, Verdict};
use crate::scenario::language::{Scenario, Timing};
use crate::scenario::outcome::{RunReport, StepReport};

/// Version of the record's format.
const FORMAT: u32 = 1;

/// What every run records.
const ALWAYS: [&str; 7] = [
    "v1/Node",
    "v1/Pod",
    "v1/Event",
    LEASE,
    "apps/v1/ReplicaSet",
    "apps/v1/Deployment",
    "discovery.k8s.io/v1/EndpointSlice",
];
const LEASE: &str = "coordination.k8s.io/v1/Lease";
/// Leases of nodes are their heartbeats; those of components say nothing of a scenario.
const LEASES_OF_NODES: &str = "kube-node-lease";

/// How long the API server may take to its first answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// When the cluster that a run has made stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// Never.
    #[default]
    Never,
    /// When the run did not pass.
    OnFailure,
}

/// How runs are made.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Kubernetes where the scenario names none.
    pub kubernetes: Option<String>,
    /// When a run's cluster stays.
    pub keep: Keep,
}

/// What a run has come to.
#[derive(Default)]
struct Outcome {
    kubernetes: String,
    elapsed: Duration,
    steps: Vec<StepReport>,
    judgements: Vec<Judgement>,
    /// What kept it from being made as it should, or from being tidied up.
    errors: Vec<String>,
}

/// Runs a scenario once, from its cluster's making to its deletion, and tells what came of it.
/// `interrupted` ends it: faults are healed and what it made is deleted all the same.
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
        // Before a cluster is made for a record that nobody can write; one of an earlier run goes.
        std::fs::create_dir_all(&job.output)
            .and_then(|()| File::create(history(&job.output)).map(drop))
            .with_context(|| format!("cannot write {}", history(&job.output).display()))?;
        let program = compile(&job.scenario)?;
        if let Some(existing) = source.existing() {
            cluster::check(engine.as_ref(), existing).await?;
            if source.timing != Timing::Default {
                progress.note(format!(
                    "cluster {} has the timing that it was made with, whatever the scenario says",
                    existing.name
                ));
            }
        } else if interrupted.is_cancelled() {
            return Err(Failure::environment("interrupted").into());
        } else {
            let config = job.config.clone().unwrap_or_default();
            let (name, kubernetes) = (&job.cluster, options.kubernetes.as_deref());
            let made =
                cluster::make(engine, name, config, source, kubernetes, &kubeconfig, progress);
            creation = Some(made.await?);
        }
        on_cluster(engine, job, Arc::new(program), progress, interrupted, time).await
    }
    .await;
    let outcome =
        result.unwrap_or_else(|error| Outcome { errors: vec![told(&error)], ..Outcome::default() });
    let mut report = report(job, time, creation, outcome);
    if creation.is_some() {
        report.kept = options.keep == Keep::OnFailure
            && report.verdict != Verdict::Pass
            && !interrupted.is_cancelled();
        if report.kept {
            progress.note(format!(
                "cluster {0} is kept: `kindrs export kubeconfig --name {0}` leads to it, `kindrs \
                 delete cluster --name {0}` removes it",
                job.cluster
            ));
        } else {
            let removed = cluster::remove(engine.as_ref(), &job.cluster, &kubeconfig, progress);
            if let Err(error) = removed.await {
                let left = format!(
                    "cluster {0} is left behind ({1}): remove it with `kindrs delete cluster \
                     --name {0}`",
                    job.cluster,
                    told(&error)
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

/// Runs the steps on a cluster that is up, and puts back what they broke.
async fn on_cluster(
    engine: &Arc<dyn Engine>,
    job: &Job,
    program: Arc<Program>,
    progress: &Progress,
    interrupted: &CancellationToken,
    time: Timestamp,
) -> anyhow::Result<Outcome> {
    let client = access::client(engine.as_ref(), &job.cluster).await?;
    let version = patiently(|| client.apiserver_version());
    let version = tokio::select! {
        version = tokio::time::timeout(PATIENCE, version) => version,
        () = interrupted.cancelled() => return Err(Failure::environment("interrupted").into()),
    };
    let version = version
        .context("the API server has no answer")
        .and_then(|version| version.context("asking for Kubernetes' version"))?;
    let mut kinds: Vec<KindName> = ALWAYS.iter().map(|kind| KindName((*kind).into())).collect();
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
    let recorder = Arc::new(recorder.with_context(|| format!("writing {}", history.display()))?);
    let session = Arc::new(Session::new(Parts {
        engine: engine.clone(),
        cluster: job.cluster.clone(),
        client,
        scenario: job.scenario.clone(),
        variables: job.variables.clone(),
        folder: job.folder.clone(),
        recorder,
        progress: progress.clone(),
    }));
    if job.scenario.cluster.existing().is_some() {
        session.tidying.enable();
    }
    let mut outcome = on_session(&session, kinds, interrupted).await;
    outcome.kubernetes = version.git_version;
    Ok(outcome)
}

/// Runs the steps of a session, and puts back what they broke.
async fn on_session(
    session: &Arc<Session>,
    kinds: Vec<KindName>,
    interrupted: &CancellationToken,
) -> Outcome {
    // Ended with all that they run.
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
            outcome.errors.push(told(&error));
            session.end_steps(Stop::Record(told(&error)));
            execute(session).await;
        }
    }
    let stop = lock(&session.reason).clone();
    if stop == Some(Stop::Interrupted) {
        outcome.errors.push("interrupted".to_owned());
    }
    outcome.elapsed = session.recorder.now().elapsed();
    let cut_short = !outcome.errors.is_empty()
        || matches!(stop, Some(Stop::Interrupted | Stop::Deadline(_) | Stop::Record(_)));
    // What is healed from here on is not the scenario's doing.
    let (judgements, written) = session.recorder.end(cut_short);
    companions.shutdown().await;
    let written = written.context("the record cannot be written");
    let healed = faults::heal_all(session).await.map(drop).context("healing the faults");
    let tidied = session.tidying.tidy(&session.client).await.context("tidying the cluster up");
    for result in [written, healed, tidied] {
        outcome.errors.extend(result.err().map(|error| told(&error)));
    }
    outcome.steps = session.reports(&session.scenario.steps);
    outcome.judgements = of_steps_that_ran(judgements, &outcome.steps);
    outcome
}

/// Begins to record everything that happens.
async fn begin(
    session: &Arc<Session>,
    kinds: Vec<KindName>,
    companions: &mut JoinSet<()>,
) -> anyhow::Result<()> {
    namespace::provide(session).await?;
    let (away, outages) = Outages::channel();
    let mut watches = Vec::new();
    for kind in kinds {
        let namespace = (&*kind.0 == LEASE).then_some(LEASES_OF_NODES);
        let (client, recorder) = (session.client.clone(), session.recorder.clone());
        let mut watch = Watch::new(client, kind, namespace, recorder, outages.clone());
        watch.begin().await.with_context(|| format!("listing {}", watch.kind))?;
        watches.push(watch);
    }
    for watch in watches {
        companions.spawn(watch.run());
    }
    let (client, recorder) = (session.client.clone(), session.recorder.clone());
    companions.spawn(api_probe::probe(client, recorder, away));
    let recorder = session.recorder.clone();
    companions.spawn(async move { recorder.keep_time().await });
    if !session.scenario.record.logs.is_empty() {
        companions.spawn(logs::follow(session.clone()));
    }
    Ok(())
}

/// Compiles a scenario's assertions.
///
/// # Errors
/// [`Failure::Input`] with all that is wrong; lint finds it with its places.
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
    let steps = outcome.steps.iter().map(|step| verdict_of(step.state));
    let judgements = outcome.judgements.iter().map(|judgement| judgement.verdict);
    let verdict = steps.chain(judgements).fold(floor, Verdict::max);
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

/// The record of a run that writes into `output`.
fn history(output: &Path) -> PathBuf {
    output.join("history.jsonl")
}

#[cfg(test)]
#[path = "run_one_tests.rs"]
mod tests;
