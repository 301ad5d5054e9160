//! CEL over Kubernetes objects: compiles expressions, evaluates them without copying objects, and writes
//! them back as text.

mod compile;
mod direct;
mod environment;
mod reads;
mod shape;
mod text;
mod value;

pub use compile::{Expression, Mistake, Scope, evaluate, evaluate_json, variables_of};
pub use direct::Direct;
pub use environment::environment;
pub use reads::{Reads, reads, reads_of_list};
pub use shape::{Fold, Macro, conjuncts, fold, macro_call, path};
pub use text::write;

/// The name of the scenario's variables in expressions.
pub const VARIABLES: &str = "vars";
/// The name of the object in `where`.
pub const OBJECT: &str = "object";
/// The name of the object before a change, in the `where` of `changed`.
pub const OLD: &str = "old";

#[cfg(test)]
mod tests;
