use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use tokio_util::sync::CancellationToken;

use super::api_probe;
use super::outcome::{Unmet, state_of, told};
use super::recorder::Mark;
use super::session::{Session, Stop, lock};
use super::step::perform;
use crate::scenario::history::StepState;
use crate::scenario::judge::Verdict;
use crate::scenario::language::{Action, Step};

/// Pause between the tries of a step that names none.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Runs all steps of a scenario, those in the background to their end, and waits for what must still
/// follow what has happened; returns when all have ended, or were ended by a failure, the scenario's
/// deadline or an interruption.
pub(super) async fn execute(session: &Arc<Session>) {
    let watch = watch_over(session);
    let steps = async {
        tokio::select! {
            () = all_steps(session) => {}
            // Never ends: it ends the steps.
            () = deadline(session) => {}
        }
        if !session.stop.is_cancelled() {
            tokio::select! {
                () = session.recorder.followed() => {}
                () = session.stop.cancelled() => {}
            }
        }
    };
    tokio::select! {
        () = steps => {}
        // Never ends either.
        () = watch => {}
    }
}

async fn all_steps(session: &Arc<Session>) {
    let scope = Scope { stop: session.stop.clone(), is_all: true };
    in_order(session, &scope, &session.scenario.steps).await;
    loop {
        let next = std::mem::take(&mut *lock(&session.background));
        if next.is_empty() {
            break;
        }
        next.join_all().await;
    }
}

/// Ends the steps when the scenario's time is up.
async fn deadline(session: &Session) {
    if let Some(deadline) = session.scenario.deadline {
        tokio::time::sleep(deadline.0).await;
        session.end_steps(Stop::Deadline(deadline.to_string()));
    }
    std::future::pending().await
}

/// Ends the run when an assertion of the background fails, or nothing can be recorded.
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
        judgement = breach => session.end_steps(Stop::Assertion(judgement.assertion)),
        reason = session.recorder.broken() => session.end_steps(Stop::Record(reason)),
    }
    std::future::pending().await
}

/// What a failure ends: all steps, or those of a group that is tried again.
#[derive(Clone)]
struct Scope {
    stop: CancellationToken,
    is_all: bool,
}

impl Scope {
    fn end(&self, session: &Session) {
        if self.is_all {
            session.end_steps(Stop::Step);
        }
        self.stop.cancel();
    }
}

