use std::sync::Arc;

use super::assert;
use crate::failure::Failure;
use crate::scenario::language::{Heal, Inject};
use crate::scenario::read::inject_request;
use crate::scenario::run::faults::{self, Healing};
use crate::scenario::run::outcome::Unmet;
use crate::scenario::run::recorder::Mark;
use crate::scenario::run::session::Session;

/// Injects a fault: at once, or at the moment at which its condition first holds.
pub(super) async fn inject(
    session: &Arc<Session>,
    step: &str,
    inject: &Inject,
    since: Mark,
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
pub(super) async fn heal(session: &Arc<Session>, heal: &Heal) -> anyhow::Result<String> {
    let step = match heal {
        Heal::Step { step } => step,
        Heal::All { .. } => {
            let healed = faults::heal_all(session).await?;
            return Ok(format!("{healed} fault{}", if healed == 1 { "" } else { "s" }));
        }
    };
    match faults::heal(session, step).await? {
        Healing::Done => Ok(String::new()),
        Healing::Over => Ok("it was over already".to_owned()),
        Healing::Nothing => {
            Err(Unmet::Failed(format!("step `{step}` has injected no fault")).into())
        }
    }
}
