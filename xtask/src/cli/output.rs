//! The flags that every command has: what it prints, and which repository it works on.

use std::{env::current_dir, ffi::OsString, path::PathBuf};

use clap::{ArgAction, Args, ColorChoice, ValueEnum, ValueHint};

use crate::{
    console::{Console, Verbosity, terminal::When},
    project::repo::{Repo, RepoChoice},
    tools::env::Env,
};

/// The flag for the repository.
#[derive(Debug, Clone, Args)]
pub struct RepoOptions {
    /// Repository to work on [default: the one around this folder].
    ///
    /// This is a HyperFrames checkout, or a repository with the same layout as this one. By default it is the
    /// repository around the working folder, else the one in which this tool was built. [env: HYPERFRAMES_REPO_ROOT]
    #[arg(long, global = true, help_heading = "Everywhere", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub repo: Option<PathBuf>,
}

impl RepoOptions {
    /// What this command line, its environment and its working folder say.
    pub fn choice(&self, env: &Env) -> RepoChoice {
        RepoChoice::new(self.repo.clone(), env.path(Repo::ENV), current_dir().ok())
    }
}

/// Flags for the output.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputOptions {
    /// Print only results, errors, and warnings.
    #[arg(short, long, global = true, help_heading = "Everywhere", conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print each program that is run; -vv: each AWS call too.
    #[arg(short, long, global = true, help_heading = "Everywhere", action = ArgAction::Count)]
    pub verbose: u8,
    /// Use color: auto, always, or never.
    ///
    /// `auto` uses color on a terminal, unless NO_COLOR is set, and everywhere with CLICOLOR_FORCE=1.
    #[arg(
        long,
        global = true,
        help_heading = "Everywhere",
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub color: When,
}

impl OutputOptions {
    /// This process's console.
    pub fn console(self, env: &Env) -> Console {
        let verbosity = match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, 1) => Verbosity::Commands,
            (false, _) => Verbosity::Calls,
        };
        Console::of_process(verbosity, self.color, env)
    }
}

/// The color that a command line asks for, read before it is parsed, as help and errors have colors too.
pub(crate) fn color_asked_for(args: &[OsString]) -> ColorChoice {
    let mut args = args.iter().filter_map(|arg| arg.to_str());
    let value = args.find_map(|arg| arg.strip_prefix("--color").map(|value| value.strip_prefix('=')));
    let value = value.and_then(|value| value.or_else(|| args.next()));
    match value.and_then(|value| When::from_str(value, false).ok()).unwrap_or_default() {
        When::Auto => ColorChoice::Auto,
        When::Always => ColorChoice::Always,
        When::Never => ColorChoice::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_is_found_however_it_is_written() {
        let asked = |line: &str| color_asked_for(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(asked("xtask --color never x"), ColorChoice::Never);
        assert_eq!(asked("xtask x --color=always --help"), ColorChoice::Always);
        for line in ["xtask --color", "xtask --color=red", "xtask"] {
            assert_eq!(asked(line), ColorChoice::Auto);
        }
    }
}
