use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SelectionRef;

/// What can hold at a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Condition {
    /// CEL; each named selection is the list of its objects, and `vars` are the variables
    Cel(String),
    /// About the objects of one selection
    Quantified(Box<Quantified>),
}

/// What holds for so many objects of a selection: exactly one of `all`, `any`, `none` and `count`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quantified {
    /// There are objects, and all of them match
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<SelectionRef>,
    /// At least one matches
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any: Option<SelectionRef>,
    /// None matches
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<SelectionRef>,
    /// So many match as `exactly`, `min` and `max` say
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<SelectionRef>,
    /// With `count`, or with `all`: how many there are
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exactly: Option<u64>,
    /// With `count`, or with `all`: at least so many
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    /// With `count`, or with `all`: at most so many
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// A part of the object, as in a selection
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Value>,
    /// CEL over `object`
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// Something that happens, each time it does: exactly one field, but for the two last ones, which go
/// with those about objects.
///
/// What holds already when the span begins has not happened in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Occurrence {
    /// An object of the selection is created
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<SelectionRef>,
    /// An object of the selection is gone
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<SelectionRef>,
    /// An object of the selection changes
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<SelectionRef>,
    /// An object of the selection begins to match `match` and `where`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<SelectionRef>,
    /// A condition begins to hold
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Condition>,
    /// A step starts or ends
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepPhase>,
    /// The fault of an `inject` step, by its name, is in effect
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub injected: Option<String>,
    /// That fault is healed
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healed: Option<String>,
    /// A part of the object, as in a selection
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Value>,
    /// CEL over `object`, and with `changed` over `old` too
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// A step's start or end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepPhase {
    /// The step's start, by its name
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// The step's end, by its name
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
}
