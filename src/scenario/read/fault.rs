use std::fmt;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory as _, FromArgMatches as _, Parser};
use serde_json::Value;

use crate::fault::{FaultKind, Request};
use crate::scenario::language::Inject;
use crate::yaml::{list, nearest, write_finding};

/// The command line's own reading of a fault.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct InjectCommand {
    #[command(subcommand)]
    kind: FaultKind,
}

/// Fields of `inject` that are no options of the kind.
pub(super) const OWN_FIELDS: [&str; 4] = ["fault", "for", "allowTotal", "when"];

/// Something wrong with an `inject`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectProblem {
    /// The field of `inject` that it is about; empty for all of it.
    pub field: String,
    /// Whether it is about the field's name rather than its value.
    pub about_name: bool,
    /// What is wrong and what was expected.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl InjectProblem {
    fn new(field: &str, message: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            about_name: false,
            message: message.into(),
            suggestion: None,
        }
    }
}

impl fmt::Display for InjectProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_finding(out, &self.field, &self.message, self.suggestion.as_deref())
    }
}

/// The commands of all kinds of faults.
pub(super) fn fault_commands() -> Vec<Command> {
    let mut command = InjectCommand::command();
    command.build();
    command.get_subcommands().filter(|kind| kind.get_name() != "help").cloned().collect()
}

/// The options of a kind's command.
pub(super) fn options(command: &Command) -> Vec<&Arg> {
    let is_option = |option: &&Arg| option.get_long().is_some_and(|long| long != "help");
    command.get_arguments().filter(is_option).collect()
}

/// Their names, without dashes.
fn option_names(command: &Command) -> Vec<&str> {
    options(command).into_iter().filter_map(Arg::get_long).collect()
}

/// What an `inject` asks for, read by the command line's own rules.
///
/// # Errors
/// Every field that is wrong: an unknown kind or option, a value that the option does not take, options
/// that exclude each other or are missing, a duration where there can be none.
pub fn inject_request(inject: &Inject) -> Result<Request, Vec<InjectProblem>> {
    let commands = fault_commands();
    let Some(command) = commands.iter().find(|kind| kind.get_name() == inject.fault) else {
        let names: Vec<&str> = commands.iter().map(Command::get_name).collect();
        let near = nearest(&inject.fault, &names);
        let shown = inject.fault.escape_debug();
        let message = match near {
            Some(_) => format!("there is no fault `{shown}`"),
            None => format!("there is no fault `{shown}`; there are {}", list(&names, "and")),
        };
        let problem = InjectProblem::new("fault", message);
        return Err(vec![InjectProblem { suggestion: near.map(str::to_owned), ..problem }]);
    };
    let mut problems = Vec::new();
    let mut arguments: Vec<(&str, Vec<String>)> = Vec::new();
    for (name, value) in &inject.options {
        match argument(command, name, value) {
            Ok(argument) => arguments.push((name, argument)),
            Err(problem) => problems.push(problem),
        }
    }
    // clap stops at the first error: what it is about is left out, and the rest read again.
    let kind = loop {
        let all = arguments.iter().flat_map(|(_, words)| words.iter().map(String::as_str));
        let words: Vec<&str> = std::iter::once(inject.fault.as_str()).chain(all).collect();
        let read = InjectCommand::command()
            .try_get_matches_from(words)
            .and_then(|matches| InjectCommand::from_arg_matches(&matches));
        let error = match read {
            Ok(read) => break Some(read.kind),
            Err(error) => error,
        };
        let problem = explain(&error);
        let before = arguments.len();
        arguments.retain(|(name, _)| *name != problem.field);
        let names_given = arguments.len() < before;
        problems.push(problem);
        if !names_given {
            break None;
        }
    };
    let Some(fault) = kind.filter(|_| problems.is_empty()) else { return Err(problems) };
    let request = Request {
        fault,
        duration: inject.lasting.map(|duration| duration.0),
        allow_total: inject.allow_total,
    };
    let duration_is = |message: String| Err(vec![InjectProblem::new("for", message)]);
    if request.duration.is_some_and(|duration| duration.is_zero()) {
        return duration_is(
            "a fault of no duration has no effect; leave `for` out to heal it by a step".to_owned(),
        );
    }
    if request.duration.is_some() && request.fault.is_instant() {
        return duration_is(format!(
            "{} is over as soon as it was done: it takes no duration",
            inject.fault
        ));
    }
    match request.check() {
        Ok(()) => Ok(request),
        Err(failure) => Err(vec![InjectProblem::new("", without_dashes(&failure.to_string()))]),
    }
}

