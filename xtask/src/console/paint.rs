//! A little colour, which says nothing that the words don't. Pure.

use std::borrow::Cow;

use clap::ValueEnum;

use crate::env::Env;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set; everywhere with CLICOLOR_FORCE.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// Whether a stream gets colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paint(bool);

const BOLD_RED: &str = "1;31";
const BOLD_GREEN: &str = "1;32";
const BOLD_YELLOW: &str = "1;33";
const CYAN: &str = "36";

/// Words that lines begin with, and their colours.
const WORDS: [(&str, &str); 7] = [
    ("PASS", BOLD_GREEN),
    ("FAIL", BOLD_RED),
    ("LEAK", BOLD_RED),
    ("STOPPED", BOLD_YELLOW),
    ("error:", BOLD_RED),
    ("warning:", BOLD_YELLOW),
    ("note:", CYAN),
];

impl Paint {
    pub(super) const OFF: Self = Self(false);

    /// What a stream gets: the flag wins over the variables, see <https://no-color.org>
    /// and <https://bixense.com/clicolors>.
    pub(super) fn of(when: When, env: &Env, is_terminal: bool) -> Self {
        let dumb = env.get("TERM").is_none_or(|term| term == "dumb");
        Self(match when {
            When::Always => true,
            When::Never => false,
            When::Auto if env.get("NO_COLOR").is_some() => false,
            When::Auto if env.get("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            When::Auto => is_terminal && !dumb,
        })
    }

    /// A stage's name.
    pub(super) fn stage<'a>(self, stage: &'a str) -> Cow<'a, str> {
        self.with(CYAN, stage)
    }

    /// A line whose first word may be a verdict or the kind of a message.
    pub(super) fn line<'a>(self, line: &'a str) -> Cow<'a, str> {
        let word = WORDS.iter().find(|(word, _)| line.strip_prefix(word).is_some_and(|rest| rest.starts_with(' ')));
        match word {
            Some((word, color)) if self.0 => Cow::Owned(format!("{}{}", self.with(color, word), &line[word.len()..])),
            _ => Cow::Borrowed(line),
        }
    }

    fn with<'a>(self, color: &str, text: &'a str) -> Cow<'a, str> {
        if self.0 { Cow::Owned(format!("\x1b[{color}m{text}\x1b[0m")) } else { Cow::Borrowed(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_wins_over_the_variables_and_those_over_the_terminal() {
        let of = |when, env: &[(&str, &str)], is_terminal| {
            let env = env.iter().fold(Env::from([("TERM", "xterm")]), |env, (name, value)| env.with(name, *value));
            Paint::of(when, &env, is_terminal).0
        };
        assert!(of(When::Auto, &[], true) && !of(When::Auto, &[], false));
        assert!(!of(When::Auto, &[("NO_COLOR", "1")], true) && of(When::Always, &[("NO_COLOR", "1")], false));
        assert!(of(When::Auto, &[("NO_COLOR", "")], true), "an empty NO_COLOR is none");
        assert!(
            of(When::Auto, &[("CLICOLOR_FORCE", "1")], false) && !of(When::Auto, &[("CLICOLOR_FORCE", "0")], false)
        );
        assert!(!of(When::Auto, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true));
        assert!(!of(When::Never, &[("CLICOLOR_FORCE", "1")], true) && !of(When::Auto, &[("TERM", "dumb")], true));
    }

    #[test]
    fn only_whole_words_are_painted() {
        assert_eq!(Paint(true).line("PASS  2 of 2"), "\x1b[1;32mPASS\x1b[0m  2 of 2");
        assert_eq!(Paint(true).line("PASSWORD"), "PASSWORD");
        assert_eq!(Paint::OFF.line("error: x"), "error: x");
    }
}
