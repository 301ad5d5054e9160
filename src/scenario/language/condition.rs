use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::union::one_of;
use super::{Bounds, Filter, SelectionRef};

/// What can hold at a moment: CEL, or a quantifier over the objects of a selection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Condition {
    /// CEL: each named selection is the list of its objects, `vars` holds the variables
    Cel(String),
    /// How many objects of a selection match
    Quantified(Box<Quantified>),
}

/// How many objects of a selection match `match` and `where`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Quantified {
    /// Which selection, and how many of its objects.
    #[serde(flatten)]
    pub quantifier: Quantifier,
    /// What they match.
    #[serde(flatten)]
    pub filter: Filter,
}

/// How many: exactly one of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(untagged)]
#[strum(serialize_all = "camelCase")]
#[schemars(transform = one_of)]
pub enum Quantifier {
    All {
        /// There are objects, and all of them match; `exactly`, `min` and `max` limit how many there are
        #[serde(rename = "all")]
        selection: SelectionRef,
        #[serde(flatten)]
        bounds: Bounds,
    },
    Any {
        /// At least one object matches
        #[serde(rename = "any")]
        selection: SelectionRef,
    },
    None {
        /// No object matches
        #[serde(rename = "none")]
        selection: SelectionRef,
    },
    Count {
        /// The number of objects that match is within `exactly`, `min` and `max`
        #[serde(rename = "count")]
        selection: SelectionRef,
        #[serde(flatten)]
        bounds: Bounds,
    },
}

impl Quantifier {
    /// The field that holds it, such as `all`.
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// The selection that it is about.
    pub fn selection(&self) -> &SelectionRef {
        match self {
            Self::All { selection, .. }
            | Self::Any { selection }
            | Self::None { selection }
            | Self::Count { selection, .. } => selection,
        }
    }
}
