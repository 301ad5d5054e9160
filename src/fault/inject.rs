use futures::future::{join_all, try_join_all};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DeleteParams, EvictParams};

use crate::cluster::access::client;
use crate::failure::Failure;
use crate::runtime::{ByteSource, Engine, EngineError};

use super::action::{Action, ApiAction, EngineAction, Impact, Subject};
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

/// Checks that every node can do what is planned, then writes it to each node's journal and does it,
/// everywhere at once. When one of the actions fails, all are put back.
///
/// # Errors
/// [`Failure::Environment`] when a node cannot do it, or when it failed; nothing of it is left then.
pub async fn inject(engine: &dyn Engine, plan: &FaultPlan) -> anyhow::Result<Injected> {
    // Whoever takes the API server away can only tell of it before.
    let tells_first = takes_control_plane(plan);
    // One action alone is probed in the same breath as it is done.
    let alone = !tells_first && matches!(plan.actions.as_slice(), [one] if one.is_script());
    if !alone {
        try_join_all(plan.actions.iter().map(|action| probe(engine, action))).await?;
    }
    let keys = journal::keys(plan);
    let since = Timestamp::now();
    let steps: Vec<(&String, &Action)> = keys.iter().zip(&plan.actions).collect();
    let entries: Vec<Entry> =
        plan.actions.iter().map(|action| journal::entry(plan, action, since)).collect();
    let events = || entries.iter().map(event::injected).collect();
    if tells_first {
        tell(engine, plan, events).await;
    }
    let result = async {
        let through_engine = steps.iter().filter(|(_, action)| action.engine.is_some());
        try_join_all(through_engine.map(|(key, action)| async move {
            let tar = journal::archive_of(plan, key, action, since)?;
            anyhow::Ok(engine.upload(&action.node, "/", tar).await?)
        }))
        .await?;
        try_join_all(steps.iter().map(|(key, action)| async move {
            act(engine, plan, action).await?;
            run_script(engine, plan, key, action, since, alone).await
        }))
        .await
    }
    .await;
    let result = match result {
        Ok(refusals) => match refusals.into_iter().flatten().next() {
            Some(refusal) => return Err(refusal.into()),
            None => Ok(()),
        },
        Err(error) => Err(error),
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
    if !tells_first {
        tell(engine, plan, events).await;
    }
    if plan.fault.is_instant() {
        // Done, and nothing to put back.
        join_all(steps.iter().map(|(key, action)| forget(engine, &action.node, key))).await;
    }
    Ok(Injected { id: plan.id.clone(), entries })
}

fn takes_control_plane(plan: &FaultPlan) -> bool {
    plan.actions
        .iter()
        .any(|action| action.impact != Impact::None && action.node.contains("-control-plane"))
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

/// Writes an action to the journal and does it, by one command in the node. `Some` is why the node
/// cannot do it, when it was to be probed as well: nothing has changed then.
async fn run_script(
    engine: &dyn Engine,
    plan: &FaultPlan,
    key: &str,
    action: &Action,
    since: Timestamp,
    probes: bool,
) -> anyhow::Result<Option<Failure>> {
    if !action.is_script() {
        return Ok(None);
    }
    let probe = action.probe.as_ref().filter(|_| probes);
    let script = script::write_and_inject(key, probe.map(|(script, _)| script.as_str()));
    let tar = journal::archive_of(plan, key, action, since)?;
    let input: ByteSource = Box::new(std::io::Cursor::new(tar));
    let output = engine.exec(&action.node, &["sh", "-c", &script], Some(input)).await?;
    match (output.code, probe) {
        (0, _) => Ok(None),
        (script::CANNOT, Some((_, refusal))) => Ok(Some(Failure::environment(refusal.clone()))),
        _ => Err(Failure::environment(format!("{}: {}", action.node, output.text().trim())).into()),
    }
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
