use std::fmt::Write as _;

/// How a kubeconfig's user proves who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KubeconfigUser<'a> {
    /// Certificate and key inside the file, as PEM.
    Embedded {
        /// Certificate.
        certificate: &'a str,
        /// Key.
        key: &'a str,
    },
    /// A file with both, which the owner replaces as it renews them.
    File(&'a str),
}

/// What a kubeconfig with one context says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kubeconfig<'a> {
    /// Name of the cluster.
    pub cluster: &'a str,
    /// URL of the API server.
    pub server: &'a str,
    /// Certificate authority, PEM.
    pub authority: &'a str,
    /// Name of the user.
    pub user_name: &'a str,
    /// The user's credentials.
    pub user: KubeconfigUser<'a>,
}

/// A kubeconfig for a component of a node, named as kubeadm names it (`USER@CLUSTER`).
///
/// Source: <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>
pub fn node_kubeconfig(config: &Kubeconfig<'_>) -> String {
    let Kubeconfig { cluster, server, authority, user_name, user } = config;
    let mut text = format!(
        "\
apiVersion: v1
kind: Config
clusters:
- name: {cluster}
  cluster:
    certificate-authority-data: {authority}
    server: {server}
contexts:
- name: {user_name}@{cluster}
  context:
    cluster: {cluster}
    user: {user_name}
current-context: {user_name}@{cluster}
users:
- name: {user_name}
  user:
",
        authority = encode(authority),
    );
    let _ = match user {
        KubeconfigUser::Embedded { certificate, key } => write!(
            text,
            "    client-certificate-data: {}\n    client-key-data: {}\n",
            encode(certificate),
            encode(key)
        ),
        KubeconfigUser::File(path) => {
            write!(text, "    client-certificate: {path}\n    client-key: {path}\n")
        }
    };
    text
}

fn encode(pem: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(pem)
}
