use anyhow::Context as _;
use either::Either;
use kube::api::{DeleteParams, DynamicObject, Preconditions};
use kube::runtime::conditions::is_deleted;
use kube::runtime::wait::await_condition;

use super::target::{Target, paths, targets};
use crate::scenario::language::Delete;
use crate::scenario::run::session::Session;

/// Deletes objects, and waits until they are gone where that is asked for.
pub(super) async fn delete(session: &Session, delete: &Delete) -> anyhow::Result<String> {
    let found = match targets(session, &delete.target).await {
        Ok(found) => found,
        Err(_) if delete.ignore_not_found && delete.target.select.is_some() => Vec::new(),
        Err(error) => return Err(error),
    };
    for target in &found {
        delete_one(session, delete, target).await.with_context(|| target.path())?;
    }
    Ok(paths(&found))
}

async fn delete_one(session: &Session, delete: &Delete, target: &Target) -> anyhow::Result<()> {
    let objects = target.objects(session);
    // Another object of the same name, made meanwhile, is not what was selected.
    let uid = match &target.uid {
        Some(uid) => uid.clone(),
        None => match objects.get_opt(&target.name).await? {
            Some(object) => object.metadata.uid.unwrap_or_default(),
            None if delete.ignore_not_found => return Ok(()),
            None => objects.get(&target.name).await?.metadata.uid.unwrap_or_default(),
        },
    };
    let parameters = DeleteParams {
        grace_period_seconds: delete.grace_period_seconds,
        preconditions: Some(Preconditions { uid: Some(uid.clone()), ..Preconditions::default() }),
        ..DeleteParams::default()
    };
    match objects.delete(&target.name, &parameters).await {
        Ok(Either::Left(object)) if is_ending(&object) => {
            target.recorded(session, &object.metadata).await;
        }
        Ok(_) => target.recorded_gone(session, &uid).await,
        Err(kube::Error::Api(status)) if status.code == 404 && delete.ignore_not_found => {}
        Err(error) => return Err(error.into()),
    }
    if delete.wait {
        await_condition(objects, &target.name, is_deleted(&uid)).await?;
        target.recorded_gone(session, &uid).await;
    }
    Ok(())
}

/// Whether an object goes on for a while after its deletion.
fn is_ending(object: &DynamicObject) -> bool {
    object.metadata.deletion_grace_period_seconds.is_some_and(|seconds| seconds > 0)
        || object.metadata.finalizers.as_ref().is_some_and(|finalizers| !finalizers.is_empty())
}
