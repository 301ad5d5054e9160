//! Finds the address of Docker in the same order as the `docker` command.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::runtime::{ConnectionFailure, EngineError};

const SOCKET: &str = "/var/run/docker.sock";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A Unix socket.
    Socket(PathBuf),
    /// Plain HTTP at `HOST:PORT`.
    Http(String),
    /// HTTPS at `HOST:PORT`, with `ca.pem`, `cert.pem` and `key.pem` in a folder.
    Https(String, PathBuf),
}

impl Endpoint {
    /// The endpoint in the format of `DOCKER_HOST`.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Socket(path) => format!("unix://{}", path.display()),
            Self::Http(host) | Self::Https(host, _) => format!("tcp://{host}"),
        }
    }

    /// Finds the endpoint: `DOCKER_HOST`, then the current context, then the default socket, then the
    /// socket of a rootless Docker. `variable` reads the environment.
    ///
    /// Fails with `Unreachable` when a configured endpoint cannot be read or is not supported
    /// (`ssh://`).
    pub(super) fn find(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, EngineError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let folder = variable("DOCKER_CONFIG")
            .map(PathBuf::from)
            .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".docker")));
        if let Some(host) = variable("DOCKER_HOST") {
            let certificates = variable("DOCKER_TLS_VERIFY")
                .and_then(|_| variable("DOCKER_CERT_PATH").map(PathBuf::from).or(folder));
            return parse(&host, certificates);
        }
        if let Some(folder) = folder
            && let Some(context) = variable("DOCKER_CONTEXT").or_else(|| current_context(&folder))
            && context != "default"
        {
            return from_context(&folder, &context);
        }
        let rootless = variable("XDG_RUNTIME_DIR").map(|run| Path::new(&run).join("docker.sock"));
        Ok(Self::Socket(match rootless {
            Some(rootless) if !Path::new(SOCKET).exists() && rootless.exists() => rootless,
            _ => PathBuf::from(SOCKET),
        }))
    }
}

fn parse(host: &str, certificates: Option<PathBuf>) -> Result<Endpoint, EngineError> {
    let (scheme, rest) = host.split_once("://").unwrap_or(("", host));
    match scheme {
        "unix" => Ok(Endpoint::Socket(PathBuf::from(rest))),
        "tcp" | "http" | "https" => {
            let mut rest = rest.trim_end_matches('/').to_owned();
            if !rest.rsplit(']').next().is_some_and(|end| end.contains(':')) {
                // The ports that Docker has registered, plain and with TLS.
                rest.push_str(if certificates.is_some() { ":2376" } else { ":2375" });
            }
            match certificates {
                Some(folder) => Ok(Endpoint::Https(rest, folder)),
                None if scheme != "https" => Ok(Endpoint::Http(rest)),
                None => Err(unreachable_at(
                    host,
                    "https needs certificates: set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH",
                )),
            }
        }
        _ => {
            Err(unreachable_at(host, "expected an address such as unix://PATH or tcp://HOST:PORT"))
        }
    }
}

fn unreachable_at(address: &str, reason: impl Into<String>) -> EngineError {
    EngineError::Unreachable {
        address: address.to_owned(),
        reason: ConnectionFailure::Other(reason.into()),
    }
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

/// The current context in `config.json`, if the file can be read: kindrs needs nothing else in it.
fn current_context(folder: &Path) -> Option<String> {
    let text = std::fs::read(folder.join("config.json")).ok()?;
    let file: ConfigFile = serde_json::from_slice(&text).ok()?;
    file.current_context.filter(|name| !name.is_empty())
}

#[derive(Deserialize)]
struct ContextFile {
    #[serde(rename = "Endpoints")]
    endpoints: ContextEndpoints,
}

#[derive(Deserialize)]
struct ContextEndpoints {
    docker: ContextEndpoint,
}

#[derive(Deserialize)]
struct ContextEndpoint {
    #[serde(rename = "Host")]
    host: String,
}

fn from_context(folder: &Path, name: &str) -> Result<Endpoint, EngineError> {
    let hash: String =
        Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let path = folder.join("contexts/meta").join(&hash).join("meta.json");
    let failed = |reason: String| {
        unreachable_at(
            &format!("Docker context `{name}`"),
            format!("cannot read {}: {reason}", path.display()),
        )
    };
    let text = std::fs::read(&path).map_err(|error| failed(error.to_string()))?;
    let file: ContextFile =
        serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
    let certificates = folder.join("contexts/tls").join(&hash).join("docker");
    parse(&file.endpoints.docker.host, certificates.is_dir().then_some(certificates))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(pairs: &[(&str, &str)]) -> Result<Endpoint, EngineError> {
        Endpoint::find(&|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn docker_host_comes_first() {
        assert_eq!(
            find(&[("DOCKER_HOST", "unix:///x/d.sock"), ("DOCKER_CONTEXT", "other")]).unwrap(),
            Endpoint::Socket("/x/d.sock".into())
        );
        assert_eq!(
            find(&[("DOCKER_HOST", "tcp://build:2375")]).unwrap(),
            Endpoint::Http("build:2375".into())
        );
        assert_eq!(
            find(&[("DOCKER_HOST", "tcp://[fd00::1]/")]).unwrap(),
            Endpoint::Http("[fd00::1]:2375".into())
        );
    }

    #[test]
    fn tls_uses_the_certificate_folder() {
        let host = ("DOCKER_HOST", "tcp://build:2376");
        assert_eq!(
            find(&[host, ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/certs")]).unwrap(),
            Endpoint::Https("build:2376".into(), "/certs".into())
        );
        assert_eq!(
            find(&[host, ("DOCKER_TLS_VERIFY", "1"), ("HOME", "/home/me")]).unwrap(),
            Endpoint::Https("build:2376".into(), "/home/me/.docker".into())
        );
    }

    #[test]
    fn an_unsupported_scheme_names_the_address() {
        let error = find(&[("DOCKER_HOST", "ssh://me@build")]).unwrap_err().to_string();
        assert!(error.contains("ssh://me@build") && error.contains("unix://PATH"), "{error}");
    }

    #[test]
    fn the_current_context_is_followed() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".docker");
        let home = home.path().to_str().unwrap();
        // printf rootless | sha256sum
        let meta = folder
            .join("contexts/meta/12b961af5feb3e9d39f93b2cefb9a1a944f18d02cca0cac2f04f5a982240605f");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.json"), r#"{"currentContext":"rootless"}"#).unwrap();
        let error = find(&[("HOME", home)]).unwrap_err().to_string();
        assert!(error.contains("`rootless`"), "{error}");

        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            r#"{"Name":"rootless","Endpoints":{"docker":{"Host":"unix:///run/user/7/d.sock"}}}"#,
        )
        .unwrap();
        let expected = Endpoint::Socket("/run/user/7/d.sock".into());
        assert_eq!(find(&[("HOME", home)]).unwrap(), expected);
        assert_eq!(
            find(&[("HOME", home), ("DOCKER_CONTEXT", "default")]).unwrap().address(),
            "unix:///var/run/docker.sock"
        );
    }
}
