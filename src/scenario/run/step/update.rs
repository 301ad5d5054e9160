use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use kube::Error;
use kube::api::{DynamicObject, Patch as ApiPatch, PatchParams};
use serde_json::{Map, Value, json};

use super::apply::FIELD_MANAGER;
use super::target::{Target, paths, targets};
use crate::failure::Failure;
use crate::scenario::language::{Label, Patch, PatchType, Scale};
use crate::scenario::run::retry::{retry, signature, signed};
use crate::scenario::run::session::Session;

/// Patches objects.
pub(super) async fn patch(session: &Session, patch: &Patch) -> anyhow::Result<String> {
    let body = match patch.patch_type {
        PatchType::Strategic => ApiPatch::Strategic(patch.patch.clone()),
        PatchType::Merge => ApiPatch::Merge(patch.patch.clone()),
        PatchType::Json => {
            let operations = serde_json::from_value(patch.patch.clone()).map_err(|error| {
                Failure::input(format!("invalid JSON patch (RFC 6902): {error}"))
            })?;
            ApiPatch::Json(operations)
        }
    };
    let found = targets(session, &patch.target).await?;
    for target in &found {
        let patched = patch_one(session, target, patch, &body).await;
        let changed = patched.with_context(|| target.path())?;
        target.recorded(session, &changed.metadata).await;
    }
    Ok(paths(&found))
}

async fn patch_one(
    session: &Session,
    target: &Target,
    patch: &Patch,
    body: &ApiPatch<Value>,
) -> Result<DynamicObject, Error> {
    let objects = target.objects(session);
    let cleanup = &session.state.cleanup;
    retry(|| cleanup.before_change(&target.resource, &target.name, &objects)).await?;
    let signature = signature(FIELD_MANAGER);
    let parameters =
        PatchParams { field_manager: Some(signature.clone()), ..PatchParams::default() };
    let is_second = AtomicBool::new(false);
    retry(|| async {
        // The operations must not run twice. The object shows whether an earlier try took effect.
        if is_second.swap(true, Ordering::Relaxed)
            && let Some(object) = signed(&objects, &target.name, &signature).await?
        {
            return Ok(object);
        }
        match &patch.subresource {
            None => objects.patch(&target.name, &parameters, body).await,
            Some(part) => objects.patch_subresource(part, &target.name, &parameters, body).await,
        }
    })
    .await
}

/// Sets the number of replicas.
pub(super) async fn scale(session: &Session, scale: &Scale) -> anyhow::Result<String> {
    let found = targets(session, &scale.target).await?;
    let body = ApiPatch::Merge(json!({ "spec": { "replicas": scale.replicas } }));
    for target in &found {
        let objects = target.objects(session);
        let parameters = PatchParams::default();
        let scaled = retry(|| objects.patch_scale(&target.name, &parameters, &body)).await;
        let changed = scaled.with_context(|| target.path())?;
        target.recorded(session, &changed.metadata).await;
    }
    Ok(format!("{}: {} replicas", paths(&found), scale.replicas))
}

/// Sets and removes labels.
pub(super) async fn label(session: &Session, label: &Label) -> anyhow::Result<String> {
    let found = targets(session, &label.target).await?;
    let mut labels: Map<String, Value> =
        label.set.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    labels.extend(label.remove.iter().map(|name| (name.clone(), Value::Null)));
    let body = ApiPatch::Merge(json!({ "metadata": { "labels": labels } }));
    for target in &found {
        let objects = target.objects(session);
        let (cleanup, parameters) = (&session.state.cleanup, PatchParams::default());
        let labelled = async {
            retry(|| cleanup.before_change(&target.resource, &target.name, &objects)).await?;
            retry(|| objects.patch(&target.name, &parameters, &body)).await
        };
        let changed = labelled.await.with_context(|| target.path())?;
        target.recorded(session, &changed.metadata).await;
    }
    Ok(paths(&found))
}
