use anyhow::Context as _;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use serde_json::Value;

use super::target::{Target, paths};
use crate::failure::Failure;
use crate::scenario::language::Apply;
use crate::scenario::read::manifests;
use crate::scenario::run::outcome::Unmet;
use crate::scenario::run::resource;
use crate::scenario::run::session::Session;

/// Who owns the fields that steps set: <https://kubernetes.io/docs/reference/using-api/server-side-apply/>.
pub(super) const FIELD_MANAGER: &str = "kindrs";

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
    let mut refusal = None;
    for mut object in objects {
        let resource = resource::of_object(&session.client, &object).await?;
        if resource.namespaced && object["metadata"]["namespace"].is_null() {
            object["metadata"]["namespace"] = session.namespace(apply.namespace.as_deref()).into();
        }
        let target = Target::of(resource, &object);
        match put(session, &target, &object, verb).await {
            Ok(()) => done.push(target),
            Err(kube::Error::Api(status)) if apply.refused.is_some() && status.code < 500 => {
                refusal = Some(status.message);
            }
            Err(error) => return Err(error).with_context(|| target.path()),
        }
    }
    match (&apply.refused, refusal) {
        (None, _) => Ok(paths(&done)),
        (Some(expected), Some(message)) if message.contains(expected) => {
            Ok(format!("refused, as expected: {message}"))
        }
        (Some(expected), Some(message)) => Err(Unmet::Failed(format!(
            "expected a refusal with `{expected}`, the API server says: {message}"
        ))
        .into()),
        (Some(expected), None) => {
            Err(Unmet::Failed(format!("expected a refusal with `{expected}`: accepted")).into())
        }
    }
}

async fn put(
    session: &Session,
    target: &Target,
    object: &Value,
    verb: Verb,
) -> Result<(), kube::Error> {
    let objects = target.objects(session);
    let typed: DynamicObject =
        serde_json::from_value(object.clone()).map_err(kube::Error::SerdeError)?;
    session
        .tidying
        .before_making(target.resource.clone(), &target.namespace, &target.name, &objects)
        .await;
    let made = match verb {
        Verb::Create => objects.create(&PostParams::default(), &typed).await?,
        Verb::Apply => {
            let parameters = PatchParams::apply(FIELD_MANAGER).force();
            objects.patch(&target.name, &parameters, &Patch::Apply(object)).await?
        }
    };
    target.recorded(session, &made.metadata).await;
    Ok(())
}
