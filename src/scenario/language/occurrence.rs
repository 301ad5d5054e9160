use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::union::one_of;
use super::{Condition, Filter, SelectionRef};

/// Something that happens: exactly one of these, each time.
///
/// What holds already when the span begins has not happened in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(untagged, deny_unknown_fields)]
#[strum(serialize_all = "camelCase")]
#[schemars(transform = one_of)]
pub enum Occurrence {
    Created {
        /// An object of the selection is created
        #[serde(rename = "created")]
        selection: SelectionRef,
        #[serde(flatten)]
        filter: Filter,
    },
    Deleted {
        /// An object of the selection is deleted
        #[serde(rename = "deleted")]
        selection: SelectionRef,
        #[serde(flatten)]
        filter: Filter,
    },
    Changed {
        /// An object of the selection changes
        #[serde(rename = "changed")]
        selection: SelectionRef,
        #[serde(flatten)]
        filter: Filter,
    },
    Becomes {
        /// An object of the selection begins to match `match` and `where`
        #[serde(rename = "becomes")]
        selection: SelectionRef,
        #[serde(flatten)]
        filter: Filter,
    },
    Holds {
        /// A condition begins to hold
        holds: Condition,
    },
    Step {
        /// A step starts or ends
        step: StepPhase,
    },
    Injected {
        /// The fault of this `inject` step takes effect
        injected: String,
    },
    Healed {
        /// The fault of this `inject` step is healed
        healed: String,
    },
}

impl Occurrence {
    /// The field that holds it, such as `created`.
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// The objects that it is about; `None` where it is about something else.
    pub fn objects(&self) -> Option<(&SelectionRef, &Filter)> {
        match self {
            Self::Created { selection, filter }
            | Self::Deleted { selection, filter }
            | Self::Changed { selection, filter }
            | Self::Becomes { selection, filter } => Some((selection, filter)),
            Self::Holds { .. }
            | Self::Step { .. }
            | Self::Injected { .. }
            | Self::Healed { .. } => None,
        }
    }
}

/// The start or end of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
#[schemars(transform = one_of)]
pub enum StepPhase {
    /// The step of this name starts
    Started(String),
    /// The step of this name ends
    Finished(String),
}

impl StepPhase {
    /// The field that holds it: `started` or `finished`.
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// The step's name.
    pub fn step(&self) -> &str {
        match self {
            Self::Started(step) | Self::Finished(step) => step,
        }
    }
}
