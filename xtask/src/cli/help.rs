//! What follows on the flags in a command's help.

use clap::{Args, Command, CommandFactory, ValueEnum, builder::PossibleValuesParser};
use clap_complete::Shell;

use crate::{cli::Cli, exit};

/// Under `-h`.
pub(crate) const HINT: &str = "`--help` explains each flag, with examples and exit codes.";

/// Under `-h` without a command.
pub(crate) const OF_ALL: &str = "`cargo xtask <COMMAND> -h` lists a command's flags; `--help` explains them.";

/// Examples by command: what is done, and how.
const EXAMPLES: [(&str, &str, &str); 26] = [
    ("", "The first run, on this machine, without an account", "lambda-smoke --local"),
    ("", "Before a release, in your account", "lambda-smoke --profile release"),
    ("lambda-smoke", "One fixture at 2, 4 and 8 chunks, on this machine", "lambda-smoke --local"),
    (
        "lambda-smoke",
        "Another fixture in your account, in four chunks",
        "lambda-smoke --fixture many-cuts --chunk-counts 4 --profile release",
    ),
    ("lambda-smoke", "The quick fixtures of this repository, on one stack", "lambda-smoke --local --tag smoke"),
    ("lambda-smoke", "Repeat what failed in the latest run", "lambda-smoke --local --rerun-failed"),
    ("lambda-smoke", "Both plan protocols, compared with each other", "lambda-smoke --local --plan-protocol both"),
    ("lambda-eval", "Two fixtures, five times each", "lambda-eval --fixtures many-cuts,tone-and-text --iterations 5"),
    ("lambda-eval", "Which chunk count is best", "lambda-eval --chunk-counts 1,2,4,8 --iterations 3 --skip-local"),
    ("lambda-ab", "Compare the ZIP of a release with this repository", "lambda-ab --a old.zip --max-regression 10%"),
    (
        "lambda-ab",
        "Compare this repository with two commits before",
        "lambda-ab --a HEAD~2 --fixtures many-cuts --iterations 6",
    ),
    ("lambda-ab", "Find which memory size is better", "lambda-ab --a memory=2048 --b memory=4096 --warmup 1"),
    ("lambda-teardown", "Delete what all unfinished runs left behind", "lambda-teardown --unfinished"),
    ("lambda-teardown", "One stack", "lambda-teardown hyperframes-lambda-smoke-1795275657-1a2b3c --region us-east-1"),
    ("lambda-baseline", "Compare the committed baseline with a new render", "lambda-baseline many-cuts"),
    ("lambda-baseline", "Replace it", "lambda-baseline many-cuts --update"),
    (
        "lambda-compare",
        "Compare a render with a baseline",
        "lambda-compare render.mp4 fixtures/many-cuts/output/output.mp4",
    ),
    ("lambda-compare", "Print all figures as JSON, for another program", "lambda-compare a.mp4 b.mp4 --json"),
    ("lambda-doctor", "Check whether your account is ready", "lambda-doctor --profile release --region eu-west-1"),
    ("lambda-doctor", "Check whether this machine is ready", "lambda-doctor --local"),
    ("lambda-policy", "For any run in one account", "lambda-policy --account 123456789012 --region eu-west-1"),
    ("lambda-policy", "For one stack name", "lambda-policy --account 123456789012 --stack-name release-gate"),
    ("lambda-report", "Regenerate the reports of the last run", "lambda-report lambda-eval-artifacts"),
    (
        "lambda-report",
        "Check whether rendering became slower or more expensive",
        "lambda-report lambda-eval-artifacts --compare previous --max-regression 10%",
    ),
    ("lambda-history", "List all runs, the newest first", "lambda-history"),
    ("lambda-history", "Write a page with the trends of all runs", "lambda-history --html trends.html"),
];

/// What follows on the flags of `command` under `--help`: examples, and the exit codes.
pub(crate) fn after(command: &str) -> String {
    let of_command = EXAMPLES.iter().filter(|(name, ..)| *name == command);
    let examples: Vec<String> =
        of_command.map(|(_, what, line)| format!("  {what}:\n      cargo xtask {line}")).collect();
    format!("Examples:\n{}\n\n{}", examples.join("\n"), exit::help_table())
}

// `completions`: what a shell needs to complete command lines.

/// Flags of `completions`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Shells complete commands, not cargo's aliases, so the script defines a command `xtask`
that runs `cargo xtask`. It completes the names of the fixtures that the repository has
when the script is printed.

Examples:
  bash, in ~/.bashrc:   eval \"$(cd <repository> && cargo xtask completions bash)\"
  zsh, in ~/.zshrc:     eval \"$(cd <repository> && cargo xtask completions zsh)\"
  fish:                 cargo xtask completions fish | source")]
pub struct CompletionsOptions {
    /// The shell: bash, zsh, or fish.
    #[arg(hide_possible_values = true)]
    pub shell: CompletedShell,
}

/// A shell that completions can be made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompletedShell {
    /// GNU bash.
    Bash,
    /// The Z shell.
    Zsh,
    /// The friendly interactive shell.
    Fish,
}

/// The flags and arguments that name fixtures.
const OF_FIXTURES: [(&str, &str); 5] = [
    ("lambda-smoke", "fixture"),
    ("lambda-smoke", "fixtures"),
    ("lambda-eval", "fixtures"),
    ("lambda-ab", "fixtures"),
    ("lambda-baseline", "fixture"),
];

/// The script for a shell, with a command `xtask` to complete.
pub fn script(shell: CompletedShell, fixtures: Vec<String>) -> String {
    // Parsers keep names for as long as the process lives, which is not long.
    let fixtures: Vec<&'static str> = fixtures.into_iter().map(|name| &*name.leak()).collect();
    let mut command = OF_FIXTURES.iter().fold(Cli::command(), |command, (name, argument)| {
        let names = PossibleValuesParser::new(fixtures.iter().copied());
        let with_names = |of: Command| match fixtures.is_empty() {
            true => of,
            false => of.mut_arg(argument, |argument| argument.value_parser(names)),
        };
        command.mut_subcommand(name, with_names)
    });
    command = command.name("xtask");
    let (shell, function) = match shell {
        CompletedShell::Bash => (Shell::Bash, "xtask() { cargo xtask \"$@\"; }"),
        CompletedShell::Zsh => (Shell::Zsh, "xtask() { cargo xtask \"$@\"; }"),
        CompletedShell::Fish => (Shell::Fish, "function xtask; cargo xtask $argv; end"),
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "xtask", &mut script);
    format!("{}\n{function}", String::from_utf8_lossy(&script).trim_end())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::Cli;

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
