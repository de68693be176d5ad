//! The terminal that stderr is: whether it can show live lines, how much it
//! holds, and the thread that keeps them up to date.

use std::{
    borrow::Cow,
    fmt::Write,
    io::IsTerminal,
    sync::{Arc, TryLockError, Weak},
    time::{Duration, Instant},
};

use clap::ValueEnum;

use crate::{
    console::{Shared, live::Line},
    tools::env::Env,
};

/// A terminal that shows live lines.
#[derive(Debug)]
pub(crate) struct Terminal {
    /// Whether stdout is the same one.
    pub(crate) is_stdout_too: bool,
    reflows: bool,
}

/// How often live lines are drawn.
const FRAME: Duration = Duration::from_millis(125);

/// A process that was stopped for longer than this finds the screen changed by its shell.
const STOPPED: Duration = Duration::from_secs(3);

pub(crate) fn is_stdout() -> bool {
    std::io::stdout().is_terminal()
}

/// How wide the terminal is that stdout is, where it is one and says so.
pub(crate) fn columns_of_stdout() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0).then(|| size.ws_col.into())
}

pub(crate) fn is_stderr() -> bool {
    std::io::stderr().is_terminal()
}

impl Terminal {
    /// The terminal of this process; `None` where lines that change would be a
    /// nuisance: in a pipe, a file, a CI's log, or a terminal that can't move its cursor.
    pub(crate) fn of_process(env: &Env) -> Option<Self> {
        let dumb = env.get("TERM").is_none_or(|term| term == "dumb");
        if !is_stderr() || dumb || env.get("CI").is_some() {
            return None;
        }
        let devices = (rustix::fs::fstat(std::io::stdout()), rustix::fs::fstat(std::io::stderr()));
        let is_one = matches!(devices, (Ok(stdout), Ok(stderr)) if stdout.st_rdev == stderr.st_rdev);
        let is_stdout_too = is_stdout() && is_one;
        Some(Self { is_stdout_too, reflows: reflows(env) })
    }

    /// What it holds now.
    pub(crate) fn extent(&self) -> Extent {
        let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
        let reported =
            |of: fn(&rustix::termios::Winsize) -> u16| size.as_ref().map(of).filter(|n| *n > 0).map(usize::from);
        let (columns, rows) = (reported(|size| size.ws_col), reported(|size| size.ws_row));
        Extent { columns: columns.unwrap_or(80), rows: rows.unwrap_or(24), reflows: self.reflows }
    }
}

/// Whether a terminal that becomes narrower wraps its lines again, as most do;
/// the others cut them off.
fn reflows(env: &Env) -> bool {
    let term = env.get("TERM").unwrap_or_default();
    let cuts = ["linux", "rxvt", "screen"].iter().any(|family| term.starts_with(family));
    env.get("XTERM_VERSION").is_none() && (!cuts || env.get("TMUX").is_some())
}

impl Shared {
    /// Draws until nobody shows anything any more, and makes room for a panic's message.
    pub(crate) fn keep_drawing(self: &Arc<Self>) {
        if self.terminal.is_none() {
            return;
        }
        let shared = Arc::downgrade(self);
        // Without it there are no live lines, and nothing else is missing.
        let _ = std::thread::Builder::new().name("live lines".to_owned()).spawn(move || draw_on(&shared));
        let (shared, inner) = (Arc::downgrade(self), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |panic| {
            if let Some(shared) = shared.upgrade() {
                shared.clear();
            }
            inner(panic);
        }));
    }

    /// Takes the live lines off the screen, unless they are being drawn right now.
    fn clear(&self) {
        let screen = match self.screen.try_lock() {
            Ok(screen) => Some(screen),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        if let (Some(mut screen), Some(terminal)) = (screen, &self.terminal) {
            let bytes = screen.drawn.redraw("", &[], terminal.extent(), self.on_stderr);
            crate::console::write(crate::console::Stream::Stderr, &bytes);
        }
    }
}

fn draw_on(shared: &Weak<Shared>) {
    let mut last = Instant::now();
    loop {
        std::thread::sleep(FRAME);
        let was_stopped = last.elapsed() > STOPPED;
        let Some(shared) = shared.upgrade() else { return };
        let mut screen = shared.screen();
        if was_stopped {
            screen.drawn = Drawn::default();
        }
        if !screen.live.is_empty() || !screen.drawn.is_empty() {
            shared.redraw(&mut screen);
        }
        last = Instant::now();
    }
}

// The bytes that bring a terminal from one state to the next, each time to be
// written at once. Pure.
//
// The live lines are the last ones, and the cursor waits in the line below, so
// that whatever ends this process leaves nothing to be restored.

/// What of the live lines is on the screen.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    widths: Vec<usize>,
}

/// What a terminal can hold, and how it takes a change of that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    /// Whether lines that have become too long are broken, and not cut.
    pub(crate) reflows: bool,
}

