use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Objects of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selection {
    /// Kind, such as `Pod`; a custom resource with its group and version, such as
    /// `example.com/v1/Widget`
    pub kind: String,
    /// Namespace; `*` for all [default: the scenario's]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name of the object
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Labels of the objects
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// What the objects match.
    #[serde(flatten)]
    pub filter: Filter,
}

/// What an object must match.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Filter {
    /// Part of the object: mappings match by their fields, lists element by element, all other values if
    /// they are equal
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Value>,
    /// CEL over `object`; with `changed`, also over `old`
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

impl Filter {
    /// Whether every object matches.
    pub fn is_empty(&self) -> bool {
        self.matches.is_none() && self.expression.is_none()
    }
}

/// Labels: a selector as in kubectl, or equal values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Labels {
    /// Selector such as `app=web,tier!=cache,env in (a, b)`
    Selector(String),
    /// Labels with their values
    Equal(BTreeMap<String, String>),
}

/// A selection: the name of one in `selections`, or an inline one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SelectionRef {
    /// Name of one in `selections`
    Named(String),
    /// Inline selection
    Inline(Selection),
}
