use crate::failure::Failure;
use crate::scenario::history::StepState;

/// Who kindrs is to a cluster's API server.
const ADMINISTRATOR: &str = "kubernetes-admin";

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

/// A refusal that comes of asking too early: for a pod in a namespace so new that its service account is
/// not there yet, or of an API server so new that it has not read the roles: an administrator may do all.
fn is_early(status: &kube::core::Status) -> bool {
    let names_account =
        || status.message.contains("serviceaccount") && status.message.contains("not found");
    let denies_administrator =
        || status.message.contains(&format!("User \"{ADMINISTRATOR}\" cannot "));
    status.code == 403 && (names_account() || denies_administrator())
}

/// An error and its causes for people, each said once.
pub(super) fn told(error: &anyhow::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in error.chain() {
        let kube = cause.downcast_ref::<kube::Error>();
        let text = kube.map_or_else(|| cause.to_string(), reason);
        if said.last().is_none_or(|last| !last.contains(&text)) {
            said.push(text);
        }
        // It has told of its causes.
        if kube.is_some() {
            break;
        }
    }
    said.join(": ")
}

/// What the API server answered, or why it did not.
pub(super) fn reason(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
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
    fn an_answer_fails_and_no_answer_is_inconclusive() {
        let of =
            |error: kube::Error| state_of(&Err::<(), _>(error).context("applying").unwrap_err());
        assert_eq!(of(refusal(422, "invalid")), StepState::Failed);
        assert_eq!(of(refusal(404, "not found")), StepState::Failed);
        assert_eq!(of(refusal(500, "etcd is away")), StepState::Inconclusive);
        assert_eq!(of(refusal(429, "later")), StepState::Inconclusive);
        let early = "pods \"a\" is forbidden: serviceaccount \"default\" not found";
        assert_eq!(of(refusal(403, early)), StepState::Inconclusive);
        let of_user = |user: &str| format!("pods is forbidden: User \"{user}\" cannot list pods");
        assert_eq!(of(refusal(403, &of_user("kubernetes-admin"))), StepState::Inconclusive);
        assert_eq!(of(refusal(403, &of_user("guest"))), StepState::Failed);
        assert_eq!(state_of(&Unmet::Failed("code 1".into()).into()), StepState::Failed);
        assert_eq!(state_of(&Failure::input("no such pod").into()), StepState::Failed);
        assert_eq!(state_of(&anyhow::anyhow!("Docker is away")), StepState::Inconclusive);
    }

    #[test]
    fn an_error_is_told_once() {
        let error =
            Err::<(), _>(refusal(404, "pods \"a\" not found")).context("Pod a").unwrap_err();
        assert_eq!(told(&error), "Pod a: pods \"a\" not found");
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(reason(&kube::Error::Service(refused.into())), "connection refused");
        assert_eq!(told(&anyhow::anyhow!("deep").context("over")), "over: deep");
    }
}
