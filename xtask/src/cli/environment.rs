//! Environment variables that stand in for flags.

use std::ffi::{OsStr, OsString};

use clap::{
    Arg, ArgAction, ArgMatches, Command, CommandFactory, Error, FromArgMatches,
    builder::{Resettable, StyledStr},
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use crate::{
    aws::{
        region::Profile,
        settings::{self, Named},
    },
    cli::{Cli, output::color_asked_for},
    tools::env::Env,
};

/// Parses a command line. A flag that it lacks is taken from the flag's variable in `env`.
///
/// # Errors
/// For what clap refuses, and for requests for help.
pub fn parse(args: &[OsString], env: &Env) -> Result<Cli, Error> {
    let declared = Cli::command();
    let mut command = without_process_environment(declared.clone()).color(color_asked_for(args));
    let given = command.clone().try_get_matches_from(args).map_err(|error| with_advice(error, args, &declared))?;
    let (name, matches) = given.subcommand().expect("clap demands a command");
    let subcommand = declared.find_subcommand(name).expect("clap took this command");
    let variables = variables(subcommand, matches, env).map_err(|error| error.format(&mut command))?;
    let all = args.iter().cloned().chain(variables.iter().map(|variable| variable.argument.clone()));
    let matches = command.clone().try_get_matches_from(all).map_err(|error| match wrong(&error, &variables) {
        Some(message) => command.error(error.kind(), message),
        None => error,
    })?;
    Cli::from_arg_matches(&matches)
}

/// A variable that stands in for a flag.
struct Variable {
    name: String,
    value: String,
    /// Such as `--jobs`.
    flag: String,
    /// What the command line would have said.
    argument: OsString,
}

/// The command with its variables in the help of each flag. clap would read them from the process,
/// would take an empty one as a value, and would let one conflict with a flag that was given.
fn without_process_environment(command: Command) -> Command {
    let documented = |arg: Arg| {
        let Some(name) = variable_of(&arg) else { return arg };
        let example = if arg.get_action().takes_values() { name.to_owned() } else { format!("{name}=1") };
        let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        arg.env(Resettable::Reset).long_help(format!("{help}\n\n[env: {example}]"))
    };
    command.mut_subcommands(|command| command.mut_args(documented))
}

fn variable_of(arg: &Arg) -> Option<&str> {
    arg.get_env().and_then(OsStr::to_str)
}

/// The variables that count: those of flags that were not given and that contradict no given one.
fn variables(command: &Command, matches: &ArgMatches, env: &Env) -> Result<Vec<Variable>, Error> {
    let excludes = |a: &Arg, b: &Arg| command.get_arg_conflicts_with(a).iter().any(|arg| arg.get_id() == b.get_id());
    let contradict = |a: &Arg, b: &Arg| excludes(a, b) || excludes(b, a);
    let is_given = |arg: &&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let given: Vec<&Arg> = command.get_arguments().filter(is_given).collect();
    let mut variables = Vec::new();
    let mut set: Vec<(&Arg, String)> = Vec::new();
    for arg in command.get_arguments() {
        let found = match variable_of(arg) {
            Some("AWS_REGION") => region(matches, env)?,
            Some(name) => Named::of_variable(env, name),
            None => None,
        };
        let Some(Named { value, by: name }) = found else { continue };
        if given.iter().any(|given| given.get_id() == arg.get_id() || contradict(given, arg)) {
            continue;
        }
        if let Some((_, other)) = set.iter().find(|(other, _)| contradict(other, arg)) {
            let message = format!("{other} and {name} are both set; unset one, or give the flag of one\n");
            return Err(Error::raw(ErrorKind::ArgumentConflict, message));
        }
        let flag = format!("--{}", arg.get_long().expect("a flag with a variable has a long name"));
        let arguments: Vec<String> = match (arg.get_action(), value.as_str()) {
            (ArgAction::Append, _) => value.split_whitespace().map(|word| format!("{flag}={word}")).collect(),
            (action, _) if action.takes_values() => vec![format!("{flag}={value}")],
            (_, "1" | "true") => vec![flag.clone()],
            (_, "0" | "false") => continue,
            _ => return Err(Error::raw(ErrorKind::InvalidValue, format!("{name}={value}: it is 1 or 0\n"))),
        };
        set.push((arg, name.clone()));
        variables.extend(arguments.into_iter().map(|argument| Variable {
            name: name.clone(),
            value: value.clone(),
            flag: flag.clone(),
            argument: argument.into(),
        }));
    }
    Ok(variables)
}

/// The region of the variables or of the profile, and what names it.
fn region(matches: &ArgMatches, env: &Env) -> Result<Option<Named<String>>, Error> {
    let given = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
    if given("region") {
        return Ok(None);
    }
    let has = |name: &str| matches.try_contains_id(name).is_ok_and(|has| has) && given(name);
    let profile = if has("profile") { matches.get_one::<Profile>("profile") } else { None };
    let found = settings::region(env, profile, has("local") || has("endpoint_url"));
    found.map_err(|error| Error::raw(ErrorKind::InvalidValue, format!("{error:#}\n")))
}

/// The variable whose value an error is about, and what is wrong with it.
fn wrong(error: &Error, variables: &[Variable]) -> Option<String> {
    // Such as `--jobs <K>`.
    let Some(ContextValue::String(invalid)) = error.get(ContextKind::InvalidArg) else { return None };
    let is_meant = |variable: &&Variable| invalid.split(' ').next() == Some(&variable.flag);
    let Variable { name, value, .. } = variables.iter().find(is_meant)?;
    let reason = match (std::error::Error::source(error), error.get(ContextKind::ValidValue)) {
        (Some(reason), _) => reason.to_string(),
        (None, Some(ContextValue::Strings(valid))) => format!("it must be one of {}", valid.join(", ")),
        (None, _) => return None,
    };
    Some(format!("{name}={value}: {reason}\n"))
}

// Tips for a command line that is nearly right.

/// Most commands begin with it, which makes all of them look alike.
const PREFIX: &str = "lambda-";

/// The error of the command line `args`, with a tip on what was probably meant.
pub(crate) fn with_advice(mut error: Error, args: &[OsString], declared: &Command) -> Error {
    let commands: Vec<&str> = declared.get_subcommands().map(Command::get_name).collect();
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidSubcommand) else { return error };
            let nearest: Vec<String> = nearest(given, &commands).into_iter().map(str::to_owned).collect();
            error.remove(ContextKind::SuggestedSubcommand);
            if !nearest.is_empty() {
                error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(nearest));
            }
        }
        // It may be a password, which is not printed.
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            if let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidValue)
                && given.contains("://")
                && given.contains('@')
            {
                error.insert(ContextKind::InvalidValue, ContextValue::String("***".to_owned()));
            }
        }
        ErrorKind::UnknownArgument => {
            let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else { return error };
            let command = args.iter().filter_map(|arg| arg.to_str()).find(|arg| commands.contains(arg));
            let command = command.unwrap_or_default();
            if let Some(tip) = tip(command, given).or_else(|| of_others(command, given, declared)) {
                // The flag that only looks like it, and the usage with that flag.
                if error.remove(ContextKind::SuggestedArg).is_some() {
                    error.remove(ContextKind::Usage);
                }
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
            }
        }
        _ => {}
    }
    error
}

