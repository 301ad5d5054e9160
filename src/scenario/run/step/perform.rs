use std::sync::Arc;
use std::time::Duration;

use super::{apply, assert, command, delete, images, inject, node, update};
use crate::scenario::history::Moment;
use crate::scenario::language::{Action, Step};
use crate::scenario::run::outcome::is_transient;
use crate::scenario::run::session::Session;

/// Pauses between tries of a request that the API server had no answer for.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Does what a step says, which began at `since`; returns what came of it, for people.
///
/// # Errors
/// `Unmet` and refusals of the API server where it came out otherwise; anything else where it could not
/// be done.
pub(in crate::scenario::run) async fn perform(
    session: &Arc<Session>,
    step: &Step,
    action: Action<'_>,
    since: Moment,
) -> anyhow::Result<String> {
    let name = step.name.as_deref().unwrap_or_default();
    match action {
        Action::Apply(objects) => patiently(|| apply::apply(session, objects)).await,
        Action::Create(objects) => patiently(|| apply::create(session, objects)).await,
        Action::Patch(patch) => patiently(|| update::patch(session, patch)).await,
        Action::Scale(scale) => patiently(|| update::scale(session, scale)).await,
        Action::Label(label) => patiently(|| update::label(session, label)).await,
        Action::Delete(objects) => patiently(|| delete::delete(session, objects)).await,
        Action::Cordon(cordon) => patiently(|| node::cordon(session, cordon)).await,
        Action::Taint(taint) => patiently(|| node::taint(session, taint)).await,
        Action::Drain(drain) => command::drain(session, name, drain).await,
        Action::LoadImage(images) => images::load(session, images).await,
        Action::Exec(exec) => command::exec(session, name, exec).await,
        Action::Kubectl(kubectl) => command::kubectl(session, name, kubectl).await,
        Action::Wait(_) | Action::Assert(_) => assert::verdict(session, name, since).await,
        Action::Inject(request) => inject::inject(session, name, request, since).await,
        Action::Heal(heal) => inject::heal(session, heal).await,
        Action::Sleep(sleep) => {
            tokio::time::sleep(sleep.lasting.0).await;
            Ok(String::new())
        }
        // Groups are run by `execute`.
        Action::Parallel(_) | Action::Steps(_) => Ok(String::new()),
    }
}

/// Asks again what the API server had no answer for, for as long as the step may take.
async fn patiently<T, F>(mut work: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        match work().await {
            Err(error) if is_temporary(&error) => {
                tracing::debug!("asked again: {error:#}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            result => return result,
        }
    }
}

fn is_temporary(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<kube::Error>().is_some_and(is_transient))
}
