use crate::failure::Failure;
use crate::scenario::history::StepState;

/// Why a step ended without having done what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unmet {
    /// It was tried, and came out otherwise than expected.
    #[error("{0}")]
    Failed(String),
    /// What came of it cannot be told.
    #[error("{0}")]
    Unknown(String),
}

/// How a step ends that ended with this error: failed where the cluster gave an answer that was not
/// expected, inconclusive where it gave none.
pub(super) fn state_of(error: &anyhow::Error) -> StepState {
    for cause in error.chain() {
        if let Some(unmet) = cause.downcast_ref::<Unmet>() {
            return match unmet {
                Unmet::Failed(_) => StepState::Failed,
                Unmet::Unknown(_) => StepState::Inconclusive,
            };
        }
        if let Some(error) = cause.downcast_ref::<kube::Error>() {
            return if is_transient(error) { StepState::Inconclusive } else { StepState::Failed };
        }
        if let Some(Failure::Input { .. }) = cause.downcast_ref::<Failure>() {
            return StepState::Failed;
        }
    }
    StepState::Inconclusive
}

/// An error with its causes, for people: of an answer of the API server, what it says.
pub(super) fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let status = match cause.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) if !status.message.is_empty() => Some(&status.message),
            _ => None,
        };
        let part = status.cloned().unwrap_or_else(|| cause.to_string());
        // Some errors name their cause themselves.
        if !text.ends_with(&part) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
        if status.is_some() {
            break;
        }
    }
    text
}

/// Whether an error of the API server says nothing about the request: it may go through when it is
/// asked again.
pub(super) fn is_transient(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            matches!(status.code, 408 | 429) || status.code >= 500 || is_early(status)
        }
        kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::ReadEvents(_) => true,
        _ => false,
    }
}

/// A pod in a namespace so new that its service account is not there yet.
fn is_early(status: &kube::core::Status) -> bool {
    status.code == 403
        && status.message.contains("serviceaccount")
        && status.message.contains("not found")
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use kube::core::Status;

    use super::*;

    fn refusal(code: u16, message: &str) -> kube::Error {
        kube::Error::Api(Status { code, message: message.into(), ..Status::default() }.boxed())
    }

    #[test]
    fn an_error_is_told_with_what_the_api_server_says() {
        let refused = Err::<(), _>(refusal(422, "spec.replicas: must not be negative"));
        let error = refused.context("Deployment web").unwrap_err();
        assert_eq!(told(&error), "Deployment web: spec.replicas: must not be negative");
        let broken = kube::Error::Service(Box::new(std::io::Error::other("connection refused")));
        assert_eq!(told(&broken.into()), "ServiceError: connection refused");
    }

    #[test]
    fn an_answer_fails_and_no_answer_is_inconclusive() {
        let of =
            |error: kube::Error| state_of(&Err::<(), _>(error).context("applying").unwrap_err());
        assert_eq!(of(refusal(422, "invalid")), StepState::Failed);
        assert_eq!(of(refusal(404, "not found")), StepState::Failed);
        assert_eq!(of(refusal(500, "etcd is away")), StepState::Inconclusive);
        assert_eq!(of(refusal(429, "later")), StepState::Inconclusive);
        let early = "pods \"a\" is forbidden: serviceaccount \"default\" not found";
        assert_eq!(of(refusal(403, early)), StepState::Inconclusive);
        assert_eq!(state_of(&Unmet::Failed("code 1".into()).into()), StepState::Failed);
        assert_eq!(state_of(&Failure::input("no such pod").into()), StepState::Failed);
        assert_eq!(state_of(&anyhow::anyhow!("Docker is away")), StepState::Inconclusive);
    }
}
