use std::time::Duration;

use kube::Error;
use kube::api::{Api, DynamicObject};

use super::outcome::is_transient;

/// Pauses between tries of a request that the API server had no answer for.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What came of a request in the end.
pub(super) struct Answered<T> {
    pub result: Result<T, Error>,
    /// Whether an earlier try of it may have gone through, its answer lost.
    pub may_be_second: bool,
}

/// Asks again what the API server had no answer for, for as long as the step may take.
pub(super) async fn patiently<T, F>(request: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    answered(request).await.result
}

/// As [`patiently`], for what may not be done twice.
pub(super) async fn answered<T, F>(mut request: impl FnMut() -> F) -> Answered<T>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut pause = FIRST_PAUSE;
    let mut may_be_second = false;
    loop {
        match request().await {
            Err(error) if is_transient(&error) => {
                tracing::debug!("asked again: {error:#}");
                may_be_second |= may_have_gone_through(&error);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            result => return Answered { result, may_be_second },
        }
    }
}

/// Whether the request may have been carried out all the same.
fn may_have_gone_through(error: &Error) -> bool {
    match error {
        Error::Api(status) => status.code >= 500 || status.code == 408,
        _ => true,
    }
}

/// A name for one request by which an object tells later that it went through: the API server writes
/// it into `metadata.managedFields`.
pub(super) fn signature(manager: &str) -> String {
    let tail: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
    format!("{manager}-{}", tail.to_lowercase())
}

/// The object that the request with that signature has changed; `None` where it did not go through.
///
/// # Errors
/// What the API server says.
pub(super) async fn signed(
    objects: &Api<DynamicObject>,
    name: &str,
    signature: &str,
) -> Result<Option<DynamicObject>, Error> {
    let object = patiently(|| objects.get_opt(name)).await?;
    Ok(object.filter(|object| {
        let managers = object.metadata.managed_fields.iter().flatten();
        managers.filter_map(|fields| fields.manager.as_deref()).any(|name| name == signature)
    }))
}
