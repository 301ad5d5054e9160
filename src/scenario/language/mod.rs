//! The language of scenarios, `kindrs.dev/v1alpha1`: the contents of a file after variable
//! substitution.
//!
//! The types are the format. They derive the JSON Schema, their doc comments are its descriptions, and
//! the schema drives the decoder that reads files (`scenario/read`). For the decoder, types follow one
//! convention:
//!
//! - An object has `properties`, `required`, and `additionalProperties: false` or, around a union,
//!   `unevaluatedProperties: false`.
//! - A union of objects is a `oneOf`, possibly beside `properties` that all alternatives share. The first
//!   entry of an alternative's `required` is its key: the field that no other alternative has. At most one
//!   alternative (of `ClusterSource`) has no key; a value without any key belongs to it.
//! - A union of a text and an object is an `anyOf`; a choice of words is an `enum` or a `oneOf` of
//!   `const`.
//! - Limits are `minimum` of numbers and `minItems` of lists. Texts with a syntax have a `format`.
//!
//! A file that fits the schema deserializes, so serde's error messages never reach a user.

mod action;
mod assertion;
mod bounds;
mod cluster;
mod condition;
mod duration;
mod inject;
mod occurrence;
mod scenario;
mod selection;
mod step;
mod union;
mod visit;

pub use action::{
    Apply, Cordon, Delete, Drain, Exec, Expect, Heal, KubectlCommand, Label, LoadImage, Objects,
    Patch, PatchType, Scale, Sleep, Taint, True,
};
pub use assertion::{After, Assertion, Claim, Count, Until};
pub use bounds::{Bounds, BoundsMistake};
pub use cluster::{ClusterNodes, ClusterSource, Existing, NodeVersion, Timing};
pub use condition::{Condition, Quantified, Quantifier};
pub use duration::Duration;
pub use inject::{Fields, Inject};
pub use occurrence::{Occurrence, StepPhase};
pub use scenario::{Matrix, Metadata, Record, Scenario};
pub use selection::{Filter, Labels, Selection, SelectionRef};
pub use step::{Action, DEFAULT_DEADLINE, Retries, Step};
pub use visit::{
    ObjectScope, Scope, Subject, Visitor, walk_assertion, walk_filter, walk_objects,
    walk_occurrence, walk_reference, walk_scenario, walk_step,
};
