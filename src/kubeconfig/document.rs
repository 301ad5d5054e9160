use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kube::config::Kubeconfig;
use secrecy::ExposeSecret as _;
use serde_json::json;
use serde_yaml::{Mapping, Value};

use super::emit;

/// The lists of a kubeconfig whose entries have names.
const LISTS: [&str; 3] = ["clusters", "contexts", "users"];

/// What a client needs to access a cluster as its administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Name of the cluster, as in `--name`.
    pub cluster: String,
    /// URL of the API server, such as `https://127.0.0.1:41235`.
    pub server: String,
    /// Certificate authority of the API server, PEM.
    pub ca_pem: String,
    pub client_cert_pem: String,
    pub client_key_pem: String,
}

/// One cluster, one user and the context that combines them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entries<'a> {
    pub cluster: &'a str,
    pub user: &'a str,
    pub context: &'a str,
    pub server: &'a str,
    /// Certificate authority of the API server, PEM.
    pub authority: &'a str,
    pub credentials: Credentials<'a>,
}

/// How the user of a kubeconfig authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// Certificate and key inside the kubeconfig, PEM.
    Embedded { certificate: &'a str, key: &'a str },
    /// The path of a file that holds both, which its owner rotates.
    File(&'a str),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The text is not YAML. Line and column count from 1.
    #[error("line {line}, column {column}: {reason}")]
    Syntax { line: usize, column: usize, reason: String },
    /// The text is YAML, but a field has the wrong shape.
    #[error("{field}: expected {expected}, found {found}")]
    Shape {
        /// The field in backquotes, such as `clusters[2].name`, or `the document` for all of it.
        field: String,
        found: String,
        expected: &'static str,
    },
}

/// The name of a cluster's context, cluster and user entries: `kindrs-NAME`.
pub fn entry_name(cluster: &str) -> String {
    format!("kindrs-{cluster}")
}

/// A kubeconfig for one cluster, with its context as the current one.
pub fn render(access: &Access) -> String {
    entries(access, &entry_name(&access.cluster)).render()
}

/// Adds or replaces the cluster's entries in `existing` and makes its context the current one.
///
/// Everything else keeps its place and content. Comments are lost, as with kubectl.
/// Fails when `existing` is not a kubeconfig. An empty text is a kubeconfig without entries.
pub fn merge(existing: &str, access: &Access) -> Result<String, DocumentError> {
    let mut document = parse(existing)?;
    entries(access, &entry_name(&access.cluster)).insert(&mut document);
    Ok(emit::text(&document))
}

/// Removes the cluster's entries from `existing`, and unsets the current context if it is the
/// cluster's. Returns the text unchanged if it has no such entries.
/// Fails when `existing` is not a kubeconfig.
pub fn remove(existing: &str, cluster: &str) -> Result<String, DocumentError> {
    let name = entry_name(cluster);
    let mut document = parse(existing)?;
    let before = document.clone();
    for list in LISTS {
        if let Some(Value::Sequence(entries)) = document.get_mut(list) {
            entries.retain(|entry| !is_named(entry, &name));
        }
    }
    if document.get("current-context").and_then(Value::as_str) == Some(name.as_str()) {
        document.insert("current-context".into(), "".into());
    }
    Ok(if document == before { existing.to_owned() } else { emit::text(&document) })
}

/// Reads the credentials in kubeadm's `admin.conf` for the named cluster, reached at `server`.
/// Fails when `admin_conf` is not a kubeconfig, or lacks a certificate or key.
pub fn from_admin_conf(
    admin_conf: &str,
    cluster: &str,
    server: &str,
) -> Result<Access, DocumentError> {
    let config: Kubeconfig = serde_yaml::from_str(admin_conf).map_err(|error| syntax(&error))?;
    let pem = |field: &str, data: Option<&str>| {
        let bytes = data.and_then(|data| BASE64.decode(data.trim()).ok());
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| DocumentError::Shape {
            field: format!("`{field}`"),
            found: if data.is_some() { "something else" } else { "nothing" }.to_owned(),
            expected: "PEM data in base64",
        })
    };
    let authority = config.clusters.first().and_then(|named| named.cluster.as_ref());
    let user = config.auth_infos.first().and_then(|named| named.auth_info.as_ref());
    Ok(Access {
        cluster: cluster.to_owned(),
        server: server.to_owned(),
        ca_pem: pem(
            "clusters[0].cluster.certificate-authority-data",
            authority.and_then(|cluster| cluster.certificate_authority_data.as_deref()),
        )?,
        client_cert_pem: pem(
            "users[0].user.client-certificate-data",
            user.and_then(|user| user.client_certificate_data.as_deref()),
        )?,
        client_key_pem: pem(
            "users[0].user.client-key-data",
            user.and_then(|user| user.client_key_data.as_ref()).map(|key| key.expose_secret()),
        )?,
    })
}

