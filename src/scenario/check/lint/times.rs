//! Rules about times and deadlines.

use std::time::Duration;

use super::linter::Linter;
use crate::scenario::language::DEFAULT_DEADLINE;
use crate::scenario::language::{Assertion, Duration as Time, Step};

/// Longest sleep that needs no second thought.
const LONG_SLEEP: Duration = Duration::from_secs(300);

impl Linter<'_> {
    pub(super) fn times(&mut self) {
        let assertions: Vec<(String, &Assertion, Option<usize>)> = self
            .walk
            .assertions
            .iter()
            .map(|at| (at.path.clone(), at.assertion, at.step))
            .collect();
        for (path, assertion, step) in assertions {
            self.assertion_times(&path, assertion, step);
        }
        let steps: Vec<(String, &Step)> =
            self.walk.steps.iter().map(|at| (at.path.clone(), at.step)).collect();
        for (path, step) in steps {
            self.step_times(&path, step);
        }
        let Some(deadline) = self.scenario.deadline else { return };
        let least = least_of_all(&self.scenario.steps);
        if least > deadline.0 {
            let message = format!(
                "the steps take {} at least, by what they sleep and look at, which is longer than {deadline}",
                Time(least)
            );
            self.report("beyond-deadline", "deadline", message);
        }
    }

    fn assertion_times(&mut self, path: &str, assertion: &Assertion, step: Option<usize>) {
        if let (Some(lasting), Some(within)) = (assertion.lasting, assertion.within)
            && assertion.stable.is_some()
            && lasting > within
        {
            let message = format!("{lasting} without a break cannot be over within {within}");
            self.report("beyond-deadline", format!("{path}.for"), message);
        }
        let own = step.and_then(|step| self.walk.steps[step].step.deadline);
        let limits =
            [(own, "the step's deadline"), (self.scenario.deadline, "the scenario's deadline")];
        for (field, time) in [("within", assertion.within), ("for", assertion.lasting)] {
            let Some(time) = time else { continue };
            let exceeded = limits.iter().find_map(|(limit, what)| {
                limit.filter(|limit| time > *limit).map(|limit| (limit, *what))
            });
            if let Some((limit, what)) = exceeded {
                let message = format!("{time} is longer than {what}, {limit}");
                self.report("beyond-deadline", format!("{path}.{field}"), message);
            }
        }
    }

    fn step_times(&mut self, path: &str, step: &Step) {
        if let (Some(own), Some(all)) = (step.deadline, self.scenario.deadline)
            && own > all
        {
            let message = format!("{own} is longer than the scenario's deadline, {all}");
            self.report("beyond-deadline", format!("{path}.deadline"), message).warning();
        }
        if step.deadline.is_some_and(|deadline| deadline.0.is_zero()) {
            self.report("beyond-deadline", format!("{path}.deadline"), "leaves no time at all");
        }
        if let Some(sleep) = &step.sleep {
            let path = format!("{path}.sleep.for");
            if let Some(deadline) = step.deadline
                && sleep.lasting > deadline
            {
                let message =
                    format!("{} is longer than the step's deadline, {deadline}", sleep.lasting);
                self.report("beyond-deadline", path, message);
            } else if sleep.lasting.0 > LONG_SLEEP {
                let message = format!(
                    "{} is long: a condition to wait for ends as soon as it holds",
                    sleep.lasting
                );
                self.report("long-sleep", path, message).warning();
            }
        }
        let within: Option<&[Step]> = step.parallel.as_deref().or(step.steps.as_deref());
        if let (Some(steps), Some(deadline)) = (within, step.deadline) {
            let least = if step.parallel.is_some() {
                steps.iter().map(least_of).max().unwrap_or_default()
            } else {
                least_of_all(steps)
            };
            if least > deadline.0 {
                let message = format!("the steps within take {} at least", Time(least));
                self.report("beyond-deadline", format!("{path}.deadline"), message);
            }
        }
        if let Some(retries) = &step.retries
            && let Some(delay) = retries.delay
        {
            let deadline = step.deadline.map_or(DEFAULT_DEADLINE.0, |deadline| deadline.0);
            if delay.0 > deadline.saturating_mul(10) {
                let message =
                    format!("{delay} between tries is long for a step of {}", Time(deadline));
                self.report("long-sleep", format!("{path}.retries.delay"), message).warning();
            }
        }
    }
}

/// The shortest time that steps, one after the other, take.
fn least_of_all(steps: &[Step]) -> Duration {
    let in_turn: Duration = steps.iter().filter(|step| !step.background).map(least_of).sum();
    let beside = steps.iter().filter(|step| step.background).map(least_of).max();
    in_turn.max(beside.unwrap_or_default())
}

fn least_of(step: &Step) -> Duration {
    if let Some(sleep) = &step.sleep {
        return sleep.lasting.0;
    }
    if let Some(assertion) = &step.assert {
        return assertion.lasting.map_or(Duration::ZERO, |lasting| lasting.0);
    }
    match (&step.parallel, &step.steps) {
        (Some(steps), _) => steps.iter().map(least_of).max().unwrap_or_default(),
        (None, Some(steps)) => least_of_all(steps),
        (None, None) => Duration::ZERO,
    }
}
