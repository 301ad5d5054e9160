use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits of a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    /// Exactly this many
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exactly: Option<u64>,
    /// At least this many
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    /// At most this many
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

/// Why limits make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoundsMistake {
    /// A count has no limit.
    #[error("needs a number: `exactly`, `min` or `max`")]
    Missing,
    /// `exactly` with another limit.
    #[error("`exactly` cannot be used with `min` or `max`")]
    Exclusive,
    /// `min` is larger than `max`.
    #[error("{min} is more than `max`, which is {max}")]
    Reversed {
        /// The lower limit.
        min: u64,
        /// The upper limit.
        max: u64,
    },
    /// `min` is 0 and there is no `max`.
    #[error("0 or more is always true")]
    Always,
}

impl BoundsMistake {
    /// The field to point at; `None` for all of them.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Missing => None,
            Self::Exclusive => Some("exactly"),
            Self::Reversed { .. } | Self::Always => Some("min"),
        }
    }
}

impl Bounds {
    /// Whether no limit is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks that the limits leave a number and say something.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), BoundsMistake> {
        match (self.exactly, self.min, self.max) {
            (Some(_), None, None) => Ok(()),
            (Some(_), ..) => Err(BoundsMistake::Exclusive),
            (None, Some(min), Some(max)) if min > max => Err(BoundsMistake::Reversed { min, max }),
            (None, Some(0), None) => Err(BoundsMistake::Always),
            _ => Ok(()),
        }
    }

    /// As [`Self::check`], where at least one limit is needed.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check_given(&self) -> Result<(), BoundsMistake> {
        if self.is_empty() { Err(BoundsMistake::Missing) } else { self.check() }
    }
}
