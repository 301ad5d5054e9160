use crate::failure::Failure;

use super::action::Action;
use super::journal::Entry;

/// Refuses actions that would fight over something with an active fault, or with each other.
pub(super) fn check(actions: &[Action], active: &[Entry]) -> Result<(), Failure> {
    for action in actions {
        let clash = active.iter().find(|entry| {
            entry.node == action.node
                && action
                    .holds
                    .iter()
                    .any(|hold| entry.holds.iter().any(|other| hold.excludes(other)))
        });
        if let Some(entry) = clash {
            return Err(Failure::input(format!(
                "{} has a fault already that this one conflicts with: {} {} {}",
                action.node, entry.id, entry.fault, entry.effect
            ))
            .with_hint(format!("heal it first: kindrs fault heal {}", entry.id)));
        }
    }
    Ok(())
}