fn entries<'a>(access: &'a Access, name: &'a str) -> Entries<'a> {
    Entries {
        cluster: name,
        user: name,
        context: name,
        server: &access.server,
        authority: &access.ca_pem,
        credentials: Credentials::Embedded {
            certificate: &access.client_cert_pem,
            key: &access.client_key_pem,
        },
    }
}

impl Entries<'_> {
    /// A kubeconfig with these entries only, with their context as the current one.
    pub fn render(&self) -> String {
        let mut document = Mapping::new();
        self.insert(&mut document);
        emit::text(&document)
    }

    /// The lists with one entry each.
    fn lists(&self) -> serde_json::Value {
        let user = match self.credentials {
            Credentials::Embedded { certificate, key } => json!({
                "client-certificate-data": BASE64.encode(certificate),
                "client-key-data": BASE64.encode(key),
            }),
            Credentials::File(path) => json!({ "client-certificate": path, "client-key": path }),
        };
        let cluster = json!({
            "server": self.server,
            "certificate-authority-data": BASE64.encode(self.authority),
        });
        let context = json!({ "cluster": self.cluster, "user": self.user });
        json!({
            "clusters": [{ "name": self.cluster, "cluster": cluster }],
            "contexts": [{ "name": self.context, "context": context }],
            "users": [{ "name": self.user, "user": user }],
        })
    }

    fn insert(&self, document: &mut Mapping) {
        for (field, value) in [("apiVersion", "v1"), ("kind", "Config")] {
            if document.get(field).is_none_or(Value::is_null) {
                document.insert(field.into(), value.into());
            }
        }
        // Serializing plain values cannot fail.
        let own = serde_yaml::to_value(self.lists()).unwrap_or_default();
        for list in LISTS {
            for entry in own[list].as_sequence().into_iter().flatten() {
                put(document, list, entry);
            }
        }
        document.insert("current-context".into(), self.context.into());
    }
}

/// Puts an entry into a list: in the place of the entry with the same name, otherwise at the end.
fn put(document: &mut Mapping, list: &str, entry: &Value) {
    let mut entries = match document.get_mut(list) {
        Some(Value::Sequence(entries)) => std::mem::take(entries),
        _ => Vec::new(),
    };
    let name = entry["name"].as_str().unwrap_or_default();
    let place = entries.iter().position(|other| is_named(other, name));
    entries.retain(|other| !is_named(other, name));
    entries.insert(place.unwrap_or(entries.len()), entry.clone());
    document.insert(list.into(), Value::Sequence(entries));
}

fn is_named(entry: &Value, name: &str) -> bool {
    entry.get("name").and_then(Value::as_str) == Some(name)
}

/// Parses a kubeconfig, and checks the parts of its shape that changing it relies on.
fn parse(text: &str) -> Result<Mapping, DocumentError> {
    let document = match serde_yaml::from_str(text).map_err(|error| syntax(&error))? {
        Value::Null => Mapping::new(),
        Value::Mapping(document) => document,
        other => return Err(shape("the document".to_owned(), &other, "a mapping")),
    };
    for (field, expected, quoted) in [("kind", "Config", "`Config`"), ("apiVersion", "v1", "`v1`")]
    {
        match document.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::String(found)) if found == expected => {}
            Some(other) => return Err(shape(format!("`{field}`"), other, quoted)),
        }
    }
    for list in LISTS {
        match document.get(list) {
            None | Some(Value::Null) => {}
            Some(Value::Sequence(entries)) => {
                if let Some(index) = entries.iter().position(|entry| !entry.is_mapping()) {
                    let field = format!("`{list}[{index}]`");
                    return Err(shape(field, &entries[index], "a mapping"));
                }
            }
            Some(other) => return Err(shape(format!("`{list}`"), other, "a list")),
        }
    }
    match document.get("current-context") {
        None | Some(Value::Null | Value::String(_)) => Ok(document),
        Some(other) => Err(shape("`current-context`".to_owned(), other, "a name")),
    }
}

fn syntax(error: &serde_yaml::Error) -> DocumentError {
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    let full = error.to_string();
    let reason = full.split(" at line ").next().unwrap_or(&full).to_owned();
    DocumentError::Syntax { line, column, reason }
}

fn shape(field: String, found: &Value, expected: &'static str) -> DocumentError {
    let found = match found {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(value) => format!("`{value}`"),
        Value::String(value) if value.chars().count() <= 40 => format!("`{value}`"),
        Value::String(_) => "a string".to_owned(),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
        Value::Tagged(value) => format!("a value of type `{}`", value.tag),
    };
    DocumentError::Shape { field, found, expected }
}

#[cfg(test)]
#[path = "document_tests.rs"]
pub(super) mod tests;
