//! The connection itself.

use std::time::Duration;

use bollard::API_DEFAULT_VERSION;
use bollard::errors::Error;

use super::endpoint::Endpoint;
use super::error;
use crate::runtime::{ConnectionFailure, EngineError, EngineInfo};

/// Time limit in seconds until the answer to a call starts. A build, an import of a large image or
/// a wait for a container stays silent for a long time, so this only has to be finite.
const CALL_SECONDS: u64 = 7 * 24 * 60 * 60;

/// Time limit of the first call, which only reads the version.
const CONNECT: Duration = Duration::from_secs(30);

/// A connection to a Docker engine.
#[derive(Debug, Clone)]
pub struct Docker {
    pub(super) client: bollard::Docker,
    address: String,
}

impl Docker {
    /// Connects to the engine that the `docker` command would use (`DOCKER_HOST` with
    /// `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`, the current context, the usual sockets) and
    /// negotiates the API version.
    ///
    /// Fails with `Unreachable` when nothing answers or access is denied.
    pub async fn connect() -> Result<Self, EngineError> {
        Self::connect_to(&Endpoint::find(&|name| std::env::var(name).ok())?).await
    }

    pub(super) async fn connect_to(endpoint: &Endpoint) -> Result<Self, EngineError> {
        let address = endpoint.address();
        let unreachable = |reason| EngineError::Unreachable { address: address.clone(), reason };
        let client =
            open(endpoint).map_err(|error| unreachable(error::connection_reason(&error)))?;
        match tokio::time::timeout(CONNECT, client.negotiate_version()).await {
            Ok(Ok(client)) => Ok(Self { client, address }),
            Ok(Err(error)) => Err(unreachable(error::connection_reason(&error))),
            Err(_) => Err(unreachable(ConnectionFailure::Other(format!(
                "no answer within {} seconds",
                CONNECT.as_secs()
            )))),
        }
    }

    /// The engine's address, such as `unix:///var/run/docker.sock`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Turns what `bollard` reports into an [`EngineError`], for `map_err`: `action` as
    /// `starting`, `object` as `container kind-worker`.
    pub(super) fn failed<'a>(
        &'a self,
        action: &'a str,
        object: &'a str,
    ) -> impl Fn(Error) -> EngineError + Copy + 'a {
        move |failure| error::translate(&self.address, action, object, &failure)
    }

    pub(super) async fn engine_info(&self) -> Result<EngineInfo, EngineError> {
        let failed = self.failed("inspecting", "the engine's properties");
        let (info, version) =
            futures::try_join!(self.client.info(), self.client.version()).map_err(failed)?;
        Ok(EngineInfo {
            version: version.version.unwrap_or_default(),
            api: self.client.client_version().to_string(),
            // Engines that do not report a version are older than version 2.
            cgroup_version: info
                .cgroup_version
                .and_then(|version| version.to_string().parse().ok())
                .unwrap_or(1),
            storage_driver: info.driver.unwrap_or_default(),
            architecture: version.arch.unwrap_or_default(),
            root: info.docker_root_dir.unwrap_or_default(),
        })
    }
}

fn open(endpoint: &Endpoint) -> Result<bollard::Docker, Error> {
    match endpoint {
        Endpoint::Socket(path) => bollard::Docker::connect_with_unix(
            &path.to_string_lossy(),
            CALL_SECONDS,
            API_DEFAULT_VERSION,
        ),
        Endpoint::Http(host) => {
            bollard::Docker::connect_with_http(host, CALL_SECONDS, API_DEFAULT_VERSION)
        }
        Endpoint::Https(host, folder) => {
            // Fails when another connection has already installed a provider, which is fine.
            let _ = rustls::crypto::ring::default_provider().install_default();
            bollard::Docker::connect_with_ssl(
                host,
                &folder.join("key.pem"),
                &folder.join("cert.pem"),
                &folder.join("ca.pem"),
                CALL_SECONDS,
                API_DEFAULT_VERSION,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_socket_is_unreachable() {
        let error =
            Docker::connect_to(&Endpoint::Socket("/nowhere/docker.sock".into())).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot reach Docker at unix:///nowhere/docker.sock: no such socket"
        );
    }

    #[tokio::test]
    async fn a_socket_without_an_engine_is_unreachable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let error = Docker::connect_to(&Endpoint::Socket(path)).await.unwrap_err();
        assert!(error.to_string().ends_with(": connection refused"), "{error}");
        assert!(error.hint().unwrap().contains("systemctl start docker"));
    }
}
