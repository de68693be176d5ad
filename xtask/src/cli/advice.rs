//! What to say of a command line that is nearly right.

use clap::{
    Error,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::edit_distance::edit_distance;

/// What most commands begin with: it makes all of them look alike.
const PREFIX: &str = "lambda-";

/// The error of a command line, with a tip that leads on. `command` is the one that was given.
pub fn with_advice(mut error: Error, command: Option<&str>, commands: &[&str]) -> Error {
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidSubcommand) else { return error };
            let nearest = nearest(given, commands).into_iter().map(str::to_owned).collect();
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(nearest));
        }
        ErrorKind::UnknownArgument => {
            let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else { return error };
            if let Some(tip) = tip(command.unwrap_or_default(), given) {
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
            }
        }
        _ => {}
    }
    error
}

/// How a command takes what was given to it in another way.
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

/// The names that are meant by `given`, most of them by one or two letters.
fn nearest<'a>(given: &str, names: &[&'a str]) -> Vec<&'a str> {
    let own = |name: &str| name.trim_start_matches(PREFIX).to_owned();
    let distances = names.iter().map(|name| (edit_distance(&own(given), &own(name)), *name));
    let near: Vec<(usize, &str)> = distances.filter(|(distance, _)| *distance <= 2).collect();
    let least = near.iter().map(|(distance, _)| *distance).min();
    near.into_iter().filter(|(distance, _)| Some(*distance) == least).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_is_meant_is_the_only_one_told() {
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
