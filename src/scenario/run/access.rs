use crate::cluster::access::{ClientPlace, access};
use crate::kubernetes::connect_impatiently;
use crate::pki::Identity;
use crate::runtime::Engine;

/// A client of a cluster's API server that asks everything once.
///
/// # Errors
/// As [`access`].
pub(super) async fn client(engine: &dyn Engine, cluster: &str) -> anyhow::Result<kube::Client> {
    let access = access(engine, cluster, ClientPlace::Host).await?;
    let identity = Identity { certificate: access.client_cert_pem, key: access.client_key_pem };
    connect_impatiently(&access.server, &access.ca_pem, &identity).await
}
