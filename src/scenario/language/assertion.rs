use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::union::one_of;
use super::{Bounds, Condition, Duration, Occurrence};

/// A claim about a span of the run.
///
/// In a step, the span begins with the step, or with the step that `from` names. In the background, it
/// lasts from the start of step `from` to the end of step `to`; without them, over all steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Assertion {
    /// What the assertion says, in words [default: derived from the claim]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Step at whose start the span begins
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// In the background: step at whose end the span ends
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Run the next steps even if the assertion fails; the run still fails
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continue_on_failure: bool,
    /// What it claims.
    #[serde(flatten)]
    pub claim: Claim,
}

/// What an assertion claims: exactly one of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(untagged)]
#[strum(serialize_all = "camelCase")]
#[schemars(transform = one_of)]
pub enum Claim {
    Eventually {
        /// The condition holds at some moment of the span
        #[serde(rename = "eventually")]
        condition: Condition,
        /// Time limit, from the span's start [default: the step's deadline, or the end of the span]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<Duration>,
    },
    Always {
        /// The condition holds at every moment of the span
        #[serde(rename = "always")]
        condition: Condition,
        /// In a step: length of the span, from the step's start
        #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
        lasting: Option<Duration>,
        /// Ignore breaches shorter than this: watches of different kinds can differ by milliseconds
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grace: Option<Duration>,
    },
    Never {
        /// The condition holds at no moment of the span
        #[serde(rename = "never")]
        condition: Condition,
        /// In a step: length of the span, from the step's start
        #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
        lasting: Option<Duration>,
        /// Ignore breaches shorter than this: watches of different kinds can differ by milliseconds
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grace: Option<Duration>,
    },
    Stable {
        /// The condition holds at some moment, and from then on without a break
        #[serde(rename = "stable")]
        condition: Condition,
        /// How long the condition must hold without a break
        #[serde(rename = "for")]
        lasting: Duration,
        /// Time limit for all of it, from the span's start [default: the step's deadline, or the end of
        /// the span]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<Duration>,
    },
    Until {
        /// One condition holds at every moment until another one does
        until: Box<Until>,
        /// Time limit for the second condition, from the span's start [default: the step's deadline, or
        /// the end of the span]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<Duration>,
        /// Ignore breaches shorter than this: watches of different kinds can differ by milliseconds
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grace: Option<Duration>,
    },
    Order {
        /// All of these happen, and each happens for the first time no earlier than the one before it
        #[schemars(length(min = 2))]
        order: Vec<Occurrence>,
        /// Time limit, from the span's start [default: the step's deadline, or the end of the span]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<Duration>,
    },
    Count {
        /// Something happens a number of times in the span
        count: Box<Count>,
        /// In a step: length of the span, from the step's start
        #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
        lasting: Option<Duration>,
    },
    After {
        /// Each time something happens, something else follows
        after: Box<After>,
        /// Time limit for what follows, each time [default: the end of the span]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<Duration>,
    },
}

impl Claim {
    /// The field that holds it, such as `eventually`.
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// The condition that must come to hold, or must or must not hold.
    pub fn condition(&self) -> Option<&Condition> {
        match self {
            Self::Eventually { condition, .. }
            | Self::Always { condition, .. }
            | Self::Never { condition, .. }
            | Self::Stable { condition, .. } => Some(condition),
            Self::Until { until, .. } => Some(&until.until),
            Self::Order { .. } | Self::Count { .. } | Self::After { .. } => None,
        }
    }

    /// Its `within`.
    pub fn within(&self) -> Option<Duration> {
        match self {
            Self::Eventually { within, .. }
            | Self::Stable { within, .. }
            | Self::Until { within, .. }
            | Self::Order { within, .. }
            | Self::After { within, .. } => *within,
            Self::Always { .. } | Self::Never { .. } | Self::Count { .. } => None,
        }
    }

    /// Its `for`.
    pub fn lasting(&self) -> Option<Duration> {
        match self {
            Self::Stable { lasting, .. } => Some(*lasting),
            Self::Always { lasting, .. }
            | Self::Never { lasting, .. }
            | Self::Count { lasting, .. } => *lasting,
            Self::Eventually { .. }
            | Self::Until { .. }
            | Self::Order { .. }
            | Self::After { .. } => None,
        }
    }

    /// Whether it is about a whole span, so that a step must say which one.
    pub fn needs_span(&self) -> bool {
        matches!(self, Self::Always { .. } | Self::Never { .. } | Self::Count { .. })
    }
}

/// One condition until another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Until {
    /// Condition that holds at every moment
    pub hold: Condition,
    /// Condition that ends it
    pub until: Condition,
}

/// How often something happens: needs `exactly`, `min` or `max`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Count {
    /// What happens
    pub of: Occurrence,
    /// How often.
    #[serde(flatten)]
    pub bounds: Bounds,
}

/// What follows what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct After {
    /// What happens
    pub event: Occurrence,
    /// What must follow each time; a condition (`holds`) can hold already
    pub then: Occurrence,
    /// Both must be about the same object
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_object: bool,
    /// How often the event must happen at least
    #[serde(default = "one")]
    pub at_least: u64,
}

fn one() -> u64 {
    1
}
