//! Failures injected on purpose, from outside the cluster, each with a defined end.
//!
//! A fault is planned wholly before anything changes ([`plan`]): for each container it hits, an
//! [`Action`] says what happens there, what puts it back, what it cannot share, and what it takes
//! from the cluster. Then it is written to the journal, which lies in the containers themselves, and
//! only then done ([`inject`]). Healing ([`heal`]) reads the journal and nothing else.

mod action;
mod collect;
mod conflict;
mod event;
#[cfg(test)]
mod fixture;
mod guard;
mod heal;
mod inject;
mod journal;
mod keeper;
mod kind;
mod plan;
mod prepare;
mod provide;
mod script;
mod targeting;

pub use action::{Action, ApiAction, EngineAction, Hold, Impact, Subject};
pub use collect::collect;
pub use heal::{Healed, Which, heal};
pub use inject::{Injected, inject};
pub use journal::{Entry, read as read_journal};
pub use keeper::{heal_what_is_over, keep, mark, start_keeper, unmark};
pub use kind::{FaultKind, KindInfo, kinds};
pub use plan::{FaultPlan, Request, plan};
pub use prepare::prepare;
pub use provide::provide;
pub use targeting::{Choice, NodeTargets, PodTargets, View};
