use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Condition, Duration};
use crate::fault::{FaultKind, Notation, Request};

/// A fault to inject: its kind, and its parameters by the names of the options of
/// `kindrs fault inject KIND`, without the dashes in front. A flag is `true`, and a parameter that can
/// be repeated is one value or a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Inject {
    /// Duration of the fault [default: until it is healed]
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Duration>,
    /// Allow the fault to take down every node, every API server or etcd's quorum
    #[serde(default)]
    pub allow_total: bool,
    /// Inject the fault when this condition first holds, instead of at once
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    #[serde(flatten)]
    pub fault: FaultKind,
}

impl Inject {
    /// The fault as it is requested.
    pub fn request(&self) -> Request {
        Request {
            fault: self.fault.clone(),
            duration: self.lasting.map(|duration| duration.0),
            allow_total: self.allow_total,
        }
    }
}

/// How scenarios write the parameters of a fault.
pub struct Fields;

impl Notation for Fields {
    fn name(&self, parameter: &str) -> String {
        format!("`{parameter}`")
    }

    fn given(&self, parameter: &str, value: &str) -> String {
        format!("`{parameter}: {value}`")
    }

    fn allow_total(&self) -> String {
        "`allowTotal: true`".to_owned()
    }
}
