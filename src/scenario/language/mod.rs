//! The language of scenarios, `kindrs.dev/v1alpha1`: what a file says, after its variables have been
//! put in.
//!
//! The types are the format: the JSON Schema is made from them, and so is what their fields mean.

mod assertion;
mod cluster;
mod condition;
mod duration;
mod inject;
mod parts;
mod scenario;
mod selection;
mod step;

pub use assertion::{After, Assertion, Count, Until};
pub use cluster::{ClusterSource, Existing, Timing};
pub use condition::{Condition, Occurrence, Quantified, StepPhase};
pub use duration::Duration;
pub use inject::{Fields, Heal, Inject};
pub use parts::Part;
pub use scenario::{Matrix, Metadata, Record, Scenario};
pub use selection::{Labels, Selection, SelectionRef};
pub use step::{
    Action, Apply, Cordon, DEFAULT_DEADLINE, Delete, Drain, Exec, Expect, KubectlCommand, Label,
    LoadImage, Objects, Patch, PatchType, Retries, Scale, Sleep, Step, Taint, Wait,
};