/// Lines neither wrap nor scroll sideways: a terminal may have become narrower just now.
const WRAP_OFF: &str = "\x1b[?7l";

const WRAP_ON: &str = "\x1b[?7h";

impl Drawn {
    /// Replaces the live lines by `permanent`, which is whole lines or nothing, and `lines`.
    pub(crate) fn redraw(&mut self, permanent: &str, lines: &[Line], extent: Extent, paint: Paint) -> String {
        let mut bytes = String::new();
        let rows = self.rows(extent);
        if rows > 0 {
            let _ = write!(bytes, "\r\x1b[{rows}A");
        }
        // Text that wraps would leave old cells behind it; live lines are just written over, which does not flicker.
        if rows > 0 && (!permanent.is_empty() || lines.is_empty()) {
            bytes.push_str("\x1b[J");
        }
        bytes.push_str(permanent);
        if !lines.is_empty() {
            bytes.push_str(WRAP_OFF);
            for (i, line) in lines.iter().enumerate() {
                let end = if i + 1 == lines.len() { WRAP_ON } else { "" };
                let _ = writeln!(bytes, "{}{}{}\x1b[K{end}", line.clock, paint.stage(&line.stage), line.rest);
            }
            bytes.push_str("\x1b[J");
        }
        self.widths = lines.iter().map(Line::width).collect();
        bytes
    }

    /// Whether any live line is on the screen.
    pub(crate) fn is_empty(&self) -> bool {
        self.widths.is_empty()
    }

    /// Rows that the lines take now, in a terminal that may have become narrower since.
    fn rows(&self, extent: Extent) -> usize {
        let of_line = |width: &usize| if extent.reflows { width.div_ceil(extent.columns.max(1)).max(1) } else { 1 };
        self.widths.iter().map(of_line).sum::<usize>().min(extent.rows.saturating_sub(1))
    }
}

// A little color, which says nothing that the words don't. Pure.

/// When to use color.
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

/// Whether a stream gets color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint(bool);

const BOLD_RED: &str = "1;31";

const BOLD_GREEN: &str = "1;32";

const BOLD_YELLOW: &str = "1;33";

const CYAN: &str = "36";

/// Words that lines begin with, and their colors.
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
    pub(crate) const OFF: Self = Self(false);

    /// What a stream gets: the flag wins over the variables, see <https://no-color.org>
    /// and <https://bixense.com/clicolors>.
    pub(crate) fn of(when: When, env: &Env, is_terminal: bool) -> Self {
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
    pub(crate) fn stage<'a>(self, stage: &'a str) -> Cow<'a, str> {
        self.with(CYAN, stage)
    }

    /// A line whose first word may be a verdict or the kind of a message.
    pub(crate) fn line<'a>(self, line: &'a str) -> Cow<'a, str> {
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
    fn the_terminals_that_cut_their_lines_are_known() {
        for (env, expected) in [
            (&[("TERM", "xterm-256color")] as &[_], true),
            (&[("TERM", "xterm-256color"), ("XTERM_VERSION", "XTerm(379)")], false),
            (&[("TERM", "screen-256color")], false),
            (&[("TERM", "screen-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")], true),
            (&[("TERM", "linux")], false),
        ] {
            let of = env.iter().fold(Env::default(), |env, (name, value)| env.with(name, *value));
            assert_eq!(reflows(&of), expected, "{env:?}");
        }
    }

    const WIDE: Extent = Extent { columns: 200, rows: 24, reflows: true };

    fn line(width: usize) -> Line {
        Line { clock: String::new(), stage: String::new(), rest: "x".repeat(width) }
    }

    #[test]
    fn a_line_that_no_longer_fits_takes_two_rows_or_is_cut() {
        let narrow = |reflows| Extent { columns: 80, reflows, ..WIDE };
        for (reflows, up) in [(true, 3), (false, 2)] {
            let mut drawn = Drawn::default();
            drawn.redraw("", &[line(100), line(50)], WIDE, Paint::OFF);
            let bytes = drawn.redraw("", &[line(10)], narrow(reflows), Paint::OFF);
            assert!(bytes.starts_with(&format!("\r\x1b[{up}A\x1b[?7l")), "{bytes:?}");
        }
    }

    #[test]
    fn permanent_lines_come_in_front_and_nothing_is_left_at_the_end() {
        let mut drawn = Drawn::default();
        assert_eq!(drawn.redraw("a\n", &[], WIDE, Paint::OFF), "a\n");
        drawn.redraw("", &[line(1)], WIDE, Paint::OFF);
        assert_eq!(
            drawn.redraw("b\n", &[line(1)], WIDE, Paint::OFF),
            "\r\x1b[1A\x1b[Jb\n\x1b[?7lx\x1b[K\x1b[?7h\n\x1b[J"
        );
        assert_eq!(drawn.redraw("", &[], WIDE, Paint::OFF), "\r\x1b[1A\x1b[J");
        assert!(drawn.is_empty());
    }

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
