use std::fmt;

use crate::failure::Failure;

/// A failed request to the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("cannot reach Docker at {address}: {reason}")]
    Unreachable { address: String, reason: ConnectionFailure },
    #[error("{what} does not exist")]
    NotFound {
        /// The object, such as `container dev-worker`.
        what: String,
    },
    /// The engine refused a request, or failed at it.
    #[error("{what}: {reason}")]
    Refused {
        /// The request, such as `starting container dev-worker`.
        what: String,
        cause: Refusal,
        /// The engine's own words.
        reason: String,
    },
    /// Reading or writing the data of a request failed.
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
}

/// Why the engine refused a request, as far as callers decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Another container or network has the name.
    NameInUse,
    /// The subnet overlaps another network's.
    SubnetOverlap,
    /// A port of the host is in use.
    PortInUse,
    /// Containers are still connected to the network.
    ActiveEndpoints,
    /// The container is already being removed.
    RemovalInProgress,
    /// Any other conflict with the state of the object or of its users.
    Conflict,
    /// The engine itself lacks a permission that the request needs.
    NotPermitted,
    NoSpace,
    /// A registry answered, and does not have the image or does not give it to this user.
    ImageNotFound,
    Other,
}

impl Refusal {
    /// Whether the same request can succeed once something else has changed.
    pub fn is_conflict(self) -> bool {
        match self {
            Self::NameInUse
            | Self::SubnetOverlap
            | Self::PortInUse
            | Self::ActiveEndpoints
            | Self::RemovalInProgress
            | Self::Conflict => true,
            Self::NotPermitted | Self::NoSpace | Self::ImageNotFound | Self::Other => false,
        }
    }
}

/// Why the engine cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionFailure {
    NoSocket,
    PermissionDenied,
    ConnectionRefused,
    Other(String),
}

impl fmt::Display for ConnectionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSocket => "no such socket",
            Self::PermissionDenied => "permission denied",
            Self::ConnectionRefused => "connection refused",
            Self::Other(reason) => reason,
        })
    }
}

impl EngineError {
    /// A refusal for a reason that no caller decides by.
    pub(crate) fn refused(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), cause: Refusal::Other, reason: reason.into() }
    }

    /// The reason for a refusal.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused { cause, .. } => Some(*cause),
            Self::Unreachable { .. } | Self::NotFound { .. } | Self::Io { .. } => None,
        }
    }

    /// The next step for the user, where it is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { reason, .. } => Some(match reason {
                ConnectionFailure::PermissionDenied => {
                    "run `sudo usermod -aG docker $USER`, then log in again"
                }
                ConnectionFailure::NoSocket | ConnectionFailure::ConnectionRefused => {
                    "start Docker with `sudo systemctl start docker`, or install and start it \
                     with `scripts/docker`"
                }
                ConnectionFailure::Other(_) => {
                    "check that `docker version` works, and check DOCKER_HOST and \
                     `docker context ls`"
                }
            }),
            Self::Refused { cause: Refusal::PortInUse, .. } => Some(
                "choose another host port, or stop the program or container that uses this one",
            ),
            Self::Refused { cause: Refusal::NoSpace, .. } => Some(
                "free space on the disk that Docker uses; `docker system df` shows what uses it",
            ),
            Self::Refused { .. } | Self::NotFound { .. } | Self::Io { .. } => None,
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let failure = Self::environment(error.to_string());
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

/// The hint of an engine's error anywhere in the chain of `error`.
pub fn hint(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| cause.downcast_ref::<EngineError>())?.hint()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_follow_the_reason() {
        for (reason, part) in [
            (ConnectionFailure::PermissionDenied, "usermod -aG docker"),
            (ConnectionFailure::NoSocket, "systemctl start docker"),
            (ConnectionFailure::ConnectionRefused, "scripts/docker"),
            (ConnectionFailure::Other("dns error".into()), "DOCKER_HOST"),
        ] {
            let text = reason.to_string();
            let address = "unix:///d.sock".to_owned();
            let failure = Failure::from(EngineError::Unreachable { address, reason });
            assert!(failure.hint().is_some_and(|hint| hint.contains(part)), "{failure:?}");
            assert!(failure.to_string().ends_with(&text), "{failure}");
        }
    }

    #[test]
    fn an_unknown_refusal_has_no_hint() {
        assert_eq!(EngineError::refused("creating container a", "no").hint(), None);
    }

    #[test]
    fn context_does_not_hide_a_hint() {
        let error = EngineError::Refused {
            what: "starting container a".into(),
            cause: Refusal::NoSpace,
            reason: "no space left on device".into(),
        };
        let error = anyhow::Error::new(error).context("creating a cluster");
        assert!(hint(&error).is_some_and(|hint| hint.contains("docker system df")));
    }
}
