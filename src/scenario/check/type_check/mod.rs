//! Type checks without a cluster: CEL and objects against the schemas of Kubernetes' kinds.

mod calls;
mod check;
mod constants;
mod mistake;
mod object;
mod operators;
mod scenario;
mod schema;
mod signatures;
mod source;
mod syntax;
mod types;

#[cfg(test)]
mod check_tests;
#[cfg(test)]
mod own_scenarios_tests;
#[cfg(test)]
mod signature_tests;

pub use check::check;
pub use mistake::{Mistake, ObjectMistake};
pub use object::{match_mistakes, object_mistakes};
pub use scenario::scenario_mistakes;
pub use schema::{ObjectType, object_type};
pub use types::Type;
