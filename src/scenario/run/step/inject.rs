use std::sync::Arc;

use super::assert;
use crate::scenario::language::{Heal, Inject};
use crate::scenario::run::faults::{self, Healing};
use crate::scenario::run::outcome::Unmet;
use crate::scenario::run::recorder::Mark;
use crate::scenario::run::session::Session;

/// Injects a fault, at once or when its condition first holds.
pub(super) async fn inject(
    session: &Arc<Session>,
    step: &str,
    inject: &Inject,
    since: Mark,
) -> anyhow::Result<String> {
    if inject.when.is_some() {
        assert::verdict(session, step, since).await?;
    }
    faults::inject(session, step, &inject.request()).await
}

/// Heals faults of the run.
pub(super) async fn heal(session: &Arc<Session>, heal: &Heal) -> anyhow::Result<String> {
    let step = match heal {
        Heal::Step { step } => step,
        Heal::All { .. } => {
            let healed = faults::heal_all(session).await?;
            return Ok(format!("{healed} {}", if healed == 1 { "fault" } else { "faults" }));
        }
    };
    match faults::heal(session, step).await? {
        Healing::Done => Ok(String::new()),
        Healing::Over => Ok("the fault had already ended".to_owned()),
        Healing::Nothing => {
            Err(Unmet::Failed(format!("step `{step}` has not injected a fault")).into())
        }
    }
}