/// Runs steps one after the other, and skips those after a failure.
fn in_order<'a>(
    session: &'a Arc<Session>,
    scope: &'a Scope,
    steps: &'a [Step],
) -> BoxFuture<'a, StepState> {
    async move {
        let mut worst = StepState::Passed;
        for step in steps {
            if scope.stop.is_cancelled() {
                // Where their group is tried again, they may still come.
                if scope.is_all {
                    skip(session, step);
                }
                continue;
            }
            if step.background {
                let (session, scope, step) = (session.clone(), scope.clone(), step.clone());
                let owner = session.clone();
                lock(&owner.background).spawn(async move {
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

/// Runs a step to its end, with its retries.
async fn run(session: &Arc<Session>, scope: &Scope, step: &Step) -> StepState {
    let name = step.name.as_deref().unwrap_or_default();
    let tries = step.retries.as_ref().map_or(1, |retries| retries.attempts.get());
    let pause = step.retries.as_ref().and_then(|retries| retries.delay);
    let pause = pause.map_or(RETRY_PAUSE, |pause| pause.0);
    let is_group = step.action.group().is_some();
    let stage = (!is_group).then(|| session.progress.stage(name));
    // Those of an earlier try of its group count as well, so that each has a number of its own.
    let before = session.attempts(name);
    let mut tried = 1;
    loop {
        let since = session.tell(name, StepState::Started, before + tried, "");
        let is_retried = is_group && tries > 1;
        let inner = if is_retried {
            Scope { stop: scope.stop.child_token(), is_all: false }
        } else {
            scope.clone()
        };
        let Tried { state, detail, is_late } = try_once(session, &inner, step, since).await;
        let is_bad = matches!(state, StepState::Failed | StepState::Inconclusive);
        if is_bad && tried < tries && !scope.stop.is_cancelled() {
            session.tell(name, StepState::Retried, before + tried, &detail);
            session.progress.warning(format!("{name}: try {tried} of {tries}: {detail}"));
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
        session.tell(name, state, before + tried, &detail);
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
        // The steps of a group have ended the others, or were allowed to fail.
        if state != StepState::Passed && !goes_on && (!is_group || is_late || is_retried) {
            scope.end(session);
        }
        return state;
    }
}

/// How a step ended, what came of it, and whether it was a group whose own time was up.
struct Tried {
    state: StepState,
    detail: String,
    is_late: bool,
}

/// Tries a step once.
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
    // Groups see to their steps, which end by themselves.
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
    let (state, detail) = match result {
        Ok(detail) => (StepState::Passed, detail),
        Err(error) => (state_of(&error), told(&error)),
    };
    Tried { state, detail, is_late }
}

/// Ends the steps of a group whose own time was up; returns whether there are any.
fn cut_off(session: &Session, group: &Step) -> bool {
    let mut any = false;
    for report in session.reports(group.children()) {
        if matches!(report.state, StepState::Started | StepState::Retried) {
            let detail = "cut short: the time of its group was up";
            session.tell(&report.name, StepState::Inconclusive, report.attempts, detail);
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
                let late = format!("not done within its deadline of {limit}");
                // Without an API server to do it, that says nothing.
                Err(match api_probe::answer(&session.client).await {
                    Ok(()) => Unmet::Failed(late),
                    Err(reason) => Unmet::Unknown(format!("{late}: the API server: {reason}")),
                }
                .into())
            }
        },
        None => work.await,
    }
}

fn cut_short(session: &Session) -> anyhow::Error {
    match &*lock(&session.reason) {
        Some(Stop::Deadline(deadline)) => {
            Unmet::Failed(format!("the scenario's deadline of {deadline} has passed"))
        }
        Some(Stop::Assertion(name)) => Unmet::Unknown(format!("cut short: `{name}` failed")),
        // A group that is tried again has no reason beyond its own.
        Some(Stop::Step) | None => Unmet::Unknown("cut short: another step failed".to_owned()),
        Some(Stop::Record(reason)) => {
            Unmet::Unknown(format!("cut short: the record cannot be written: {reason}"))
        }
        Some(Stop::Interrupted) => Unmet::Unknown("interrupted".to_owned()),
    }
    .into()
}

fn group(worst: StepState) -> anyhow::Result<String> {
    match worst {
        StepState::Failed => Err(Unmet::Failed("a step of the group failed".to_owned()).into()),
        StepState::Inconclusive => {
            Err(Unmet::Unknown("a step of the group is inconclusive".to_owned()).into())
        }
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
    session.tell(step.name.as_deref().unwrap_or_default(), StepState::Skipped, 1, "");
    step.children().iter().for_each(|step| skip(session, step));
}

/// Skips those steps in a group that no try has come to.
fn skip_unstarted(session: &Session, group: &Step) {
    for step in group.children() {
        match step.name.as_deref().map_or(0, |name| session.attempts(name)) {
            0 => skip(session, step),
            _ => skip_unstarted(session, step),
        }
    }
}

/// The verdict that a step's end counts as.
pub(super) fn verdict_of(state: StepState) -> Verdict {
    match state {
        StepState::Failed => Verdict::Fail,
        StepState::Inconclusive | StepState::Started | StepState::Retried => Verdict::Inconclusive,
        StepState::Passed | StepState::Skipped => Verdict::Pass,
    }
}

#[cfg(test)]
#[path = "execute_tests.rs"]
mod tests;
