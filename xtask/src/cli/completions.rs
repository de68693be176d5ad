//! `completions`: what a shell needs to complete command lines.

use clap::{Args, Command, CommandFactory, ValueEnum, builder::PossibleValuesParser};
use clap_complete::Shell;

use super::Cli;

/// Flags of `completions`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Shells complete commands, not cargo's aliases, so the script brings `xtask`, which
is short for `cargo xtask`. Names of fixtures are those of this repository, now.

Examples:
  bash, in ~/.bashrc:   eval \"$(cd <repository> && cargo xtask completions bash)\"
  zsh, in ~/.zshrc:     eval \"$(cd <repository> && cargo xtask completions zsh)\"
  fish:                 cargo xtask completions fish | source")]
pub struct CompletionsOptions {
    /// The shell: bash, zsh or fish.
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
const OF_FIXTURES: [(&str, &str); 3] =
    [("lambda-smoke", "fixture"), ("lambda-eval", "fixtures"), ("lambda-baseline", "fixture")];

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
