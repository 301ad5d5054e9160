use std::sync::Arc;
use std::time::Duration;

use super::active_faults::Active;
use super::lock::lock;
use super::session::Session;
use crate::fault::{self, FaultPlan, Request, Which, marker};
use crate::scenario::history::{Change, FaultAction, FaultEntry, FaultState};
use crate::scenario::language::Fields;

/// Injects a fault, and heals it at its end. Returns its effects.
pub(super) async fn inject(
    session: &Arc<Session>,
    step: &str,
    request: &Request,
) -> anyhow::Result<String> {
    let engine = session.engine.as_ref();
    let plan = fault::plan_for_cluster(engine, &session.cluster, request).await;
    let plan = plan.map_err(|error| error.worded(&Fields))?;
    fault::install_proxy(engine, &plan, &session.progress).await?;
    marker::remember(&session.cluster);
    let duration = request.duration;
    let (session, step) = (session.clone(), step.to_owned());
    // The injection continues even if its step is cut short.
    let injection = tokio::spawn(async move {
        let changing = session.state.faults.changing.clone();
        let _changing = changing.read().await;
        if session.state.stop.is_cancelled() {
            anyhow::bail!("the steps have ended");
        }
        do_inject(&session, &step, &plan).await?;
        if let Some(duration) = duration {
            heal_after(&session, &step, duration);
        }
        let effects = plan.actions.iter();
        let effects = effects.map(|action| format!("{}: {}", action.node, action.effect));
        anyhow::Ok(effects.collect::<Vec<_>>().join("; "))
    });
    injection.await?
}

async fn do_inject(session: &Session, step: &str, plan: &FaultPlan) -> anyhow::Result<()> {
    let lasts = !plan.fault.is_instant();
    let fault = Active { id: plan.id.clone(), fault: plan.fault.name().to_owned() };
    let state = &session.state.faults;
    lock(&state.ended).remove(step);
    if lasts {
        lock(&state.active).insert(step.to_owned(), fault.clone());
    }
    // Before the injection, so that the record has its consequences after it.
    let actions = plan.actions.iter().map(|action| FaultAction {
        node: action.node.clone(),
        target: action.subject.path(),
        effect: action.effect.clone(),
    });
    record(session, step, &fault, FaultState::Injected, actions.collect());
    if let Err(error) = fault::inject(session.engine.as_ref(), plan).await {
        lock(&state.active).remove(step);
        record(session, step, &fault, FaultState::Healed, Vec::new());
        return Err(error.worded(&Fields));
    }
    if !lasts {
        record(session, step, &fault, FaultState::Healed, Vec::new());
        lock(&state.ended).insert(step.to_owned());
    }
    Ok(())
}

fn record(
    session: &Session,
    step: &str,
    fault: &Active,
    state: FaultState,
    actions: Vec<FaultAction>,
) {
    let Active { id, fault } = fault.clone();
    let entry = FaultEntry { step: step.to_owned(), id, fault, state, actions };
    session.recorder.record(Change::Fault(Box::new(entry)));
}

fn heal_after(session: &Arc<Session>, step: &str, duration: Duration) {
    let (session, step) = (session.clone(), step.to_owned());
    tokio::spawn(async move {
        tokio::time::sleep(duration).await;
        if let Err(error) = heal(&session, &step).await {
            session.progress.warning(format!("{step}: {error:#}"));
        }
    });
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Healing {
    Done,
    /// The fault ended by itself, or was healed before.
    Over,
    Nothing,
}

/// Heals the fault of a step. After an error, the fault still counts as active.
pub(super) async fn heal(session: &Arc<Session>, step: &str) -> anyhow::Result<Healing> {
    let (session, step) = (session.clone(), step.to_owned());
    let healing = tokio::spawn(async move {
        let changing = session.state.faults.changing.clone();
        let _changing = changing.write().await;
        do_heal(&session, &step).await
    });
    healing.await?
}

async fn do_heal(session: &Session, step: &str) -> anyhow::Result<Healing> {
    let Some(active) = lock(&session.state.faults.active).get(step).cloned() else {
        let has_ended = lock(&session.state.faults.ended).contains(step);
        return Ok(if has_ended { Healing::Over } else { Healing::Nothing });
    };
    let which = Which::Named(vec![active.id.clone()]);
    fault::heal(session.engine.as_ref(), &session.cluster, &which).await?;
    lock(&session.state.faults.active).remove(step);
    lock(&session.state.faults.ended).insert(step.to_owned());
    record(session, step, &active, FaultState::Healed, Vec::new());
    Ok(Healing::Done)
}

/// Heals every fault that this run has injected or is about to inject. Returns how many, or the first
/// failure after trying all faults.
pub(super) async fn heal_all(session: &Arc<Session>) -> anyhow::Result<usize> {
    let changing = session.state.faults.changing.clone();
    // Waits for the injections and healings that are under way.
    drop(changing.write().await);
    let steps: Vec<String> = lock(&session.state.faults.active).keys().cloned().collect();
    let mut healed = 0;
    let mut failed = None;
    for step in steps {
        match heal(session, &step).await {
            Ok(healing) => healed += usize::from(healing == Healing::Done),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(healed), Err)
}

#[cfg(test)]
#[path = "faults_tests.rs"]
mod tests;
