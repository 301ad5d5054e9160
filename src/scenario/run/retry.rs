use std::time::Duration;

use kube::Error;
use kube::api::{Api, DynamicObject};

use super::outcome::is_transient;

/// Pauses between tries of a request.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The result of a request that was retried.
pub(super) struct Tracked<T> {
    pub result: Result<T, Error>,
    /// Whether an earlier try can have taken effect, with its answer lost.
    pub may_have_applied: bool,
}

/// Repeats a request until the API server answers. The deadline of the step ends it.
pub(super) async fn retry<T, F>(request: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    retry_tracked(request).await.result
}

/// Like [`retry`], for requests that must not take effect twice.
pub(super) async fn retry_tracked<T, F>(mut request: impl FnMut() -> F) -> Tracked<T>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut pause = FIRST_PAUSE;
    let mut may_have_applied = false;
    loop {
        match request().await {
            Err(error) if is_transient(&error) => {
                tracing::debug!("retrying: {error:#}");
                may_have_applied |= may_have_taken_effect(&error);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            result => return Tracked { result, may_have_applied },
        }
    }
}

/// Whether a request can have taken effect despite the error.
fn may_have_taken_effect(error: &Error) -> bool {
    match error {
        Error::Api(status) => status.code >= 500 || status.code == 408,
        _ => true,
    }
}

/// Returns a field manager's name for one request. The API server writes it to
/// `metadata.managedFields`, where it shows that the request took effect.
pub(super) fn signature(manager: &str) -> String {
    let tail: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
    format!("{manager}-{}", tail.to_lowercase())
}

/// Returns the object that the request with this signature changed; `None` if the request had no effect.
///
/// # Errors
/// The error of the API server.
pub(super) async fn signed(
    objects: &Api<DynamicObject>,
    name: &str,
    signature: &str,
) -> Result<Option<DynamicObject>, Error> {
    let object = retry(|| objects.get_opt(name)).await?;
    Ok(object.filter(|object| {
        let managers = object.metadata.managed_fields.iter().flatten();
        managers.filter_map(|fields| fields.manager.as_deref()).any(|name| name == signature)
    }))
}
