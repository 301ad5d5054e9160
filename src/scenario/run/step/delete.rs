use anyhow::Context as _;
use kube::api::{DeleteParams, Preconditions};
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
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 404 && delete.ignore_not_found => {}
        Err(error) => return Err(error.into()),
    }
    if delete.wait {
        await_condition(objects, &target.name, is_deleted(&uid)).await?;
    }
    Ok(())
}
