use futures::future::{join_all, try_join_all};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DeleteParams, EvictParams};

use crate::failure::Failure;
use crate::runtime::{Engine, EngineError};

use super::action::{Action, ApiAction, EngineAction, Impact, Subject};
use super::collect::client;
use super::heal::{STOP_GRACE, put_back};
use super::journal::{self, Entry};
use super::plan::FaultPlan;
use super::{event, script};

/// A fault that was injected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injected {
    /// Its name, for healing.
    pub id: String,
    /// What it did, container by container.
    pub entries: Vec<Entry>,
}

/// Checks that every node can do what is planned, writes the journal, then does it everywhere at
/// once. When one of the actions fails, all are put back.
///
/// # Errors
/// [`Failure::Environment`] when a node cannot do it, or when it failed; nothing of it is left then.
pub async fn inject(engine: &dyn Engine, plan: &FaultPlan) -> anyhow::Result<Injected> {
    try_join_all(plan.actions.iter().map(|action| probe(engine, action))).await?;
    let keys = journal::keys(plan);
    let since = Timestamp::now();
    let steps: Vec<(&String, &Action)> = keys.iter().zip(&plan.actions).collect();
    let entries: Vec<Entry> =
        plan.actions.iter().map(|action| journal::entry(plan, action, since)).collect();
    let events = || entries.iter().map(event::injected).collect();

    let written = try_join_all(steps.iter().filter(|(_, action)| !action.is_for_api_only()).map(
        |(key, action)| async move { journal::write(engine, plan, key, action, since).await },
    ));
    // Whoever takes the API server away can only tell of it before.
    let telling = tell(engine, plan, events);
    let takes_api = plan.actions.iter().any(|action| action.impact != Impact::None);
    let done = async {
        written.await?;
        try_join_all(steps.iter().map(|(_, action)| act(engine, plan, action))).await?;
        run_scripts(engine, &steps).await
    };
    let result = if takes_api && touches_control_plane(plan) {
        telling.await;
        done.await
    } else {
        tokio::join!(telling, done).1
    };
    if let Err(error) = result {
        let lasting = steps.iter().zip(&entries).filter(|((_, a), _)| !a.is_for_api_only());
        let back = join_all(lasting.map(|((key, _), entry)| put_back(engine, key, entry))).await;
        let note = match back.into_iter().find_map(Result::err) {
            Some(error) => format!("; and putting it back failed: {error:#}"),
            None if plan.fault.is_instant() => String::new(),
            None => "; what was done of it is put back".to_owned(),
        };
        return Err(error.context(format!("{} failed{note}", plan.fault.name())));
    }
    if plan.fault.is_instant() {
        // Done, and nothing to put back.
        join_all(steps.iter().map(|(key, action)| forget(engine, &action.node, key))).await;
    }
    Ok(Injected { id: plan.id.clone(), entries })
}

fn touches_control_plane(plan: &FaultPlan) -> bool {
    plan.actions.iter().any(|action| action.node.contains("-control-plane"))
}

async fn tell(engine: &dyn Engine, plan: &FaultPlan, events: impl Fn() -> Vec<serde_json::Value>) {
    match client(engine, &plan.cluster).await {
        Ok(client) => event::tell(Some(&client), events()).await,
        Err(error) => tracing::debug!("no Events: {error:#}"),
    }
}

async fn probe(engine: &dyn Engine, action: &Action) -> anyhow::Result<()> {
    let Some((script, refusal)) = &action.probe else { return Ok(()) };
    let output = engine.exec(&action.node, &["sh", "-c", script], None).await?;
    if output.code == 0 { Ok(()) } else { Err(Failure::environment(refusal.clone()).into()) }
}

async fn run_scripts(engine: &dyn Engine, steps: &[(&String, &Action)]) -> anyhow::Result<()> {
    let with_scripts = steps.iter().filter(|(_, action)| action.inject.is_some());
    try_join_all(with_scripts.map(|(key, action)| async move {
        let path = format!("{}/{key}/inject", script::JOURNAL);
        let output = engine.exec(&action.node, &["sh", &path], None).await?;
        if output.code == 0 {
            return Ok(());
        }
        Err(Failure::environment(format!("{}: {}", action.node, output.text().trim())).into())
    }))
    .await
    .map(|_: Vec<()>| ())
}

async fn act(engine: &dyn Engine, plan: &FaultPlan, action: &Action) -> anyhow::Result<()> {
    let node = &action.node;
    match action.engine {
        Some(EngineAction::Stop) => engine.stop_container(node, STOP_GRACE).await?,
        Some(EngineAction::Kill) => engine.kill_container(node).await?,
        Some(EngineAction::Pause) => engine.pause_container(node).await?,
        Some(EngineAction::Restart) => {
            engine.stop_container(node, STOP_GRACE).await?;
            engine.start_container(node).await?;
        }
        None => {}
    }
    if let Some(api) = action.api {
        ask(&client(engine, &plan.cluster).await?, api, &action.subject).await?;
    }
    Ok(())
}

async fn ask(client: &Client, action: ApiAction, subject: &Subject) -> anyhow::Result<()> {
    let Subject::Pod { namespace, name, uid } = subject else { return Ok(()) };
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let delete = DeleteParams::default()
        .preconditions(kube::api::Preconditions { uid: Some(uid.clone()), ..Default::default() });
    let result = match action {
        ApiAction::Delete => pods.delete(name, &delete).await.map(drop),
        ApiAction::ForceDelete => pods.delete(name, &delete.grace_period(0)).await.map(drop),
        ApiAction::Evict => pods.evict(name, &EvictParams::default()).await.map(drop),
    };
    result.map_err(|error| {
        Failure::environment(format!("{}: the API server refuses: {error}", subject.path())).into()
    })
}

/// Removes an entry whose fault is over; a container that is gone has none.
async fn forget(engine: &dyn Engine, node: &str, key: &str) -> Result<(), EngineError> {
    let folder = format!("{}/{key}", script::JOURNAL);
    let lock = script::lock(key);
    engine.exec(node, &["rm", "-rf", &folder, &lock], None).await.map(drop)
}

#[cfg(test)]
#[path = "inject_tests.rs"]
mod tests;
