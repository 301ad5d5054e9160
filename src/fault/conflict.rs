use super::action::Action;
use super::entry::Entry;
use super::refusal::Refusal;

/// Refuses actions that need what an active fault holds.
pub(super) fn check(actions: &[Action], active: &[Entry]) -> Result<(), Refusal> {
    for action in actions {
        let clash = active.iter().find(|entry| {
            entry.node == action.node
                && action
                    .holds
                    .iter()
                    .any(|hold| entry.holds.iter().any(|other| hold.excludes(other)))
        });
        if let Some(entry) = clash {
            return Err(Refusal::Conflict {
                node: action.node.clone(),
                id: entry.id.clone(),
                fault: entry.fault.clone(),
                effect: entry.effect.clone(),
            });
        }
    }
    Ok(())
}
