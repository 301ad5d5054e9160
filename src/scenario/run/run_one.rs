use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::api_probe::Availability;
use super::batch::Job;
use super::execute::{execute, verdict_of};
use super::outcome::told;
use super::recorder::Recorder;
use super::session::{Parts, Session, Stop, lock};
use super::step_reports::of_steps_that_ran;
use super::watch::Watch;
use super::{access, api_probe, cluster, faults, logs};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::runtime::Engine;
use crate::scenario::evaluate::{Judgement, Program, Verdict};
use crate::scenario::history::{Begin, KindName};
use crate::scenario::language::Scenario;
use crate::scenario::report::{RunReport, StepReport};

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

/// What a run has come to so far.
struct Outcome {
    kubernetes: String,
    creation: Option<Duration>,
    elapsed: Duration,
    steps: Vec<StepReport>,
    judgements: Vec<Judgement>,
    stop: Option<Stop>,
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
        std::fs::create_dir_all(&job.output)
            .with_context(|| format!("cannot make {}", job.output.display()))?;
        let program = compile(&job.scenario)?;
        if let Some(existing) = &source.existing {
            cluster::check(engine.as_ref(), existing).await?;
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
    let mut report = report(job, time, creation, result);
    if source.existing.is_none() && creation.is_some() {
        report.kept = options.keep == Keep::OnFailure && report.verdict != Verdict::Pass;
        if report.kept {
            progress.note(format!(
                "cluster {0} is kept: `kindrs export kubeconfig --name {0}` leads to it, `kindrs \
                 delete cluster --name {0}` removes it",
                job.cluster
            ));
        } else {
            let removed = cluster::remove(engine.as_ref(), &job.cluster, &kubeconfig, progress);
            if let Err(error) = removed.await {
                report.error.get_or_insert(told(&error));
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
    let version = client.apiserver_version().await.context("asking for Kubernetes' version")?;
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
        client: client.clone(),
        scenario: job.scenario.clone(),
        variables: job.variables.clone(),
        folder: job.folder.clone(),
        recorder: recorder.clone(),
        progress: progress.clone(),
    }));
    if job.scenario.cluster.existing.is_some() {
        session.tidying.enable();
    }
    // Dropped at the end, with all that it runs.
    let mut companions = JoinSet::new();
    let (asked, api) = watch::channel(Availability::AT_FIRST);
    let mut watches = Vec::new();
    for kind in kinds {
        let namespace = (&*kind.0 == LEASE).then_some(LEASES_OF_NODES);
        let (client, recorder, api) = (client.clone(), recorder.clone(), api.clone());
        let mut watch = Watch::new(client, kind, namespace, recorder, api);
        watch.begin().await.with_context(|| format!("listing {}", watch.kind))?;
        watches.push(watch);
    }
    for watch in watches {
        companions.spawn(watch.run());
    }
    companions.spawn(api_probe::probe(client.clone(), recorder.clone(), asked));
    companions.spawn({
        let recorder = recorder.clone();
        async move { recorder.keep_time().await }
    });
    if !job.scenario.record.logs.is_empty() {
        companions.spawn(logs::follow(session.clone()));
    }
    companions.spawn({
        let (session, interrupted) = (session.clone(), interrupted.clone());
        async move {
            interrupted.cancelled().await;
            session.end_steps(Stop::Interrupted);
        }
    });

    execute(&session).await;
    let stop = lock(&session.reason).clone();
    let healed = faults::heal_all(&session).await;
    let elapsed = recorder.now().elapsed();
    let cut_short = matches!(stop, Some(Stop::Interrupted | Stop::Deadline(_)));
    let judgements = recorder.end(cut_short);
    companions.shutdown().await;
    if session.tidying.is_due() {
        // Its own faults may have taken it, and it takes a while to come back.
        api_probe::await_return(&client).await;
    }
    session.tidying.tidy(&client).await.context("tidying the cluster up")?;
    healed?;
    let judgements = judgements.with_context(|| format!("writing {}", history.display()))?;
    let steps = session.reports(&job.scenario.steps);
    let judgements = of_steps_that_ran(judgements, &steps);
    let kubernetes = version.git_version;
    Ok(Outcome { kubernetes, creation: None, elapsed, steps, judgements, stop })
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

fn report(
    job: &Job,
    time: Timestamp,
    creation: Option<Duration>,
    result: anyhow::Result<Outcome>,
) -> RunReport {
    let (outcome, error) = match result {
        Ok(outcome) => {
            let error = match &outcome.stop {
                Some(Stop::Interrupted) => Some("interrupted".to_owned()),
                _ => None,
            };
            (Some(outcome), error)
        }
        Err(error) => (None, Some(told(&error))),
    };
    let mut verdict = if error.is_some() { Verdict::Inconclusive } else { Verdict::Pass };
    if let Some(outcome) = &outcome {
        let steps = outcome.steps.iter().map(|step| verdict_of(step.state));
        let judgements = outcome.judgements.iter().map(|judgement| judgement.verdict);
        verdict = steps.chain(judgements).fold(verdict, Verdict::max);
        if matches!(outcome.stop, Some(Stop::Deadline(_))) {
            verdict = Verdict::Fail;
        }
    }
    let outcome = outcome.unwrap_or(Outcome {
        kubernetes: String::new(),
        creation: None,
        elapsed: Duration::ZERO,
        steps: Vec::new(),
        judgements: Vec::new(),
        stop: None,
    });
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
        error,
        creation: creation.or(outcome.creation),
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
