//! What `bollard` reports, as [`EngineError`]s.

use std::error::Error as _;
use std::io;

use bollard::errors::Error;

use crate::runtime::{ConnectionFailure, EngineError, Refusal};

/// Parts of the engine's messages with their meanings; the first match counts. The engine's API has
/// no codes for them, and its status codes vary between versions: an overlapping subnet is a 403 or
/// a 500.
const REFUSALS: [(&str, Refusal); 10] = [
    ("overlap", Refusal::SubnetOverlap),
    ("port is already allocated", Refusal::PortInUse),
    ("address already in use", Refusal::PortInUse),
    ("has active endpoints", Refusal::ActiveEndpoints),
    ("already in progress", Refusal::RemovalInProgress),
    ("already in use", Refusal::NameInUse),
    ("already exists", Refusal::NameInUse),
    ("network with name", Refusal::NameInUse),
    ("operation not permitted", Refusal::NotPermitted),
    ("no space left on device", Refusal::NoSpace),
];

/// Turns a failure of `action` (`starting`) on `object` (`container kind-worker`) at the engine
/// at `address` into an [`EngineError`].
pub(super) fn translate(address: &str, action: &str, object: &str, failure: &Error) -> EngineError {
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
        other => refused(action, object, other.to_string(), Refusal::Other),
    }
}

fn answer(status: u16, message: &str, action: &str, object: &str) -> EngineError {
    let reason = message.trim().to_owned();
    if status == 404 {
        EngineError::NotFound { what: missing(&reason).unwrap_or_else(|| object.to_owned()) }
    } else {
        let otherwise = if status == 409 { Refusal::Conflict } else { Refusal::Other };
        refused(action, object, reason, otherwise)
    }
}

/// Turns a failure to pull an image into an [`EngineError`], with the registry's own message.
pub(super) fn translate_pull(address: &str, object: &str, failure: &Error) -> EngineError {
    let message = match failure {
        Error::DockerResponseServerError { message, .. } => message,
        Error::DockerStreamError { error } => error,
        _ => return translate(address, "pulling", object, failure),
    };
    let has = |part: &&str| message.contains(part);
    let unanswered = ["lookup", "dial tcp"].iter().any(has);
    let answered = ["not found", "manifest unknown", "denied", "unauthorized", "does not exist"]
        .iter()
        .any(has);
    let otherwise = if answered && !unanswered { Refusal::ImageNotFound } else { Refusal::Other };
    refused("pulling", object, message.trim().to_owned(), otherwise)
}

/// A refusal with the cause that the message reveals, or `otherwise`.
fn refused(action: &str, object: &str, reason: String, otherwise: Refusal) -> EngineError {
    let known = REFUSALS.iter().find(|(part, _)| reason.contains(part));
    let cause = known.map_or(otherwise, |(_, cause)| *cause);
    EngineError::Refused { what: format!("{action} {object}"), cause, reason }
}

/// The object of a "no such" message: creating a container can also fail because its image or
/// network is missing.
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

/// Why a connection failed, by its innermost cause.
pub(super) fn connection_reason(failure: &Error) -> ConnectionFailure {
    if let Error::SocketNotFoundError(_) = failure {
        return ConnectionFailure::NoSocket;
    }
    let mut reason = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        reason = error.to_string();
        if let Some(io) = error.downcast_ref::<io::Error>() {
            match io.kind() {
                io::ErrorKind::NotFound => return ConnectionFailure::NoSocket,
                io::ErrorKind::PermissionDenied => return ConnectionFailure::PermissionDenied,
                io::ErrorKind::ConnectionRefused => return ConnectionFailure::ConnectionRefused,
                _ => {}
            }
        }
        cause = error.source();
    }
    ConnectionFailure::Other(reason)
}

/// `Ok` when the object was removed or never existed.
pub(super) fn missing_is_fine<T>(result: Result<T, EngineError>) -> Result<(), EngineError> {
    match result {
        Ok(_) | Err(EngineError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Adds the action to an error of reading or writing a local file.
pub(super) fn file_error(action: &str, path: &std::path::Path, source: io::Error) -> EngineError {
    EngineError::Io { what: format!("{action} {}", path.display()), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(status_code: u16, message: &str) -> EngineError {
        let failure = Error::DockerResponseServerError { status_code, message: message.into() };
        translate("unix:///d.sock", "creating", "container a", &failure)
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
    fn refusals_are_told_apart_whatever_their_status_code() {
        for (status, message, expected) in [
            (409, "removal of container a is already in progress", Refusal::RemovalInProgress),
            (403, "Pool overlaps with other one on this address space", Refusal::SubnetOverlap),
            (500, "Pool overlaps with other one on this address space", Refusal::SubnetOverlap),
            (403, "error: network a has active endpoints", Refusal::ActiveEndpoints),
            (500, "Bind for 127.0.0.1:80 failed: port is already allocated", Refusal::PortInUse),
            (500, "listen tcp4 127.0.0.1:80: bind: address already in use", Refusal::PortInUse),
            (409, "Conflict. The container name \"/a\" is already in use", Refusal::NameInUse),
            (409, "network with name a already exists", Refusal::NameInUse),
            (409, "volume is in use", Refusal::Conflict),
            (500, "mount: operation not permitted", Refusal::NotPermitted),
            (500, "no space left on device\n", Refusal::NoSpace),
        ] {
            assert_eq!(server(status, message).refusal(), Some(expected), "{message}");
        }
    }

    #[test]
    fn a_registrys_refusal_is_told_from_its_silence() {
        for (message, expected) in [
            ("manifest for a:1 not found: manifest unknown", Refusal::ImageNotFound),
            ("pull access denied for a, repository does not exist", Refusal::ImageNotFound),
            ("lookup registry-1.docker.io: no such host: not found", Refusal::Other),
            ("dial tcp 10.0.0.1:443: i/o timeout", Refusal::Other),
        ] {
            for status_code in [404, 500] {
                let failure =
                    Error::DockerResponseServerError { status_code, message: message.into() };
                let error = translate_pull("unix:///d.sock", "image a:1", &failure);
                assert_eq!(error.refusal(), Some(expected), "{message}");
            }
        }
    }

    #[test]
    fn a_refusal_repeats_the_engines_words() {
        let error = server(500, "no space left on device\n");
        assert_eq!(error.to_string(), "creating container a: no space left on device");
    }

    #[test]
    fn a_lost_connection_is_unreachable() {
        let failure = Error::IOError {
            err: io::Error::new(io::ErrorKind::UnexpectedEof, "closed in the middle"),
        };
        let error = translate("unix:///d.sock", "creating", "container a", &failure);
        assert!(matches!(error, EngineError::Unreachable { .. }));
        assert!(error.to_string().contains("closed in the middle"), "{error}");
    }
}
