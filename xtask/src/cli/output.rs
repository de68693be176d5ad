//! What every command prints: flags that all of them have.

use clap::{ArgAction, Args, ValueEnum};

use crate::{
    console::{Console, Verbosity, When},
    env::Env,
};

/// Flags for the output.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputArgs {
    /// Print results, errors and warnings only.
    #[arg(short, long, global = true, help_heading = "Everywhere", conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print each command that is run; -vv: each call of AWS too.
    #[arg(short, long, global = true, help_heading = "Everywhere", action = ArgAction::Count)]
    pub verbose: u8,
    /// Use colour: auto, always or never.
    ///
    /// auto: on a terminal, unless NO_COLOR is set; everywhere with CLICOLOR_FORCE=1.
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

impl OutputArgs {
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

/// The colour that a command line asks for, read before it is parsed: help and errors have colours too.
pub fn color_asked_for(args: impl Iterator<Item = String>) -> When {
    let mut args = args.skip_while(|arg| arg != "--color" && !arg.starts_with("--color="));
    let value = args.next().and_then(|arg| arg.strip_prefix("--color=").map(str::to_owned).or_else(|| args.next()));
    value.and_then(|value| When::from_str(&value, false).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_is_found_however_it_is_written() {
        let asked = |line: &str| color_asked_for(line.split(' ').map(str::to_owned));
        assert_eq!(asked("xtask --color never x"), When::Never);
        assert_eq!(asked("xtask x --color=always --help"), When::Always);
        assert_eq!((asked("xtask --color"), asked("xtask --color=red"), asked("xtask")), Default::default());
    }
}
