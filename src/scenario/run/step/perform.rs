use std::sync::Arc;

use super::{apply, assert, command, delete, images, inject, node, update};
use crate::scenario::language::{Action, Step};
use crate::scenario::run::recorder::Mark;
use crate::scenario::run::session::Session;

/// Performs the action of a step that started at `since`. Returns the result in words.
///
/// # Errors
/// `Unmet` and refusals of the API server for an unexpected result; any other error if the action could not
/// be performed.
pub(in crate::scenario::run) async fn perform(
    session: &Arc<Session>,
    step: &Step,
    action: &Action,
    since: Mark,
) -> anyhow::Result<String> {
    let name = step.name.as_deref().unwrap_or_default();
    match action {
        Action::Apply(objects) => apply::apply(session, objects).await,
        Action::Create(objects) => apply::create(session, objects).await,
        Action::Patch(patch) => update::patch(session, patch).await,
        Action::Scale(scale) => update::scale(session, scale).await,
        Action::Label(label) => update::label(session, label).await,
        Action::Delete(objects) => delete::delete(session, objects).await,
        Action::Cordon(cordon) => node::cordon(session, cordon).await,
        Action::Taint(taint) => node::taint(session, taint).await,
        Action::Drain(drain) => command::drain(session, step, drain).await,
        Action::LoadImage(images) => images::load(session, images).await,
        Action::Exec(exec) => command::exec(session, step, exec).await,
        Action::Kubectl(kubectl) => command::kubectl(session, step, kubectl).await,
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
