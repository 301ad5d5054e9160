use kube::Client;
use kube::config::KubeConfigOptions;
use serde_json::json;

/// A client certificate and its key, PEM-encoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    pub certificate: String,
    /// PKCS #8.
    pub key: String,
}

/// Creates a client of the API server at `server` (a URL) with the certificate authority
/// `authority` (PEM). The client retries for minutes when the server is overloaded.
/// Fails when a certificate or key is invalid.
pub async fn connect(server: &str, authority: &str, identity: &Identity) -> anyhow::Result<Client> {
    Ok(Client::try_from(configuration(server, authority, identity).await?)?)
}

/// Like [`connect`], but the client retries nothing, so that an eviction that a disruption budget
/// refuses fails.
/// Fails when a certificate or key is invalid.
pub async fn connect_impatiently(
    server: &str,
    authority: &str,
    identity: &Identity,
) -> anyhow::Result<Client> {
    let mut config = configuration(server, authority, identity).await?;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

async fn configuration(
    server: &str,
    authority: &str,
    identity: &Identity,
) -> anyhow::Result<kube::Config> {
    // kube reads credentials from a kubeconfig only, so this is one in memory.
    let kubeconfig = serde_json::from_value(json!({
        "clusters": [{
            "name": "kindrs",
            "cluster": { "server": server, "certificate-authority-data": encode(authority) },
        }],
        "users": [{
            "name": "kindrs",
            "user": {
                "client-certificate-data": encode(&identity.certificate),
                "client-key-data": encode(&identity.key),
            },
        }],
        "contexts": [{ "name": "kindrs", "context": { "cluster": "kindrs", "user": "kindrs" } }],
        "current-context": "kindrs",
    }))?;
    let mut config =
        kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.connect_timeout = Some(std::time::Duration::from_secs(2));
    // A proxy from the environment cannot reach the loopback interface.
    config.proxy_url = None;
    Ok(config)
}

fn encode(pem: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(pem)
}
