//! What `bollard` reports, as [`EngineError`]s.

use std::error::Error as _;
use std::io;

use bollard::errors::Error;

use crate::runtime::EngineError;

/// Parts of messages that the engine sends with varied status codes for what is a conflict: a
/// subnet or name in use, a network with containers on it, a host port in use.
const CONFLICTS: [&str; 6] = [
    "overlap",
    "already exists",
    "already in use",
    "has active endpoints",
    "port is already allocated",
    "network with name",
];

/// Turns a failure of `action` (`starting`) on `object` (`container kind-worker`) at the engine
/// at `address` into an [`EngineError`].
pub(super) fn translate(address: &str, action: &str, object: &str, failure: &Error) -> EngineError {
    let refused =
        |reason: String| EngineError::Refused { what: format!("{action} {object}"), reason };
    match failure {
        Error::DockerResponseServerError { status_code, message } => {
            answer(*status_code, message, action, object)
        }
        Error::DockerStreamError { error } => answer(0, error, action, object),
        Error::RequestTimeoutError
        | Error::HyperLegacyError { .. }
        | Error::HyperResponseError { .. }
        | Error::IOError { .. }
        | Error::SocketNotFoundError(_) => EngineError::Unreachable {
            address: address.to_owned(),
            reason: connection_reason(failure),
        },
        other => refused(other.to_string()),
    }
}

fn answer(status: u16, message: &str, action: &str, object: &str) -> EngineError {
    let reason = message.trim().to_owned();
    if status == 404 {
        EngineError::NotFound { what: missing(&reason).unwrap_or_else(|| object.to_owned()) }
    } else if status == 409 || CONFLICTS.iter().any(|part| reason.contains(part)) {
        EngineError::Conflict { what: object.to_owned(), reason }
    } else {
        EngineError::Refused { what: format!("{action} {object}"), reason }
    }
}

/// The object that a "no such" message is about: making a container can also fail for want of
/// its image or network.
fn missing(message: &str) -> Option<String> {
    for kind in ["container", "image"] {
        if let Some((_, name)) = message.split_once(&format!("No such {kind}: ")) {
            return Some(format!("{kind} {name}"));
        }
    }
    if let Some(rest) = message.strip_suffix(" not found") {
        return rest.rsplit_once("network ").map(|(_, name)| format!("network {name}"));
    }
    if let Some(rest) = message.strip_suffix(": no such volume") {
        return rest.rsplit_once("get ").map(|(_, name)| format!("volume {name}"));
    }
    message.strip_prefix("Could not find the file ").map(str::to_owned)
}

/// Why a connection failed, in few words: the innermost cause says it.
pub(super) fn connection_reason(failure: &Error) -> String {
    if let Error::SocketNotFoundError(_) = failure {
        return "no such socket".to_owned();
    }
    let mut reason = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        reason = error.to_string();
        if let Some(io) = error.downcast_ref::<io::Error>() {
            match io.kind() {
                io::ErrorKind::NotFound => return "no such socket".to_owned(),
                kind @ (io::ErrorKind::PermissionDenied | io::ErrorKind::ConnectionRefused) => {
                    return kind.to_string();
                }
                _ => {}
            }
        }
        cause = error.source();
    }
    reason
}

/// `Ok` when the object is gone or was never there.
pub(super) fn missing_is_fine<T>(result: Result<T, EngineError>) -> Result<(), EngineError> {
    match result {
        Ok(_) | Err(EngineError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Adds what was done to an error of reading or writing a local file.
pub(super) fn file_error(action: &str, path: &std::path::Path, source: io::Error) -> EngineError {
    EngineError::Io { what: format!("{action} {}", path.display()), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(status_code: u16, message: &str) -> EngineError {
        let failure = Error::DockerResponseServerError { status_code, message: message.into() };
        translate("unix:///d.sock", "making", "container a", &failure)
    }

    #[test]
    fn not_found_names_what_is_missing() {
        for (message, what) in [
            ("No such container: b", "container b"),
            ("No such image: node:v1", "image node:v1"),
            ("network kind not found", "network kind"),
            ("get var: no such volume", "volume var"),
            ("Could not find the file /x in container a", "/x in container a"),
            ("page not found", "container a"),
        ] {
            let EngineError::NotFound { what: found } = server(404, message) else {
                panic!("{message}");
            };
            assert_eq!(found, what);
        }
    }

    #[test]
    fn conflicts_come_with_many_status_codes() {
        for (status, message) in [
            (409, "removal of container a is already in progress"),
            (403, "Pool overlaps with other one on this address space"),
            (500, "Pool overlaps with other one on this address space"),
            (403, "error while removing network: network a has active endpoints"),
            (500, "driver failed: Bind for 127.0.0.1:80 failed: port is already allocated"),
            (500, "listen tcp4 127.0.0.1:80: bind: address already in use"),
        ] {
            let error = server(status, message);
            assert!(matches!(error, EngineError::Conflict { .. }), "{error:?}");
        }
    }

    #[test]
    fn the_rest_is_refused_with_the_engines_words() {
        let error = server(500, "no space left on device\n");
        assert_eq!(error.to_string(), "making container a: no space left on device");
        assert!(matches!(error, EngineError::Refused { .. }));
    }

    #[test]
    fn a_lost_connection_is_unreachable() {
        let failure = Error::IOError {
            err: io::Error::new(io::ErrorKind::UnexpectedEof, "closed in the middle"),
        };
        let error = translate("unix:///d.sock", "making", "container a", &failure);
        assert!(matches!(error, EngineError::Unreachable { .. }));
        assert!(error.to_string().contains("closed in the middle"), "{error}");
    }
}