/// How to pass to a command what was passed to it in the wrong way.
fn tip(command: &str, given: &str) -> Option<String> {
    let is_flag = given.starts_with('-');
    match command {
        "lambda-smoke" if !is_flag => Some(format!("a fixture is named by a flag: --fixture {given}")),
        "lambda-eval" if !is_flag => Some(format!("fixtures are named by a flag: --fixtures {given}")),
        "lambda-teardown" if given == "--stack" || given == "--stack-name" => {
            Some("the stack is named without a flag: lambda-teardown <STACK>".to_owned())
        }
        "lambda-baseline" if given == "--fixture" => {
            Some("the fixture is named without a flag: lambda-baseline <FIXTURE>".to_owned())
        }
        _ => None,
    }
}

/// Which commands have a flag that this one has not, nor one that begins with it.
fn of_others(command: &str, given: &str, declared: &Command) -> Option<String> {
    let flag = given.strip_prefix("--").filter(|flag| !flag.is_empty())?;
    let flags = |of: &Command| of.get_arguments().filter_map(Arg::get_long).map(str::to_owned).collect::<Vec<_>>();
    if declared.find_subcommand(command).is_some_and(|own| flags(own).iter().any(|own| own.starts_with(flag))) {
        return None;
    }
    let having = declared.get_subcommands().filter(|other| flags(other).iter().any(|known| known == flag));
    let having: Vec<&str> = having.map(Command::get_name).collect();
    (!having.is_empty()).then(|| format!("{given} is a flag of {}", having.join(", ")))
}

/// The names that `given` probably means: those that differ least, by two letters at most.
fn nearest<'a>(given: &str, names: &[&'a str]) -> Vec<&'a str> {
    let own = |name: &str| name.trim_start_matches(PREFIX).to_owned();
    let distances = names.iter().map(|name| (strsim::levenshtein(&own(given), &own(name)), *name));
    let near: Vec<(usize, &str)> = distances.filter(|(distance, _)| *distance <= 2).collect();
    let least = near.iter().map(|(distance, _)| *distance).min();
    near.into_iter().filter(|(distance, _)| Some(*distance) == least).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_command_that_is_meant_is_suggested() {
        let names = ["lambda-smoke", "lambda-eval", "lambda-teardown", "local-aws", "setup"];
        for (given, meant) in [
            ("lambda-smok", &["lambda-smoke"] as &[_]),
            ("smoke", &["lambda-smoke"]),
            ("eval", &["lambda-eval"]),
            ("tear-down", &["lambda-teardown"]),
            ("local_aws", &["local-aws"]),
            ("stup", &["setup"]),
            ("deploy", &[]),
        ] {
            assert_eq!(nearest(given, &names), meant, "{given}");
        }
    }
}