/// The words that give an option on a command line.
fn argument(command: &Command, name: &str, value: &Value) -> Result<Vec<String>, InjectProblem> {
    let known = command.get_arguments().find(|argument| argument.get_long() == Some(name));
    let Some(option) = known.filter(|_| name != "help") else {
        let mut names = option_names(command);
        names.extend(OWN_FIELDS);
        let near = nearest(name, &names);
        let shown = name.escape_debug();
        let message = match near {
            Some(_) => format!("unknown option `{shown}`"),
            None => format!(
                "unknown option `{shown}`; {} has {}",
                command.get_name(),
                list(&option_names(command), "and")
            ),
        };
        let problem = InjectProblem { about_name: true, ..InjectProblem::new(name, message) };
        return Err(InjectProblem { suggestion: near.map(str::to_owned), ..problem });
    };
    let takes_value = option.get_action().takes_values();
    let several = matches!(option.get_action(), ArgAction::Append);
    let one = |value: &Value| match value {
        Value::String(text) => Ok(format!("--{name}={text}")),
        Value::Number(number) => Ok(format!("--{name}={number}")),
        Value::Bool(boolean) if takes_bool(option) => Ok(format!("--{name}={boolean}")),
        other => Err(InjectProblem::new(
            name,
            format!("expected a text or number, found {}", type_name(other)),
        )),
    };
    match value {
        Value::Bool(true) if !takes_value => Ok(vec![format!("--{name}")]),
        Value::Bool(false) | Value::Null if !takes_value => Ok(Vec::new()),
        other if !takes_value => Err(InjectProblem::new(
            name,
            format!("expected `true` or `false`, found {}", type_name(other)),
        )),
        Value::Array(_) if !several => Err(InjectProblem::new(
            name,
            "expected a text or number, found a list: this option is given once",
        )),
        Value::Array(values) => values.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

fn takes_bool(option: &Arg) -> bool {
    option.get_possible_values().iter().any(|value| value.get_name() == "true")
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// clap's error in our words.
fn explain(error: &clap::Error) -> InjectProblem {
    let context = |kind| error.get(kind).map(strings).unwrap_or_default();
    let argument = context(ContextKind::InvalidArg);
    let names: Vec<String> = argument.iter().map(|argument| option_name(argument)).collect();
    let field = names.first().cloned().unwrap_or_default();
    let value = context(ContextKind::InvalidValue).join(", ");
    let suggested = context(ContextKind::SuggestedValue).into_iter().next();
    let quoted =
        |names: &[String]| list(&names.iter().map(String::as_str).collect::<Vec<_>>(), "and");
    let problem = |message| InjectProblem {
        suggestion: suggested.clone(),
        ..InjectProblem::new(&field, message)
    };
    match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => problem("expected a value".to_owned()),
        ErrorKind::InvalidValue => {
            let valid = context(ContextKind::ValidValue);
            let valid: Vec<&str> = valid.iter().map(String::as_str).collect();
            let near = nearest(&value, &valid).map(str::to_owned).or(suggested.clone());
            let message = match valid.as_slice() {
                [] => format!("`{value}` is no value for it"),
                valid => format!("expected {}, found `{value}`", list(valid, "or")),
            };
            InjectProblem { suggestion: near, ..InjectProblem::new(&field, message) }
        }
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(error).map(ToString::to_string);
            let reason =
                without_dashes(&reason.unwrap_or_else(|| "it is no value for it".to_owned()));
            match reason.as_str() {
                "invalid digit found in string" => {
                    problem(format!("expected a whole number, found `{value}`"))
                }
                reason => problem(format!("`{value}`: {reason}")),
            }
        }
        ErrorKind::MissingRequiredArgument => InjectProblem::new(
            "",
            format!(
                "{} missing",
                match names.as_slice() {
                    [one] => format!("`{one}` is"),
                    several => format!("{} are", quoted(several)),
                }
            ),
        ),
        ErrorKind::ArgumentConflict => {
            let prior: Vec<String> =
                context(ContextKind::PriorArg).iter().map(|prior| option_name(prior)).collect();
            problem(format!("cannot be given together with {}", quoted(&prior)))
        }
        _ => problem(without_dashes(error.to_string().lines().next().unwrap_or_default())),
    }
}

fn strings(value: &ContextValue) -> Vec<String> {
    match value {
        ContextValue::Strings(several) => several.clone(),
        ContextValue::StyledStrs(several) => several.iter().map(ToString::to_string).collect(),
        ContextValue::None => Vec::new(),
        other => vec![other.to_string()],
    }
}

/// The name in clap's way of writing an option: `count` of `--count <N>`.
fn option_name(argument: &str) -> String {
    let word = argument.split([' ', '=', '[']).next().unwrap_or_default();
    word.trim_start_matches('-').to_owned()
}

/// A message of the command line with options named as in files.
fn without_dashes(message: &str) -> String {
    let message = message.strip_prefix("error: ").unwrap_or(message);
    message.replace(" --", " ").replace("'--", "'").trim_start_matches("--").to_owned()
}
