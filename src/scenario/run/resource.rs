use std::time::Duration;

use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::{Client, discovery};
use serde_json::Value;
use tokio::time::Instant;

use super::outcome::is_transient;
use crate::failure::Failure;
use crate::kubernetes::{Kind, find_kind};

/// The time that the API server can take to serve a newly defined kind.
const UNTIL_DEFINED: Duration = Duration::from_secs(5);
/// The pause between requests for a kind.
const PAUSE: Duration = Duration::from_millis(300);

/// A kind that the API server serves.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub api: ApiResource,
    pub namespaced: bool,
}

impl Resource {
    /// The path of all objects, or of those in one namespace.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.api.group.is_empty() { "api" } else { "apis" };
        let namespace = match namespace {
            Some(namespace) if self.namespaced => format!("namespaces/{namespace}/"),
            _ => String::new(),
        };
        format!("/{root}/{}/{namespace}{}", self.api.api_version, self.api.plural)
    }

    /// The objects of the kind, in `namespace` if the kind is namespaced.
    pub fn objects(&self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        if self.namespaced {
            Api::namespaced_with(client.clone(), namespace, &self.api)
        } else {
            Api::all_with(client.clone(), &self.api)
        }
    }

    fn own(kind: &Kind) -> Self {
        let api = ApiResource {
            group: kind.group.to_owned(),
            version: kind.version.to_owned(),
            api_version: kind.api_version(),
            kind: kind.kind.to_owned(),
            plural: kind.plural.to_owned(),
        };
        Self { api, namespaced: kind.namespaced }
    }
}

/// Finds a kind by a name such as `Pod`, `deploy` or `example.com/v1/Widget`. Returns `None` if neither
/// Kubernetes nor this API server has such a kind.
///
/// # Errors
/// The API server is needed and does not answer.
pub(super) async fn find(client: &Client, name: &str) -> anyhow::Result<Option<Resource>> {
    if let Some(kind) = find_kind(name) {
        return Ok(Some(Resource::own(kind)));
    }
    let Some((api_version, kind)) = name.rsplit_once('/') else { return Ok(None) };
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let kind = GroupVersionKind::gvk(group, version, kind);
    match discovery::pinned_kind(client, &kind).await {
        Ok((api, capabilities)) => {
            let namespaced = capabilities.scope == discovery::Scope::Namespaced;
            Ok(Some(Resource { api, namespaced }))
        }
        Err(kube::Error::Discovery(_)) => Ok(None),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(anyhow::Error::new(error).context(format!("cannot look up kind {name}"))),
    }
}

/// Finds the kind of an object, by its `apiVersion` and `kind`.
///
/// # Errors
/// [`Failure::Input`] if the API server has no such kind.
pub(super) async fn of_object(client: &Client, object: &Value) -> anyhow::Result<Resource> {
    let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    let name = format!("{}/{}", text("apiVersion"), text("kind"));
    require(client, &name).await
}

/// Finds a kind that must exist. Waits for a kind whose definition was just applied, and retries while the
/// API server does not answer.
///
/// # Errors
/// [`Failure::Input`] if there is no such kind.
pub(super) async fn require(client: &Client, name: &str) -> anyhow::Result<Resource> {
    let until = Instant::now() + UNTIL_DEFINED;
    let found = loop {
        match find(client, name).await {
            Ok(None) if Instant::now() >= until => break None,
            Ok(None) => {}
            Err(error) if is_unanswered(&error) => tracing::debug!("retrying: {error:#}"),
            found => break found?,
        }
        tokio::time::sleep(PAUSE).await;
    };
    found.ok_or_else(|| {
        Failure::input(format!("the API server has no kind `{name}`"))
            .with_hint("write custom kinds as GROUP/VERSION/KIND")
            .into()
    })
}

fn is_unanswered(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<kube::Error>().is_some_and(is_transient))
}
