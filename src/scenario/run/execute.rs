use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use tokio_util::sync::CancellationToken;

use super::api_probe;
use super::lock::lock;
use super::outcome::{Unmet, cause_of, describe, state_of};
use super::recorder::Mark;
use super::session::{Session, Stop};
use super::step::perform;
use crate::scenario::history::{StepCause, StepState};
use crate::scenario::language::{Action, Step};

/// The pause between the tries of a step without `delay`.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Runs all steps of a scenario, including those in the background, and then waits for everything that must
/// still follow an event. A failure, the scenario's deadline or an interruption ends the steps early.
pub(super) async fn execute(session: &Arc<Session>) {
    let watch = watch_over(session);
    let steps = async {
        tokio::select! {
            () = all_steps(session) => {}
            // Does not return: the deadline ends the steps.
            () = deadline(session) => {}
        }
        if !session.state.stop.is_cancelled() {
            tokio::select! {
                () = session.recorder.followed() => {}
                () = session.state.stop.cancelled() => {}
            }
        }
    };
    tokio::select! {
        () = steps => {}
        // Does not return either.
        () = watch => {}
    }
}

async fn all_steps(session: &Arc<Session>) {
    let scope = Scope { stop: session.state.stop.clone(), is_all: true };
    in_order(session, &scope, &session.scenario.steps).await;
    loop {
        let next = std::mem::take(&mut *lock(&session.state.background));
        if next.is_empty() {
            break;
        }
        next.join_all().await;
    }
}

async fn deadline(session: &Session) {
    if let Some(deadline) = session.scenario.deadline {
        tokio::time::sleep(deadline.0).await;
        session.end_steps(Stop::Deadline(deadline.to_string()));
    }
    std::future::pending().await
}

/// Ends the steps when an assertion in the background fails, or the record cannot be written.
async fn watch_over(session: &Arc<Session>) {
    let goes_on: Vec<String> = session
        .scenario
        .assertions
        .iter()
        .filter(|assertion| assertion.continue_on_failure)
        .filter_map(|assertion| assertion.name.clone())
        .collect();
    let breach = session
        .recorder
        .breached(|judgement| judgement.step.is_none() && !goes_on.contains(&judgement.assertion));
    tokio::select! {
        judgement = breach => session.end_steps(Stop::AssertionFailed(judgement.assertion)),
        reason = session.recorder.broken() => session.end_steps(Stop::RecordFailed(reason)),
    }
    std::future::pending().await
}

/// The steps that a failure ends: all, or those of a group that can be retried.
#[derive(Clone)]
struct Scope {
    stop: CancellationToken,
    is_all: bool,
}

impl Scope {
    fn end(&self, session: &Session) {
        if self.is_all {
            session.end_steps(Stop::StepFailed);
        }
        self.stop.cancel();
    }
}

/// Runs steps one after the other. After a failure, skips the rest.
fn in_order<'a>(
    session: &'a Arc<Session>,
    scope: &'a Scope,
    steps: &'a [Step],
) -> BoxFuture<'a, StepState> {
    async move {
        let mut worst = StepState::Passed;
        for step in steps {
            if scope.stop.is_cancelled() {
                // A retry of the group can still run them.
                if scope.is_all {
                    skip(session, step);
                }
                continue;
            }
            if step.background {
                let (session, scope, step) = (session.clone(), scope.clone(), step.clone());
                let owner = session.clone();
                lock(&owner.state.background).spawn(async move {
                    run(&session, &scope, &step).await;
                });
                continue;
            }
            worst = worse(worst, run(session, scope, step).await);
        }
        worst
    }
    .boxed()
}

async fn run(session: &Arc<Session>, scope: &Scope, step: &Step) -> StepState {
    let name = step.name.as_deref().unwrap_or_default();
    let tries = step.retries.as_ref().map_or(1, |retries| retries.attempts.get());
    let pause = step.retries.as_ref().and_then(|retries| retries.delay);
    let pause = pause.map_or(RETRY_PAUSE, |pause| pause.0);
    let is_group = step.action.group().is_some();
    let stage = (!is_group).then(|| session.progress.stage(name));
    // Tries in an earlier try of the group count too, so that each try has its own number.
    let before = session.attempts(name);
    let mut tried = 1;
    loop {
        let since = session.record_step(name, StepState::Started, before + tried, "");
        let is_retried = is_group && tries > 1;
        let inner = if is_retried {
            Scope { stop: scope.stop.child_token(), is_all: false }
        } else {
            scope.clone()
        };
        let Tried { state, detail, cause, is_late } = try_once(session, &inner, step, since).await;
        let is_bad = matches!(state, StepState::Failed | StepState::Inconclusive);
        if is_bad && tried < tries && !scope.stop.is_cancelled() {
            session.record_step(name, StepState::Retried, before + tried, &detail);
            session.progress.warning(format!("{name}: try {tried} of {tries} failed: {detail}"));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = scope.stop.cancelled() => {}
            }
            if !scope.stop.is_cancelled() {
                tried += 1;
                continue;
            }
        }
        if is_retried && is_bad && scope.is_all {
            skip_unstarted(session, step);
        }
        session.record_step_end(name, state, before + tried, &detail, cause);
        if let Some(stage) = stage {
            if state == StepState::Passed {
                stage.finish();
                if matches!(step.action, Action::Inject(_)) {
                    session.progress.note(format!("    {detail}"));
                }
            } else {
                drop(stage);
                session.progress.warning(format!("{name}: {detail}"));
            }
        }
        let goes_on = step.continues_on_failure();
        // The failed step of a group already ended the others, or was allowed to fail.
        if state != StepState::Passed && !goes_on && (!is_group || is_late || is_retried) {
            scope.end(session);
        }
        return state;
    }
}

