//! The commands of `kindrs fault inject`, made from the kinds of faults: one command for each kind,
//! with an option for each parameter.

use clap::builder::{PossibleValue, PossibleValuesParser, ValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches, Subcommand};
use serde_json::{Map, Value};

use crate::fault::{FORMATS, FaultKind, Kind, Notation, Parameter, Values, kinds};

/// The heading of the parameters that choose targets.
pub(super) const TARGETS: &str = "Targets";

/// The fault that a command line specifies.
#[derive(Debug)]
pub(super) struct FaultArguments(pub(super) FaultKind);

/// How the command line writes parameters.
pub(super) struct Options;

impl Notation for Options {
    fn name(&self, parameter: &str) -> String {
        format!("--{parameter}")
    }

    fn given(&self, parameter: &str, value: &str) -> String {
        format!("--{parameter} {value}")
    }

    fn allow_total(&self) -> String {
        "--allow-total".to_owned()
    }
}

impl Subcommand for FaultArguments {
    fn augment_subcommands(command: Command) -> Command {
        command.subcommand_required(true).subcommands(kinds().iter().map(|kind| {
            Command::new(kind.name.as_str())
                .about(kind.about.as_str())
                .args(kind.parameters.iter().map(argument))
        }))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        kinds().iter().any(|kind| kind.name == name)
    }
}

impl FromArgMatches for FaultArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let found = matches.subcommand().and_then(|(name, matches)| {
            Some((kinds().iter().find(|kind| kind.name == name)?, matches))
        });
        let (kind, matches) =
            found.ok_or_else(|| clap::Error::new(ErrorKind::MissingSubcommand))?;
        serde_json::from_value(fields(kind, matches))
            .map(Self)
            .map_err(|error| clap::Error::raw(ErrorKind::ValueValidation, error))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn argument(parameter: &'static Parameter) -> Arg {
    let argument = Arg::new(parameter.name.as_str())
        .long(parameter.name.as_str())
        .short(parameter.short)
        .help(parameter.help.as_str())
        .required(parameter.is_required);
    let argument = match &parameter.heading {
        Some(heading) => argument.help_heading(heading.as_str()),
        None => argument,
    };
    let argument = match &parameter.values {
        Values::Flag => return argument.action(ArgAction::SetTrue),
        values => argument.value_parser(value_parser(parameter, values)),
    };
    let argument = match &parameter.value_name {
        Some(name) => argument.value_name(name.as_str()),
        None => argument,
    };
    let argument = match &parameter.default {
        Some(default) => argument.default_value(default.as_str()),
        None => argument,
    };
    if parameter.repeats {
        argument.action(ArgAction::Append).value_delimiter(',')
    } else {
        argument
    }
}

fn value_parser(parameter: &'static Parameter, values: &'static Values) -> ValueParser {
    match values {
        Values::Flag | Values::Text => ValueParser::string(),
        Values::Words(words) => {
            // Targets are explained by their help.
            let is_target = parameter.heading.as_deref() == Some(TARGETS);
            PossibleValuesParser::new(words.iter().map(|(word, about)| {
                let about = about.as_deref().filter(|_| !is_target);
                PossibleValue::new(word.as_str()).help(about)
            }))
            .into()
        }
        Values::Whole { min, max } => clap::value_parser!(u64).range(*min..=*max).into(),
        Values::Format(format) => {
            let check = FORMATS.iter().find(|(known, _)| known == format).map(|(_, check)| *check);
            ValueParser::new(move |text: &str| match check {
                Some(check) => check(text).map(|()| text.to_owned()),
                None => Ok(text.to_owned()),
            })
        }
    }
}

/// The fault as a file would write it.
fn fields(kind: &'static Kind, matches: &ArgMatches) -> Value {
    let mut fields = Map::from_iter([("fault".to_owned(), Value::from(kind.name.as_str()))]);
    for parameter in &kind.parameters {
        let name = parameter.name.as_str();
        if matches.value_source(name) != Some(clap::parser::ValueSource::CommandLine) {
            continue;
        }
        let texts = || matches.get_many::<String>(name).into_iter().flatten().cloned();
        let value = match &parameter.values {
            Values::Flag => true.into(),
            Values::Whole { .. } => matches.get_one::<u64>(name).copied().into(),
            _ if parameter.repeats => texts().collect::<Vec<_>>().into(),
            _ => texts().next().into(),
        };
        fields.insert(name.to_owned(), value);
    }
    fields.into()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    #[command(no_binary_name = true)]
    struct Inject {
        #[command(subcommand)]
        fault: FaultArguments,
    }

    fn parse(line: &str) -> Result<Value, String> {
        let parsed = Inject::try_parse_from(line.split_whitespace());
        let fault = parsed.map_err(|error| error.to_string().lines().next().unwrap().to_owned())?;
        Ok(serde_json::to_value(fault.fault.0).unwrap())
    }

    #[test]
    fn the_commands_are_consistent() {
        Inject::command().debug_assert();
    }

    #[test]
    fn options_become_the_fields_of_a_file() {
        insta::assert_snapshot!(parse("network-partition --node worker,worker2 --node a --direction in").unwrap(), @r#"{"fault":"network-partition","direction":"in","node":["worker","worker2","a"]}"#);
        insta::assert_snapshot!(parse("api-request --verb get,list --error 503 -l a=b --random").unwrap(), @r#"{"fault":"api-request","verb":["get","list"],"probability":100,"error":503,"selector":"a=b","random":true}"#);
        insta::assert_snapshot!(parse("network-loss --probability 0.5% --role worker --count 2").unwrap(), @r#"{"fault":"network-loss","probability":0.5,"direction":"both","role":"worker","count":2}"#);
        insta::assert_snapshot!(parse("pod-delete --force --pod shop/web").unwrap(), @r#"{"fault":"pod-delete","force":true,"pod":["shop/web"],"namespace":"default"}"#);
    }

    #[test]
    fn refuses_wrong_values() {
        let lines = [
            "network-loss --node worker",
            "network-loss --probability 0 --node worker",
            "network-delay --delay 100 --node worker",
            "network-bandwidth --rate 1mb --node worker",
            "container-kill --signal STOP --pod a",
            "component-stop --component etc",
            "api-request --resource Pods --drop",
            "readiness-failure --port 0",
            "node-stop --percent 101",
            "node-stop --nod worker",
        ];
        let messages = lines.map(|line| parse(line).unwrap_err());
        insta::assert_snapshot!(messages.join("\n"), @r"
        error: the following required arguments were not provided:
        error: invalid value '0' for '--probability <PERCENT>': expected more than 0% and at most 100%, such as 10 or 0.5%
        error: invalid value '100' for '--delay <DURATION>': missing unit; did you mean 100s or 100m?
        error: invalid value '1mb' for '--rate <RATE>': expected a rate from 8kbit to 10gbit, such as 512kbit, 10mbit or 1gbit
        error: invalid value 'STOP' for '--signal <SIGNAL>': SIGSTOP would halt the container for ever; use node-pause to freeze a node
        error: invalid value 'etc' for '--component <COMPONENT>'
        error: invalid value 'Pods' for '--resource <RESOURCE>': expected a resource such as pods, pods/status or deployments.apps
        error: invalid value '0' for '--port <PORT>': 0 is not in 1..=65535
        error: invalid value '101' for '--percent <P>': 101 is not in 1..=100
        error: unexpected argument '--nod' found
        ");
    }
}
