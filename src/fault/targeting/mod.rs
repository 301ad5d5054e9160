//! Which nodes and pods a fault is for: what a user may say, and what that means for a cluster.

mod choice;
mod nodes;
mod pods;
mod view;

pub use choice::Choice;
pub use nodes::NodeTargets;
pub use pods::PodTargets;
pub use view::View;