struct Tried {
    state: StepState,
    detail: String,
    cause: StepCause,
    /// Whether the step is a group that reached its own deadline.
    is_late: bool,
}

async fn try_once(session: &Arc<Session>, scope: &Scope, step: &Step, since: Mark) -> Tried {
    let work = async {
        match &step.action {
            Action::Steps(steps) => group(in_order(session, scope, steps).await),
            Action::Parallel(steps) => {
                let each = steps.iter().map(std::slice::from_ref);
                let all = join_all(each.map(|step| in_order(session, scope, step)));
                group(all.await.into_iter().fold(StepState::Passed, worse))
            }
            action => perform(session, step, action, since).await,
        }
    };
    // The steps of a group end by themselves.
    let is_group = step.action.group().is_some();
    let stopped = async {
        if is_group {
            std::future::pending::<()>().await;
        }
        scope.stop.cancelled().await;
    };
    let result = tokio::select! {
        result = within(session, step, work) => result,
        () = stopped => Err(cut_short(session)),
    };
    let is_late = result.is_err() && cut_off(session, step);
    let (state, detail, cause) = match result {
        Ok(detail) => (StepState::Passed, detail, StepCause::Own),
        Err(error) => (state_of(&error), describe(&error), cause_of(&error)),
    };
    Tried { state, detail, cause, is_late }
}

/// Ends the running steps of a group at the group's deadline. Returns whether there are any.
fn cut_off(session: &Session, group: &Step) -> bool {
    let mut any = false;
    for report in session.reports(group.children()) {
        if matches!(report.state, StepState::Started | StepState::Retried) {
            let detail = "cut short: the deadline of the group passed";
            let (name, attempts) = (&report.name, report.attempts);
            let (state, cause) = (StepState::Inconclusive, StepCause::CutShort);
            session.record_step_end(name, state, attempts, detail, cause);
            any = true;
        }
    }
    any
}

async fn within(
    session: &Session,
    step: &Step,
    work: impl Future<Output = anyhow::Result<String>>,
) -> anyhow::Result<String> {
    match step.time_limit() {
        Some(limit) => match tokio::time::timeout(limit.0, work).await {
            Ok(result) => result,
            Err(_) => {
                let late = format!("not done within the deadline of {limit}");
                // While the API server does not answer, a deadline proves nothing.
                Err(match api_probe::answer(&session.client).await {
                    Ok(()) => Unmet::Failed(late),
                    Err(reason) => Unmet::Unknown(format!("{late} (API server: {reason})")),
                }
                .into())
            }
        },
        None => work.await,
    }
}

fn cut_short(session: &Session) -> anyhow::Error {
    match &*lock(&session.state.reason) {
        Some(Stop::Deadline(deadline)) => {
            Unmet::Failed(format!("the scenario's deadline of {deadline} passed"))
        }
        Some(Stop::AssertionFailed(name)) => {
            Unmet::CutShort(format!("cut short: assertion `{name}` failed"))
        }
        // In a group that is retried, there is no other reason.
        Some(Stop::StepFailed) | None => {
            Unmet::CutShort("cut short: another step failed".to_owned())
        }
        Some(Stop::RecordFailed(reason)) => {
            Unmet::CutShort(format!("cut short: cannot write the record: {reason}"))
        }
        Some(Stop::Interrupted) => Unmet::Unknown("interrupted".to_owned()),
    }
    .into()
}

fn group(worst: StepState) -> anyhow::Result<String> {
    match worst {
        StepState::Failed | StepState::Inconclusive => Err(Unmet::Group(worst).into()),
        _ => Ok(String::new()),
    }
}

fn worse(one: StepState, other: StepState) -> StepState {
    let rank = |state: StepState| match state {
        StepState::Failed => 2,
        StepState::Inconclusive => 1,
        _ => 0,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn skip(session: &Session, step: &Step) {
    session.record_step(step.name.as_deref().unwrap_or_default(), StepState::Skipped, 1, "");
    step.children().iter().for_each(|step| skip(session, step));
}

/// Skips the steps of a group that no try reached.
fn skip_unstarted(session: &Session, group: &Step) {
    for step in group.children() {
        match step.name.as_deref().map_or(0, |name| session.attempts(name)) {
            0 => skip(session, step),
            _ => skip_unstarted(session, step),
        }
    }
}

#[cfg(test)]
#[path = "execute_tests.rs"]
mod tests;
