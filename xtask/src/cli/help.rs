//! What follows on the flags in a command's help.

use crate::exit;

/// Under `-h`.
pub(super) const HINT: &str = "`--help` tells more of each flag, with examples and exit codes.";

/// Under `-h` without a command.
pub(super) const OF_ALL: &str = "`cargo xtask <COMMAND> -h` tells a command's flags, --help more of each.";

/// Examples by command: what is done, and how.
const EXAMPLES: [(&str, &str, &str); 19] = [
    ("", "The first run, on this machine, without an account", "lambda-smoke --local"),
    ("", "Before a release, in your account", "lambda-smoke --profile release"),
    ("lambda-smoke", "One fixture at 2, 4 and 8 chunks, on this machine", "lambda-smoke --local"),
    (
        "lambda-smoke",
        "Another fixture in your account, in four chunks",
        "lambda-smoke --fixture many-cuts --chunk-counts 4 --profile release",
    ),
    ("lambda-smoke", "Both plan protocols, against each other", "lambda-smoke --local --plan-protocol both"),
    ("lambda-eval", "Two fixtures, five times each", "lambda-eval --fixtures many-cuts,tone-and-text --iterations 5"),
    ("lambda-eval", "How many chunks are best", "lambda-eval --chunk-counts 1,2,4,8 --iterations 3 --skip-local"),
    ("lambda-teardown", "Finish what runs have left anywhere", "lambda-teardown --unfinished"),
    ("lambda-teardown", "One stack", "lambda-teardown hyperframes-lambda-smoke-1795275657-1a2b3c --region us-east-1"),
    ("lambda-baseline", "How far the committed baseline is from a render of today", "lambda-baseline many-cuts"),
    ("lambda-baseline", "Replace it", "lambda-baseline many-cuts --update"),
    ("lambda-compare", "A render against a baseline", "lambda-compare render.mp4 fixtures/many-cuts/output/output.mp4"),
    ("lambda-compare", "All figures, for another program", "lambda-compare a.mp4 b.mp4 --json"),
    ("lambda-doctor", "Whether your account is ready", "lambda-doctor --profile release --region eu-west-1"),
    ("lambda-doctor", "Whether this machine is", "lambda-doctor --local"),
    ("lambda-policy", "For any run in one account", "lambda-policy --account 123456789012 --region eu-west-1"),
    ("lambda-policy", "For one stack name", "lambda-policy --account 123456789012 --stack-name release-gate"),
    ("lambda-report", "The reports of the last run, anew", "lambda-report lambda-eval-artifacts"),
    (
        "lambda-report",
        "Whether it got slower or dearer",
        "lambda-report lambda-eval-artifacts --compare before --max-regression 10%",
    ),
];

/// What follows on the flags of `command` under `--help`: examples, and the exit codes.
pub(super) fn after(command: &str) -> String {
    let of_command = EXAMPLES.iter().filter(|(name, ..)| *name == command);
    let examples: Vec<String> =
        of_command.map(|(_, what, line)| format!("  {what}:\n      cargo xtask {line}")).collect();
    format!("Examples:\n{}\n\n{}", examples.join("\n"), exit::help_table())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::{CommandFactory, Parser};

    #[test]
    fn every_example_is_a_command_line_that_is_taken() {
        for (_, what, line) in EXAMPLES {
            let words = ["xtask"].into_iter().chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{what}: {line}");
        }
    }

    #[test]
    fn short_help_has_a_line_for_each_flag() {
        let all = Cli::command();
        for command in all.get_subcommands() {
            for argument in command.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{} {} has no help", command.get_name(), argument.get_id());
                assert!(help.chars().count() <= 65, "{} {}: {help}", command.get_name(), argument.get_id());
            }
        }
    }
}
