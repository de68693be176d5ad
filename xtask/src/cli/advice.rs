//! Tips for a command line that is nearly right.

use std::ffi::OsString;

use clap::{
    Command, Error,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};

/// Most commands begin with it, which makes all of them look alike.
const PREFIX: &str = "lambda-";

/// The error of the command line `args`, with a tip on what was probably meant.
pub(super) fn with_advice(mut error: Error, args: &[OsString], declared: &Command) -> Error {
    let commands: Vec<&str> = declared.get_subcommands().map(Command::get_name).collect();
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidSubcommand) else { return error };
            let nearest = nearest(given, &commands).into_iter().map(str::to_owned).collect();
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(nearest));
        }
        ErrorKind::UnknownArgument => {
            let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else { return error };
            let command = args.iter().filter_map(|arg| arg.to_str()).find(|arg| commands.contains(arg));
            if let Some(tip) = tip(command.unwrap_or_default(), given) {
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
