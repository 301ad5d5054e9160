use crate::failure::Failure;
use crate::scenario::history::{StepCause, StepState};

/// The user name of kindrs in a cluster.
const ADMINISTRATOR: &str = "kubernetes-admin";

/// Why a step did not do what the scenario expects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unmet {
    /// The result is not the expected one.
    #[error("{0}")]
    Failed(String),
    /// The result is not known.
    #[error("{0}")]
    Unknown(String),
    /// The result is not known, because another failure ended the step early.
    #[error("{0}")]
    CutShort(String),
    /// The steps of the group did not pass.
    #[error("a step of the group {}", if *.0 == StepState::Failed { "failed" } else { "is inconclusive" })]
    Group(StepState),
}

/// Returns the state of a step that ended with an error: failed if the cluster gave an unexpected answer,
/// inconclusive if it gave none.
pub(super) fn state_of(error: &anyhow::Error) -> StepState {
    for cause in error.chain() {
        if let Some(unmet) = cause.downcast_ref::<Unmet>() {
            return match unmet {
                Unmet::Failed(_) => StepState::Failed,
                Unmet::Unknown(_) | Unmet::CutShort(_) => StepState::Inconclusive,
                Unmet::Group(state) => *state,
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

/// Returns what decided the state of a step that ended with an error.
pub(super) fn cause_of(error: &anyhow::Error) -> StepCause {
    match error.downcast_ref::<Unmet>() {
        Some(Unmet::CutShort(_)) => StepCause::CutShort,
        Some(Unmet::Group(_)) => StepCause::Group,
        _ => StepCause::Own,
    }
}

/// Whether an error says nothing about the request, so that the same request can succeed later.
pub(super) fn is_transient(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            matches!(status.code, 408 | 429)
                || status.code >= 500
                || EarlyRefusal::of(status).is_some()
        }
        kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::ReadEvents(_) => true,
        _ => false,
    }
}

/// Why the API server refuses a request that it accepts a moment later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EarlyRefusal {
    /// The namespace is so new that its service account does not exist yet.
    NoServiceAccount,
    /// The API server has not loaded the roles yet: an administrator is allowed everything.
    NoRoles,
}

impl EarlyRefusal {
    /// Recognises an early refusal. The API server gives all refusals the same code, reason and details;
    /// only their messages differ.
    fn of(status: &kube::core::Status) -> Option<Self> {
        let says = |part: &str| status.message.contains(part);
        if status.code != 403 {
            None
        } else if says("serviceaccount") && says("not found") {
            Some(Self::NoServiceAccount)
        } else if says(&format!("User \"{ADMINISTRATOR}\" cannot ")) {
            Some(Self::NoRoles)
        } else {
            None
        }
    }
}

/// Describes an error and its causes, without repetitions.
pub(super) fn describe(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let kube = cause.downcast_ref::<kube::Error>();
        let text = kube.map_or_else(|| cause.to_string(), reason);
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
        // `reason` includes the causes.
        if kube.is_some() {
            break;
        }
    }
    parts.join(": ")
}

/// Returns the API server's answer, or why there is none.
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
    fn fails_on_an_answer_and_is_inconclusive_without_one() {
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
        let group = Unmet::Group(StepState::Failed).into();
        assert_eq!((state_of(&group), cause_of(&group)), (StepState::Failed, StepCause::Group));
        assert_eq!(describe(&group), "a step of the group failed");
        let cut_short = Unmet::CutShort("cut short".into()).into();
        assert_eq!(state_of(&cut_short), StepState::Inconclusive);
        assert_eq!(cause_of(&cut_short), StepCause::CutShort);
        assert_eq!(state_of(&anyhow::anyhow!("Docker is away")), StepState::Inconclusive);
    }

    #[test]
    fn describes_each_cause_once() {
        let error =
            Err::<(), _>(refusal(404, "pods \"a\" not found")).context("Pod a").unwrap_err();
        assert_eq!(describe(&error), "Pod a: pods \"a\" not found");
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(reason(&kube::Error::Service(refused.into())), "connection refused");
        assert_eq!(describe(&anyhow::anyhow!("deep").context("over")), "over: deep");
    }
}
