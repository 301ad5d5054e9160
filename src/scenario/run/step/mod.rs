//! The actions of steps, one file for each family.

mod apply;
mod assert;
mod command;
mod delete;
mod images;
mod inject;
mod node;
mod perform;
mod target;
mod update;

pub(super) use perform::perform;
