use futures::future::{join_all, try_join_all};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DeleteParams, EvictParams};

use crate::cluster::access::client;
use crate::failure::Failure;
use crate::runtime::{ByteSource, Engine, EngineError};

use super::action::{Action, ApiAction, EngineAction, Subject};
use super::entry::Entry;
use super::heal::{STOP_GRACE, put_back};
use super::plan::FaultPlan;
use super::refusal::{Error, Refusal};
use super::{event, journal, script};

/// Probes every node, then writes the actions to each node's journal and performs them, on all nodes at
/// once. If one of the actions fails, all are healed. Returns the journal entries, node by node.
/// Fails if a node lacks what the fault needs, or if an action fails. Nothing of the fault is left
/// then.
pub async fn inject(engine: &dyn Engine, plan: &FaultPlan) -> Result<Vec<Entry>, Error> {
    // A fault that takes down the API server has to create its Events before.
    let events_first = plan.affects_control_plane();
    // A single action is probed by the same command that performs it.
    let alone = !events_first && matches!(plan.actions.as_slice(), [one] if one.is_script());
    if !alone {
        try_join_all(plan.actions.iter().map(|action| probe(engine, action))).await?;
    }
    let keys = journal::keys(plan);
    let since = Timestamp::now();
    let steps: Vec<(&String, &Action)> = keys.iter().zip(&plan.actions).collect();
    let entries: Vec<Entry> =
        plan.actions.iter().map(|action| journal::entry(plan, action, since)).collect();
    let events = || entries.iter().map(event::injected).collect();
    if events_first {
        event::create(engine, &plan.cluster, events()).await;
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
            Some(error) => format!(", and healing it failed: {error:#}"),
            None if plan.fault.is_instant() => String::new(),
            None => " and is healed".to_owned(),
        };
        return Err(error.context(format!("{} failed{note}", plan.fault.name())).into());
    }
    if !events_first {
        event::create(engine, &plan.cluster, events()).await;
    }
    if plan.fault.is_instant() {
        // There is nothing to heal.
        join_all(steps.iter().map(|(key, action)| forget(engine, &action.node, key))).await;
    }
    Ok(entries)
}

async fn probe(engine: &dyn Engine, action: &Action) -> Result<(), Error> {
    let Some(probe) = &action.probe else { return Ok(()) };
    let output = engine.exec(&action.node, &["sh", "-c", &probe.script], None).await?;
    match output.code {
        0 => Ok(()),
        _ => Err(Refusal::Unable(probe.inability.clone()).into()),
    }
}

/// Writes an action to the journal and performs it, by one command in the node. Returns a refusal if
/// the command also probes the node, and the node lacks something; nothing has changed then.
async fn run_script(
    engine: &dyn Engine,
    plan: &FaultPlan,
    key: &str,
    action: &Action,
    since: Timestamp,
    probes: bool,
) -> anyhow::Result<Option<Refusal>> {
    if !action.is_script() {
        return Ok(None);
    }
    let probe = action.probe.as_ref().filter(|_| probes);
    let script = script::write_and_inject(key, probe.map(|probe| probe.script.as_str()));
    let tar = journal::archive_of(plan, key, action, since)?;
    let input: ByteSource = Box::new(std::io::Cursor::new(tar));
    let output = engine.exec(&action.node, &["sh", "-c", &script], Some(input)).await?;
    match (output.code, probe) {
        (0, _) => Ok(None),
        (script::UNABLE, Some(probe)) => Ok(Some(Refusal::Unable(probe.inability.clone()))),
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
        Failure::environment(format!(
            "{}: the API server rejects the request: {error}",
            subject.path()
        ))
        .into()
    })
}

async fn forget(engine: &dyn Engine, node: &str, key: &str) -> Result<(), EngineError> {
    let folder = format!("{}/{key}", script::JOURNAL);
    let lock = script::lock(key);
    engine.exec(node, &["rm", "-rf", &folder, &lock], None).await.map(drop)
}

#[cfg(test)]
#[path = "inject_tests.rs"]
mod tests;
