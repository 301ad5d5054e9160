use clap::{CommandFactory as _, Parser};
use serde::Serialize;

use super::FaultKind;

/// A kind in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindInfo {
    /// Its name.
    pub name: String,
    /// What it does.
    pub about: String,
    /// Its own parameters, as flags.
    pub parameters: Vec<String>,
}

/// Every kind there is, in the order of the help text.
pub fn kinds() -> Vec<KindInfo> {
    #[derive(Parser)]
    struct AllKinds {
        #[command(subcommand)]
        _kind: FaultKind,
    }
    let command = AllKinds::command();
    let kinds = command.get_subcommands().filter(|kind| kind.get_name() != "help");
    kinds
        .map(|kind| KindInfo {
            name: kind.get_name().to_owned(),
            about: kind.get_about().map(ToString::to_string).unwrap_or_default(),
            parameters: kind
                .get_arguments()
                .filter(|argument| argument.get_help_heading() != Some("Targets"))
                .filter_map(|argument| argument.get_long().map(|long| format!("--{long}")))
                .filter(|long| long != "--help")
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::targeting::NodeTargets;

    #[test]
    fn every_kind_has_a_name_and_an_explanation() {
        let text: Vec<String> = kinds()
            .iter()
            .map(|kind| format!("{} [{}] {}", kind.name, kind.parameters.join(" "), kind.about))
            .collect();
        insta::assert_snapshot!(text.join("\n"));
    }

    #[test]
    fn the_name_in_files_is_that_of_the_command_line() {
        let fault = FaultKind::NodeStop(NodeTargets::default());
        assert_eq!(fault.name(), "node-stop");
        assert!(kinds().iter().any(|kind| kind.name == fault.name()));
    }
}
