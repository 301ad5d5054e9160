use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DynamicObject};
use serde_json::Value;

use crate::failure::Failure;
use crate::scenario::history::KindName;
use crate::scenario::language::Objects;
use crate::scenario::run::recorder::{Written, WrittenState};
use crate::scenario::run::resource::{self, Resource};
use crate::scenario::run::session::Session;

/// An object that a step acts on.
pub(super) struct Target {
    pub resource: Resource,
    pub namespace: String,
    pub name: String,
    /// The object's UID, if known.
    pub uid: Option<String>,
}

impl Target {
    /// The objects of the same kind and namespace.
    pub fn objects(&self, session: &Session) -> Api<DynamicObject> {
        self.resource.objects(&session.client, &self.namespace)
    }

    /// Waits until a change of the object is in the record. `metadata` is from the API server's answer.
    pub async fn recorded(&self, session: &Session, metadata: &ObjectMeta) {
        let version = metadata.resource_version.as_deref().and_then(|version| version.parse().ok());
        let state = WrittenState::Version(version.unwrap_or_default());
        session.recorder.caught_up(&Written { kind: self.kind(), state }).await;
    }

    /// Waits until the deletion of the object is in the record.
    pub async fn recorded_deletion(&self, session: &Session, uid: &str) {
        let state = WrittenState::Deleted(uid.to_owned());
        session.recorder.caught_up(&Written { kind: self.kind(), state }).await;
    }

    fn kind(&self) -> KindName {
        let api = &self.resource.api;
        KindName(format!("{}/{}", api.api_version, api.kind).into())
    }

    /// Such as `Deployment web`.
    pub fn path(&self) -> String {
        format!("{} {}", self.resource.api.kind, self.name)
    }

    /// Creates the target of an object.
    pub fn of(resource: Resource, object: &Value) -> Self {
        let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        Self {
            resource,
            namespace: text("namespace").unwrap_or_default(),
            name: text("name").unwrap_or_default(),
            uid: text("uid"),
        }
    }
}

/// Returns the objects that a step names or selects, at least one.
///
/// # Errors
/// [`Failure::Input`] if a selection is empty now, or the kind is unknown.
pub(super) async fn targets(session: &Session, objects: &Objects) -> anyhow::Result<Vec<Target>> {
    let found = find(session, objects).await?;
    if found.is_empty() {
        return Err(Failure::input("the selection has no objects now")
            .with_hint("add a `wait` step before this step")
            .into());
    }
    Ok(found)
}

/// Returns the objects that a step names or selects.
///
/// # Errors
/// [`Failure::Input`] if the kind is unknown.
pub(super) async fn find(session: &Session, objects: &Objects) -> anyhow::Result<Vec<Target>> {
    match objects {
        Objects::Named { object, namespace } => {
            let (kind, name) = object.rsplit_once('/').ok_or_else(|| {
                Failure::input(format!("`{object}` is not an object"))
                    .with_hint("write KIND/NAME, such as deployment/web")
            })?;
            let resource = resource::require(&session.client, kind).await?;
            let namespace = session.namespace(namespace.as_deref()).to_owned();
            Ok(vec![Target { resource, namespace, name: name.to_owned(), uid: None }])
        }
        Objects::Selected { select, first } => {
            let mut found = session.recorder.select(select);
            found.truncate(first.unwrap_or(usize::MAX));
            let mut targets = Vec::new();
            for object in &found {
                let resource = resource::of_object(&session.client, object).await?;
                targets.push(Target::of(resource, object));
            }
            Ok(targets)
        }
    }
}

/// The paths of targets, separated by commas.
pub(super) fn paths(targets: &[Target]) -> String {
    targets.iter().map(Target::path).collect::<Vec<_>>().join(", ")
}
