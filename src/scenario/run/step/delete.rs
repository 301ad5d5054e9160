use std::time::Duration;

use anyhow::Context as _;
use either::Either;
use kube::Error;
use kube::api::{Api, DeleteParams, DynamicObject, Preconditions};
use kube::runtime::conditions::is_deleted;
use kube::runtime::wait::await_condition;

use super::target::{Target, find, paths, targets};
use crate::scenario::language::Delete;
use crate::scenario::run::outcome::Unmet;
use crate::scenario::run::patience::{Answered, answered, patiently};
use crate::scenario::run::session::Session;

/// Pause before a broken watch is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Deletes objects, and waits until they are gone where that is asked for.
pub(super) async fn delete(session: &Session, delete: &Delete) -> anyhow::Result<String> {
    let found = match delete.ignore_not_found {
        true => find(session, &delete.target).await?,
        false => targets(session, &delete.target).await?,
    };
    let mut deleted = Vec::new();
    for target in found {
        if let Some(uid) =
            delete_one(session, delete, &target).await.with_context(|| target.path())?
        {
            deleted.push((target, uid));
        }
    }
    if delete.wait {
        for (target, uid) in &deleted {
            gone(target.objects(session), &target.name, uid).await;
            target.recorded_gone(session, uid).await;
        }
    }
    let deleted: Vec<Target> = deleted.into_iter().map(|(target, _)| target).collect();
    Ok(paths(&deleted))
}

/// Deletes an object; returns its unique identifier, or `None` where it was not there and need not be.
async fn delete_one(
    session: &Session,
    delete: &Delete,
    target: &Target,
) -> anyhow::Result<Option<String>> {
    let objects = target.objects(session);
    let uid = match &target.uid {
        Some(uid) => uid.clone(),
        None => match patiently(|| objects.get_opt(&target.name)).await? {
            Some(object) => object.metadata.uid.unwrap_or_default(),
            None if delete.ignore_not_found => return Ok(None),
            None => return Err(Unmet::Failed("not found".to_owned()).into()),
        },
    };
    // Another object of the same name, made meanwhile, is not what was meant.
    let parameters = DeleteParams {
        grace_period_seconds: delete.grace_period_seconds,
        preconditions: Some(Preconditions { uid: Some(uid.clone()), ..Preconditions::default() }),
        ..DeleteParams::default()
    };
    match answered(|| objects.delete(&target.name, &parameters)).await {
        Answered { result: Ok(Either::Left(object)), .. } if is_ending(&object) => {
            target.recorded(session, &object.metadata).await;
            Ok(Some(uid))
        }
        Answered { result: Ok(_), .. } => {
            target.recorded_gone(session, &uid).await;
            Ok(Some(uid))
        }
        Answered { result: Err(Error::Api(status)), may_be_second }
            if matches!(status.code, 404 | 409)
                && is_gone(&objects, &target.name, &uid).await? =>
        {
            match (may_be_second, delete.ignore_not_found) {
                // It is gone by an earlier try.
                (true, _) => Ok(Some(uid)),
                (false, true) => Ok(None),
                (false, false) => Err(Unmet::Failed("it is gone already".to_owned()).into()),
            }
        }
        Answered { result: Err(error), .. } => Err(error.into()),
    }
}

/// Whether an object goes on for a while after its deletion.
fn is_ending(object: &DynamicObject) -> bool {
    object.metadata.deletion_grace_period_seconds.is_some_and(|seconds| seconds > 0)
        || object.metadata.finalizers.as_ref().is_some_and(|finalizers| !finalizers.is_empty())
}

async fn is_gone(objects: &Api<DynamicObject>, name: &str, uid: &str) -> Result<bool, Error> {
    let now = patiently(|| objects.get_opt(name)).await?;
    Ok(now.and_then(|object| object.metadata.uid).is_none_or(|now| now != uid))
}

/// Waits until an object is gone; for ever, where the API server does not tell.
async fn gone(objects: Api<DynamicObject>, name: &str, uid: &str) {
    while let Err(error) = await_condition(objects.clone(), name, is_deleted(uid)).await {
        tracing::debug!("waiting for the end of {name}: {error:#}");
        tokio::time::sleep(PAUSE).await;
    }
}
