//! What a user can do about a failure of the engine.

use super::EngineError;
use crate::failure::Failure;

impl EngineError {
    /// What to do next, when it is known.
    pub fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::Unreachable { reason, .. } if reason.contains("permission denied") => {
                "let yourself use Docker with `sudo usermod -aG docker $USER`, then log in again"
            }
            Self::Unreachable { reason, .. }
                if reason.contains("no such socket") || reason.contains("connection refused") =>
            {
                "Docker is not running: start it with `sudo systemctl start docker`, or install \
                 and start it with `scripts/docker`"
            }
            Self::Unreachable { .. } => {
                "see whether `docker version` works, and check DOCKER_HOST and `docker context ls`"
            }
            Self::Conflict { reason, .. } | Self::Refused { reason, .. } => {
                if reason.contains("port is already allocated")
                    || reason.contains("address already in use")
                {
                    "another program or container holds that port: choose another host port, or \
                     stop the other"
                } else if reason.contains("no space left on device") {
                    "make room on the disk that Docker uses: `docker system df` shows what takes it"
                } else {
                    return None;
                }
            }
            Self::NotFound { .. } | Self::Io { .. } => return None,
        };
        Some(advice.to_owned())
    }
}

impl From<EngineError> for Failure {
    /// A failed environment that says the same, with the hint.
    fn from(error: EngineError) -> Self {
        let failure = Self::environment(error.to_string());
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable(reason: &str) -> Failure {
        EngineError::Unreachable { address: "unix:///d.sock".into(), reason: reason.into() }.into()
    }

    #[test]
    fn hints_follow_the_reason() {
        for (reason, part) in [
            ("permission denied", "usermod -aG docker"),
            ("no such socket", "systemctl start docker"),
            ("connection refused", "scripts/docker"),
            ("dns error", "DOCKER_HOST"),
        ] {
            let failure = unreachable(reason);
            assert!(failure.hint().is_some_and(|hint| hint.contains(part)), "{failure:?}");
            assert!(failure.to_string().contains(reason));
        }
    }

    #[test]
    fn an_unknown_refusal_has_no_hint() {
        let error = EngineError::Refused { what: "making container a".into(), reason: "no".into() };
        assert_eq!(error.hint(), None);
    }
}
