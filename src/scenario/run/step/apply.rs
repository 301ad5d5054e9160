use anyhow::Context as _;
use kube::Error;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use serde_json::Value;

use super::target::{Target, paths};
use crate::failure::Failure;
use crate::scenario::language::Apply;
use crate::scenario::read::manifests;
use crate::scenario::run::outcome::Unmet;
use crate::scenario::run::resource;
use crate::scenario::run::retry::{Tracked, retry, retry_tracked, signature, signed};
use crate::scenario::run::session::Session;

/// The owner of the fields that steps set: <https://kubernetes.io/docs/reference/using-api/server-side-apply/>.
pub(super) const FIELD_MANAGER: &str = "kindrs";

/// The status of the API server for an object that exists already.
const CONFLICT: u16 = 409;

/// Creates or updates objects, by server-side apply.
pub(super) async fn apply(session: &Session, apply: &Apply) -> anyhow::Result<String> {
    each(session, apply, Verb::Apply).await
}

/// Creates objects.
pub(super) async fn create(session: &Session, apply: &Apply) -> anyhow::Result<String> {
    each(session, apply, Verb::Create).await
}

#[derive(Clone, Copy)]
enum Verb {
    Apply,
    Create,
}

async fn each(session: &Session, apply: &Apply, verb: Verb) -> anyhow::Result<String> {
    let objects = manifests(apply, &session.folder, &session.variables).map_err(Failure::from)?;
    let mut done = Vec::new();
    let mut refusals = Vec::new();
    for mut object in objects {
        let resource = resource::of_object(&session.client, &object).await?;
        if resource.namespaced && object["metadata"]["namespace"].is_null() {
            object["metadata"]["namespace"] = session.namespace(apply.namespace.as_deref()).into();
        }
        let target = Target::of(resource, &object);
        match (put(session, &target, &object, verb).await, &apply.refused) {
            (Ok(name), _) => done.push(Target { name, ..target }),
            (Err(Error::Api(status)), Some(expected)) => {
                if !status.message.contains(expected) {
                    return Err(Unmet::Failed(format!(
                        "expected a refusal with `{expected}`, found: {}",
                        status.message
                    ))
                    .into());
                }
                refusals.push(status.message);
            }
            (Err(error), _) => return Err(error).with_context(|| target.path()),
        }
    }
    match &apply.refused {
        None => Ok(paths(&done)),
        Some(_) if done.is_empty() => Ok(format!("refused, as expected: {}", refusals.join("; "))),
        Some(expected) => Err(Unmet::Failed(format!(
            "expected a refusal with `{expected}`, but the API server accepted {}",
            paths(&done)
        ))
        .into()),
    }
}

/// Applies or creates one object, and returns its name.
async fn put(
    session: &Session,
    target: &Target,
    object: &Value,
    verb: Verb,
) -> Result<String, Error> {
    let objects = target.objects(session);
    let typed: DynamicObject = serde_json::from_value(object.clone()).map_err(Error::SerdeError)?;
    let cleanup = &session.state.cleanup;
    let (resource, namespace) = (&target.resource, target.namespace.as_str());
    retry(|| cleanup.before_create(resource, namespace, &target.name, &objects)).await?;
    match verb {
        Verb::Apply => {
            let parameters = PatchParams::apply(FIELD_MANAGER).force();
            let patch = Patch::Apply(object);
            let made = retry(|| objects.patch(&target.name, &parameters, &patch)).await?;
            target.recorded(session, &made.metadata).await;
            Ok(target.name.clone())
        }
        Verb::Create => {
            let signature = signature(FIELD_MANAGER);
            let parameters =
                PostParams { field_manager: Some(signature.clone()), ..PostParams::default() };
            let made = match retry_tracked(|| objects.create(&parameters, &typed)).await {
                Tracked { result: Err(Error::Api(status)), may_have_applied: true }
                    if status.code == CONFLICT =>
                {
                    let own = signed(&objects, &target.name, &signature).await?;
                    own.ok_or(Error::Api(status))?
                }
                Tracked { result, .. } => result?,
            };
            target.recorded(session, &made.metadata).await;
            let name = made.metadata.name.unwrap_or_default();
            if target.name.is_empty() {
                cleanup.created(resource, namespace, &name);
            }
            Ok(name)
        }
    }
}
