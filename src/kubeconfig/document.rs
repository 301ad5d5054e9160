use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_yaml::{Mapping, Value};

use super::emit;

/// The three lists of a kubeconfig whose entries go by name.
const LISTS: [&str; 3] = ["clusters", "contexts", "users"];

/// What a client needs to talk to one cluster as its administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The cluster's name, as given to `--name`.
    pub cluster: String,
    /// URL of the API server, as `https://127.0.0.1:41235`.
    pub server: String,
    /// Certificate authority of the API server, PEM.
    pub ca_pem: String,
    /// Certificate of the client, PEM.
    pub client_cert_pem: String,
    /// Private key of the client, PEM.
    pub client_key_pem: String,
}

/// Why a text cannot be used as a kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The text is no YAML.
    #[error("line {line}, column {column}: {reason}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser said.
        reason: String,
    },
    /// The text is YAML, but no kubeconfig.
    #[error("`{field}` is {found}, expected {expected}")]
    Shape {
        /// The field, as `clusters[2].name`; `the document` for the whole.
        field: String,
        /// What is there.
        found: String,
        /// What a kubeconfig has there.
        expected: &'static str,
    },
}

/// The name of the context, cluster and user of a cluster: `kindrs-NAME`.
pub fn entry_name(cluster: &str) -> String {
    format!("kindrs-{cluster}")
}

/// A whole kubeconfig for one cluster, its context being the current one.
pub fn render(access: &Access) -> String {
    let mut document = Mapping::new();
    insert(&mut document, access);
    emit::text(&document)
}

/// `existing` with the cluster's entries added or replaced and its context made the current one.
///
/// Everything else keeps its place and content; comments are lost, as with kubectl.
///
/// # Errors
/// When `existing` is no kubeconfig. An empty text is one without entries.
pub fn merge(existing: &str, access: &Access) -> Result<String, DocumentError> {
    let mut document = parse(existing)?;
    insert(&mut document, access);
    Ok(emit::text(&document))
}

/// `existing` without the entries of the named cluster, and with no current context if it was
/// that cluster's. Without such entries the text is returned as it is.
///
/// # Errors
/// When `existing` is no kubeconfig.
pub fn remove(existing: &str, cluster: &str) -> Result<String, DocumentError> {
    let name = entry_name(cluster);
    let mut document = parse(existing)?;
    let mut changed = false;
    for list in LISTS {
        if let Some(Value::Sequence(entries)) = document.get_mut(list) {
            let before = entries.len();
            entries.retain(|entry| !is_named(entry, &name));
            changed |= entries.len() != before;
        }
    }
    if document.get("current-context").and_then(Value::as_str) == Some(name.as_str()) {
        document.insert("current-context".into(), "".into());
        changed = true;
    }
    Ok(if changed { emit::text(&document) } else { existing.to_owned() })
}

/// kubeadm's `admin.conf` as a kubeconfig of the named cluster that reaches it at `server`.
///
/// # Errors
/// When `admin_conf` is no kubeconfig or lacks a certificate or key.
pub fn from_admin_conf(
    admin_conf: &str,
    cluster: &str,
    server: &str,
) -> Result<Access, DocumentError> {
    let document = parse(admin_conf)?;
    let data = |list: &str, object: &str, field: &str| {
        let path = format!("{list}[0].{object}.{field}");
        let value = document
            .get(list)
            .and_then(|entries| entries.get(0))
            .and_then(|entry| entry.get(object))
            .and_then(|object| object.get(field))
            .unwrap_or(&Value::Null);
        let decoded = value.as_str().and_then(|text| BASE64.decode(text.trim()).ok());
        decoded
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| shape(path, value, "PEM data in base64"))
    };
    Ok(Access {
        cluster: cluster.to_owned(),
        server: server.to_owned(),
        ca_pem: data("clusters", "cluster", "certificate-authority-data")?,
        client_cert_pem: data("users", "user", "client-certificate-data")?,
        client_key_pem: data("users", "user", "client-key-data")?,
    })
}

