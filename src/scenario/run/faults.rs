use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::session::{Session, lock};
use crate::fault::{self, Request, Which};
use crate::scenario::history::{Change, FaultAction, FaultEntry, FaultState};

/// The faults of a run, by the names of the steps that injected them.
#[derive(Default)]
pub(super) struct Faults {
    active: Mutex<BTreeMap<String, Active>>,
}

struct Active {
    id: String,
    fault: String,
}

/// Injects a fault, and has it healed when its time is over. Returns what it does.
///
/// # Errors
/// As [`fault::prepare`], [`fault::provide`] and [`fault::inject`].
pub(super) async fn inject(
    session: &Arc<Session>,
    step: &str,
    request: &Request,
) -> anyhow::Result<String> {
    let engine = session.engine.as_ref();
    let plan = fault::prepare(engine, &session.cluster, request).await?;
    fault::provide(engine, &plan, &session.progress).await?;
    fault::mark(&session.cluster);
    let lasts = !plan.fault.is_instant();
    if lasts {
        let active = Active { id: plan.id.clone(), fault: plan.fault.name() };
        lock(&session.faults.active).insert(step.to_owned(), active);
    }
    // Before it is done: nothing that comes of it is to be in the record before it.
    let actions = plan.actions.iter().map(|action| FaultAction {
        node: action.node.clone(),
        target: action.subject.path(),
        effect: action.effect.clone(),
    });
    let over = || tell(session, step, &plan.id, &plan.fault.name(), FaultState::Healed, Vec::new());
    let (id, name) = (&plan.id, plan.fault.name());
    tell(session, step, id, &name, FaultState::Injected, actions.collect());
    if let Err(error) = fault::inject(engine, &plan).await {
        lock(&session.faults.active).remove(step);
        over();
        return Err(error);
    }
    if !lasts {
        over();
    }
    if let Some(duration) = request.duration {
        heal_after(session, step, duration);
    }
    let effects: Vec<String> =
        plan.actions.iter().map(|action| format!("{}: {}", action.node, action.effect)).collect();
    Ok(effects.join("; "))
}

fn tell(
    session: &Session,
    step: &str,
    id: &str,
    fault: &str,
    state: FaultState,
    actions: Vec<FaultAction>,
) {
    let entry = FaultEntry {
        step: step.to_owned(),
        id: id.to_owned(),
        fault: fault.to_owned(),
        state,
        actions,
    };
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

/// Heals the fault of a step; returns whether it was active.
///
/// # Errors
/// As [`fault::heal`]; the fault counts as active still.
pub(super) async fn heal(session: &Session, step: &str) -> anyhow::Result<bool> {
    let Some(active) = lock(&session.faults.active).remove(step) else { return Ok(false) };
    let which = Which::Named(vec![active.id.clone()]);
    match fault::heal(session.engine.as_ref(), &session.cluster, &which).await {
        Ok(_) => {
            tell(session, step, &active.id, &active.fault, FaultState::Healed, Vec::new());
            Ok(true)
        }
        Err(error) => {
            lock(&session.faults.active).insert(step.to_owned(), active);
            Err(error)
        }
    }
}

/// Heals every fault that this run injected; returns how many.
///
/// # Errors
/// The first failure, after all were tried.
pub(super) async fn heal_all(session: &Session) -> anyhow::Result<usize> {
    let steps: Vec<String> = lock(&session.faults.active).keys().cloned().collect();
    let mut healed = 0;
    let mut failed = None;
    for step in steps {
        match heal(session, &step).await {
            Ok(was_active) => healed += usize::from(was_active),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(healed),
    }
}
