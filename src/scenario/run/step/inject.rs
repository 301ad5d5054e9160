use std::sync::Arc;

use super::assert;
use crate::failure::Failure;
use crate::scenario::history::Moment;
use crate::scenario::language::{Heal, Inject};
use crate::scenario::read::inject_request;
use crate::scenario::run::faults;
use crate::scenario::run::outcome::Unmet;
use crate::scenario::run::session::Session;

/// Injects a fault: at once, or at the moment at which its condition first holds.
pub(super) async fn inject(
    session: &Arc<Session>,
    step: &str,
    inject: &Inject,
    since: Moment,
) -> anyhow::Result<String> {
    let request = inject_request(inject).map_err(|problems| {
        let lines: Vec<String> = problems
            .into_iter()
            .map(|problem| format!("{}: {}", problem.field, problem.message))
            .collect();
        Failure::input(lines.join("; "))
    })?;
    if inject.when.is_some() {
        assert::verdict(session, step, since).await?;
    }
    faults::inject(session, step, &request).await
}

/// Heals faults of the run.
pub(super) async fn heal(session: &Session, heal: &Heal) -> anyhow::Result<String> {
    if heal.all {
        let healed = faults::heal_all(session).await?;
        return Ok(format!("{healed} faults"));
    }
    let Some(step) = &heal.step else {
        return Err(Failure::input("the step names no fault").into());
    };
    if faults::heal(session, step).await? {
        return Ok(String::new());
    }
    Err(Unmet::Failed(format!("the fault of step `{step}` is not active")).into())
}
