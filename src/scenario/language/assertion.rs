use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Condition, Duration, Occurrence};

/// What must hold over time: exactly one of `eventually`, `always`, `never`, `stable`, `until`,
/// `order`, `count` and `after`.
///
/// As a step, its span begins with the step, or with the step that `from` names. In the background,
/// it lasts from the start of the step `from` to the end of the step `to`, else over all steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assertion {
    /// What it says, in words [default: made of what it asserts]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The condition holds at some moment, `within` that time
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eventually: Option<Condition>,
    /// The condition holds at every moment of the span
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always: Option<Condition>,
    /// The condition holds at no moment of the span
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never: Option<Condition>,
    /// The condition comes to hold and then holds without a break `for` that long, all `within` that
    /// time
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable: Option<Condition>,
    /// One condition holds at every moment until another does
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// All of these happen, and the first time of each is not before the first time of the one before
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<Occurrence>>,
    /// Something happens so many times in the span
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Count>,
    /// Each time something happens, something else follows `within` that time
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// Time limit, from the span's start [default: the step's deadline, or the end of the span]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
    /// How long: for `stable`; for `always`, `never` and `count`, the length of a step's span from its
    /// start on
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Duration>,
    /// With `always`, `never` and `until`: breaches shorter than this do not count. Watches of
    /// different kinds are not in step, by milliseconds
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<Duration>,
    /// The step with whose start the span begins
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// In the background: the step with whose end the span ends
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Whether the steps go on when it fails; the run fails all the same
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continue_on_failure: bool,
}

/// One condition until another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Until {
    /// What holds
    pub hold: Condition,
    /// Until this holds, `within` the assertion's time
    pub until: Condition,
}

/// How many times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Count {
    /// What happens
    pub of: Occurrence,
    /// This many times
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exactly: Option<u64>,
    /// At least this many times
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    /// At most this many times
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

/// What follows what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct After {
    /// What happens
    pub event: Occurrence,
    /// What must follow each time: an occurrence, or a condition that holds (`holds`, which may hold
    /// already)
    pub then: Occurrence,
    /// Whether both are about the same object
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_object: bool,
    /// How many times the first must happen at least, for the assertion to say anything
    #[serde(default = "one")]
    pub at_least: u64,
}

fn one() -> u64 {
    1
}
