//! Rules about times and deadlines.

use std::time::Duration;

use super::context::Context;
use super::finding::Findings;
use super::parts::AssertionAt;
use crate::scenario::language::{Action, Claim, Duration as Time, Step};

/// Longest sleep without a warning.
const LONG_SLEEP: Duration = Duration::from_secs(300);

pub(super) fn times(context: &Context<'_>, found: &mut Findings<'_>) {
    for at in &context.parts.assertions {
        assertion_times(context, found, at);
    }
    for at in &context.parts.steps {
        step_times(context, found, &at.path, at.step);
    }
    let Some(deadline) = context.scenario.deadline else { return };
    let least = least_of_all(&context.scenario.steps);
    if least > deadline.0 {
        let message = format!(
            "the sleeps and spans of the steps take at least {}, longer than {deadline}",
            Time(least)
        );
        found.error("beyond-deadline", "deadline", message);
    }
}

fn assertion_times(context: &Context<'_>, found: &mut Findings<'_>, at: &AssertionAt<'_>) {
    let AssertionAt { path, assertion, step } = at;
    let claim = &assertion.claim;
    if let Claim::Stable { lasting, within: Some(within), .. } = claim
        && lasting > within
    {
        let message = format!("{lasting} without a break cannot end within {within}");
        found.error("beyond-deadline", format!("{path}.for"), message);
    }
    let own = step.and_then(|step| context.parts.steps[step].step.deadline);
    let limits =
        [(own, "the step's deadline"), (context.scenario.deadline, "the scenario's deadline")];
    for (field, time) in [("within", claim.within()), ("for", claim.lasting())] {
        let Some(time) = time else { continue };
        let exceeded = limits.iter().find_map(|(limit, what)| {
            limit.filter(|limit| time > *limit).map(|limit| (limit, *what))
        });
        if let Some((limit, what)) = exceeded {
            let message = format!("{time} is longer than {what}, {limit}");
            found.error("beyond-deadline", format!("{path}.{field}"), message);
        }
    }
}

fn step_times(context: &Context<'_>, found: &mut Findings<'_>, path: &str, step: &Step) {
    if let (Some(own), Some(all)) = (step.deadline, context.scenario.deadline)
        && own > all
    {
        let message = format!("{own} is longer than the scenario's deadline, {all}");
        found.error("beyond-deadline", format!("{path}.deadline"), message).warning();
    }
    if step.deadline.is_some_and(|deadline| deadline.0.is_zero()) {
        found.error("beyond-deadline", format!("{path}.deadline"), "leaves no time");
    }
    if let Action::Sleep(sleep) = &step.action {
        let (path, time) = (format!("{path}.sleep.for"), sleep.lasting);
        match step.deadline {
            Some(deadline) if time > deadline => {
                let message = format!("{time} is longer than the step's deadline, {deadline}");
                found.error("beyond-deadline", path, message);
            }
            _ if time.0 > LONG_SLEEP => {
                let message =
                    format!("{time} is long; a `wait` ends as soon as its condition holds");
                found.error("long-sleep", path, message).warning();
            }
            _ => {}
        }
    }
    if let (Some(_), Some(deadline)) = (step.action.group(), step.deadline) {
        let least = least_of(step);
        if least > deadline.0 {
            let message = format!("the steps of the group take at least {}", Time(least));
            found.error("beyond-deadline", format!("{path}.deadline"), message);
        }
    }
    if let Some(delay) = step.retries.as_ref().and_then(|retries| retries.delay)
        && delay.0 > step.deadline().0.saturating_mul(10)
    {
        let deadline = step.deadline();
        let message = format!("{delay} between attempts is long for a step of {deadline}");
        found.error("long-sleep", format!("{path}.retries.delay"), message).warning();
    }
}

/// The shortest time that steps take one after the other.
fn least_of_all(steps: &[Step]) -> Duration {
    let in_turn: Duration = steps.iter().filter(|step| !step.background).map(least_of).sum();
    let in_background = steps.iter().filter(|step| step.background).map(least_of).max();
    in_turn.max(in_background.unwrap_or_default())
}

fn least_of(step: &Step) -> Duration {
    match &step.action {
        Action::Sleep(sleep) => sleep.lasting.0,
        Action::Assert(assertion) => {
            assertion.claim.lasting().map_or(Duration::ZERO, |lasting| lasting.0)
        }
        Action::Parallel(steps) => steps.iter().map(least_of).max().unwrap_or_default(),
        Action::Steps(steps) => least_of_all(steps),
        _ => Duration::ZERO,
    }
}
