use anyhow::Context as _;
use kube::Error;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use serde_json::Value;

use super::target::{Target, paths};
use crate::failure::Failure;
use crate::scenario::language::Apply;
use crate::scenario::read::manifests;
use crate::scenario::run::outcome::Unmet;
use crate::scenario::run::patience::{Answered, answered, patiently, signature, signed};
use crate::scenario::run::resource;
use crate::scenario::run::session::Session;

/// Who owns the fields that steps set: <https://kubernetes.io/docs/reference/using-api/server-side-apply/>.
pub(super) const FIELD_MANAGER: &str = "kindrs";

/// The HTTP status of an object that exists already.
const CONFLICT: u16 = 409;

/// Creates objects, or makes them what is given.
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
                        "expected a refusal with `{expected}`, the API server says: {}",
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
            "expected a refusal with `{expected}`: accepted {}",
            paths(&done)
        ))
        .into()),
    }
}

/// Brings one object into the cluster; returns its name.
async fn put(
    session: &Session,
    target: &Target,
    object: &Value,
    verb: Verb,
) -> Result<String, Error> {
    let objects = target.objects(session);
    let typed: DynamicObject = serde_json::from_value(object.clone()).map_err(Error::SerdeError)?;
    let tidying = &session.tidying;
    let (resource, namespace) = (&target.resource, target.namespace.as_str());
    patiently(|| tidying.before_making(resource, namespace, &target.name, &objects)).await?;
    match verb {
        Verb::Apply => {
            let parameters = PatchParams::apply(FIELD_MANAGER).force();
            let patch = Patch::Apply(object);
            let made = patiently(|| objects.patch(&target.name, &parameters, &patch)).await?;
            target.recorded(session, &made.metadata).await;
            Ok(target.name.clone())
        }
        Verb::Create => {
            let signature = signature(FIELD_MANAGER);
            let parameters =
                PostParams { field_manager: Some(signature.clone()), ..PostParams::default() };
            let made = match answered(|| objects.create(&parameters, &typed)).await {
                Answered { result: Err(Error::Api(status)), may_be_second: true }
                    if status.code == CONFLICT =>
                {
                    let by_it = signed(&objects, &target.name, &signature).await?;
                    by_it.ok_or(Error::Api(status))?
                }
                Answered { result, .. } => result?,
            };
            target.recorded(session, &made.metadata).await;
            let name = made.metadata.name.unwrap_or_default();
            if target.name.is_empty() {
                tidying.made(resource, namespace, &name);
            }
            Ok(name)
        }
    }
}
