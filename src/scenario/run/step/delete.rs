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
use crate::scenario::run::retry::{Tracked, retry, retry_tracked};
use crate::scenario::run::session::Session;

/// The pause before a broken watch is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// Deletes objects, and waits until they no longer exist if `wait` is set.
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
            wait_until_deleted(target.objects(session), &target.name, uid).await;
            target.recorded_deletion(session, uid).await;
        }
    }
    let deleted: Vec<Target> = deleted.into_iter().map(|(target, _)| target).collect();
    Ok(paths(&deleted))
}

/// Deletes an object. Returns its UID, or `None` if it did not exist and did not have to.
async fn delete_one(
    session: &Session,
    delete: &Delete,
    target: &Target,
) -> anyhow::Result<Option<String>> {
    let objects = target.objects(session);
    let uid = match &target.uid {
        Some(uid) => uid.clone(),
        None => match retry(|| objects.get_opt(&target.name)).await? {
            Some(object) => object.metadata.uid.unwrap_or_default(),
            None if delete.ignore_not_found => return Ok(None),
            None => return Err(Unmet::Failed("not found".to_owned()).into()),
        },
    };
    // Does not delete a new object with the same name.
    let parameters = DeleteParams {
        grace_period_seconds: delete.grace_period_seconds,
        preconditions: Some(Preconditions { uid: Some(uid.clone()), ..Preconditions::default() }),
        ..DeleteParams::default()
    };
    match retry_tracked(|| objects.delete(&target.name, &parameters)).await {
        Tracked { result: Ok(Either::Left(object)), .. } if is_ending(&object) => {
            target.recorded(session, &object.metadata).await;
            Ok(Some(uid))
        }
        Tracked { result: Ok(_), .. } => {
            target.recorded_deletion(session, &uid).await;
            Ok(Some(uid))
        }
        Tracked { result: Err(Error::Api(status)), may_have_applied }
            if matches!(status.code, 404 | 409)
                && is_absent(&objects, &target.name, &uid).await? =>
        {
            match (may_have_applied, delete.ignore_not_found) {
                // An earlier try deleted the object.
                (true, _) => Ok(Some(uid)),
                (false, true) => Ok(None),
                (false, false) => Err(Unmet::Failed("already deleted".to_owned()).into()),
            }
        }
        Tracked { result: Err(error), .. } => Err(error.into()),
    }
}

/// Whether an object continues to exist for a while after its deletion.
fn is_ending(object: &DynamicObject) -> bool {
    object.metadata.deletion_grace_period_seconds.is_some_and(|seconds| seconds > 0)
        || object.metadata.finalizers.as_ref().is_some_and(|finalizers| !finalizers.is_empty())
}

async fn is_absent(objects: &Api<DynamicObject>, name: &str, uid: &str) -> Result<bool, Error> {
    let now = retry(|| objects.get_opt(name)).await?;
    Ok(now.and_then(|object| object.metadata.uid).is_none_or(|now| now != uid))
}

/// Waits until an object no longer exists. The deadline of the step ends the wait.
async fn wait_until_deleted(objects: Api<DynamicObject>, name: &str, uid: &str) {
    while let Err(error) = await_condition(objects.clone(), name, is_deleted(uid)).await {
        tracing::debug!("waiting for the deletion of {name}: {error:#}");
        tokio::time::sleep(PAUSE).await;
    }
}
