//! Failures injected on purpose, from outside the cluster, each with a defined end.
//!
//! A fault is planned before anything changes ([`plan`]): for each container that it hits, an
//! [`Action`] says what happens there, how to heal it, what no other fault can hold at the same time,
//! and what the cluster loses. Then the actions are written to the journal, which is stored in the
//! containers themselves, and only then performed ([`inject`]). Healing ([`heal`]) reads the journal
//! and nothing else.
//!
//! A fault and its parameters are data ([`FaultKind`]). Their schema is what files are checked by and
//! what the command line is made from ([`kinds`]).

mod action;
mod cluster_plan;
mod conflict;
mod deadline;
mod entry;
mod event;
#[cfg(test)]
mod fixture;
mod guard;
mod heal;
mod inject;
mod journal;
mod kind;
pub mod marker;
mod observe;
mod parameter;
mod plan;
mod proxy;
mod refusal;
mod script;
mod targeting;

pub use action::{Action, ApiAction, EngineAction, Hold, Impact, Subject};
pub use cluster_plan::plan_for_cluster;
pub use deadline::{heal_at_end, heal_overdue, start_healer};
pub use entry::Entry;
pub use heal::{Healed, Which, heal};
pub use inject::{Injected, inject};
pub use journal::read as read_journal;
pub use kind::{FORMATS, FaultKind, Kind, Parameter, Values, kinds};
pub use parameter::{OneOrMany, Text, Whole};
pub use plan::{FaultPlan, Request, plan};
pub use proxy::install_proxy;
pub use refusal::{Error, Loss, Notation, Refusal, Target};
pub use targeting::{Choice, NodeTargets, PodTargets, View};
