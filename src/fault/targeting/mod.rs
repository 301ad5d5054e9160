//! The nodes and pods that a fault hits: what a user specifies, and what that is in a cluster.

mod choice;
mod nodes;
mod pods;
mod view;

pub use choice::Choice;
pub use nodes::NodeTargets;
pub use pods::PodTargets;
pub use view::View;

/// The heading of targets in the command line's help.
const HEADING: &str = "Targets";
