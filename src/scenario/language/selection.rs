use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Objects of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selection {
    /// The kind, as `Pod`; with the group and version where it is not one of Kubernetes' own, as
    /// `example.com/v1/Widget`
    pub kind: String,
    /// The namespace; `*` for all [default: the scenario's]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The object's name
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Labels that the objects have
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// A part that the objects have: mappings by their fields, lists by their elements in order,
    /// all else by equality
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Value>,
    /// CEL over one object, `object`, that is true of the objects
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// Labels: a selector as kubectl takes it, or equal values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Labels {
    /// As `app=web,tier!=cache,env in (a, b)`
    Selector(String),
    /// Each label with its value
    Equal(BTreeMap<String, String>),
}

/// A selection by its name, or in place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SelectionRef {
    /// A name of `selections`
    Named(String),
    /// Given here
    Inline(Selection),
}
