use anyhow::Context as _;
use kube::api::{Patch as ApiPatch, PatchParams};
use serde_json::{Map, Value, json};

use super::target::{paths, targets};
use crate::failure::Failure;
use crate::scenario::language::{Label, Patch, PatchType, Scale};
use crate::scenario::run::session::Session;

/// Changes a part of objects.
pub(super) async fn patch(session: &Session, patch: &Patch) -> anyhow::Result<String> {
    let body = match patch.patch_type {
        PatchType::Strategic => ApiPatch::Strategic(patch.patch.clone()),
        PatchType::Merge => ApiPatch::Merge(patch.patch.clone()),
        PatchType::Json => {
            let operations = serde_json::from_value(patch.patch.clone())
                .map_err(|error| Failure::input(format!("the patch is no RFC 6902: {error}")))?;
            ApiPatch::Json(operations)
        }
    };
    let found = targets(session, &patch.target).await?;
    for target in &found {
        let (objects, parameters) = (target.objects(session), PatchParams::default());
        session.tidying.before_changing(target.resource.clone(), &target.name, &objects).await;
        let result = match &patch.subresource {
            None => objects.patch(&target.name, &parameters, &body).await,
            Some(part) => objects.patch_subresource(part, &target.name, &parameters, &body).await,
        };
        let changed = result.with_context(|| target.path())?;
        target.recorded(session, &changed.metadata).await;
    }
    Ok(paths(&found))
}

/// Sets the number of replicas.
pub(super) async fn scale(session: &Session, scale: &Scale) -> anyhow::Result<String> {
    let found = targets(session, &scale.target).await?;
    let body = ApiPatch::Merge(json!({ "spec": { "replicas": scale.replicas } }));
    for target in &found {
        let objects = target.objects(session);
        let result = objects.patch_scale(&target.name, &PatchParams::default(), &body).await;
        let changed = result.with_context(|| target.path())?;
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
        session.tidying.before_changing(target.resource.clone(), &target.name, &objects).await;
        let result = objects.patch(&target.name, &PatchParams::default(), &body).await;
        let changed = result.with_context(|| target.path())?;
        target.recorded(session, &changed.metadata).await;
    }
    Ok(paths(&found))
}