/// Reads a kubeconfig, checking as much of its shape as changing it relies on.
fn parse(text: &str) -> Result<Mapping, DocumentError> {
    let value: Value = serde_yaml::from_str(text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        let full = error.to_string();
        let reason = full.split(" at line ").next().unwrap_or(&full).to_owned();
        DocumentError::Syntax { line, column, reason }
    })?;
    let document = match value {
        Value::Null => Mapping::new(),
        Value::Mapping(document) => document,
        other => return Err(shape("the document", &other, "a mapping")),
    };
    for (field, expected) in [("kind", "Config"), ("apiVersion", "v1")] {
        match document.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::String(found)) if found == expected => {}
            Some(other) => {
                let expected = if field == "kind" { "`Config`" } else { "`v1`" };
                return Err(shape(field, other, expected));
            }
        }
    }
    for list in LISTS {
        match document.get(list) {
            None | Some(Value::Null) => {}
            Some(Value::Sequence(entries)) => {
                for (index, entry) in entries.iter().enumerate() {
                    if !entry.is_mapping() {
                        return Err(shape(format!("{list}[{index}]"), entry, "a mapping"));
                    }
                }
            }
            Some(other) => return Err(shape(list, other, "a list")),
        }
    }
    match document.get("current-context") {
        None | Some(Value::Null | Value::String(_)) => Ok(document),
        Some(other) => Err(shape("current-context", other, "a name")),
    }
}

fn insert(document: &mut Mapping, access: &Access) {
    let name = entry_name(&access.cluster);
    let base64 = |pem: &str| Value::from(BASE64.encode(pem));
    let cluster = mapping([
        ("certificate-authority-data", base64(&access.ca_pem)),
        ("server", access.server.as_str().into()),
    ]);
    let context = mapping([("cluster", name.as_str().into()), ("user", name.as_str().into())]);
    let user = mapping([
        ("client-certificate-data", base64(&access.client_cert_pem)),
        ("client-key-data", base64(&access.client_key_pem)),
    ]);
    set_if_missing(document, "apiVersion", "v1");
    set_if_missing(document, "kind", "Config");
    for (list, field, content) in [
        ("clusters", "cluster", cluster),
        ("contexts", "context", context),
        ("users", "user", user),
    ] {
        let entry = mapping([("name", name.as_str().into()), (field, content)]);
        put(document, list, &name, entry);
    }
    document.insert("current-context".into(), name.into());
}

/// Puts an entry into a list: where one of its name was, else at the end.
fn put(document: &mut Mapping, list: &str, name: &str, entry: Value) {
    let mut entries = match document.get_mut(list) {
        Some(Value::Sequence(entries)) => std::mem::take(entries),
        _ => Vec::new(),
    };
    let place = entries.iter().position(|other| is_named(other, name));
    entries.retain(|other| !is_named(other, name));
    entries.insert(place.unwrap_or(entries.len()), entry);
    document.insert(list.into(), Value::Sequence(entries));
}

fn set_if_missing(document: &mut Mapping, field: &str, value: &str) {
    if document.get(field).is_none_or(Value::is_null) {
        document.insert(field.into(), value.into());
    }
}

fn is_named(entry: &Value, name: &str) -> bool {
    entry.get("name").and_then(Value::as_str) == Some(name)
}

fn mapping<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Mapping(fields.into_iter().map(|(key, value)| (Value::from(key), value)).collect())
}

fn shape(field: impl Into<String>, found: &Value, expected: &'static str) -> DocumentError {
    let found = match found {
        Value::Null => "missing".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(value) => format!("`{value}`"),
        Value::String(value) if value.chars().count() <= 40 => format!("`{value}`"),
        Value::String(_) => "a text".to_owned(),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
        Value::Tagged(value) => format!("of type `{}`", value.tag),
    };
    DocumentError::Shape { field: field.into(), found, expected }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
