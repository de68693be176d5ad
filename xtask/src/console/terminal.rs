//! The terminal that stderr is: whether it can show live lines, how much it
//! holds, and the thread that keeps them up to date.

use std::{
    io::IsTerminal,
    os::unix::fs::MetadataExt,
    sync::{Arc, TryLockError, Weak},
    time::{Duration, Instant},
};

use super::{Shared, screen::Extent};
use crate::env::Env;

/// A terminal that shows live lines.
#[derive(Debug)]
pub(super) struct Terminal {
    /// Whether stdout is the same one.
    pub(super) is_stdout_too: bool,
    reflows: bool,
}

/// How often live lines are drawn.
const FRAME: Duration = Duration::from_millis(125);

/// A process that was stopped for longer than this finds the screen changed by its shell.
const STOPPED: Duration = Duration::from_secs(3);

pub(super) fn is_stdout() -> bool {
    std::io::stdout().is_terminal()
}

pub(super) fn is_stderr() -> bool {
    std::io::stderr().is_terminal()
}

impl Terminal {
    /// The terminal of this process; `None` where lines that change would be a
    /// nuisance: in a pipe, a file, a CI's log, or a terminal that can't move its cursor.
    pub(super) fn of_process(env: &Env) -> Option<Self> {
        let dumb = env.get("TERM").is_none_or(|term| term == "dumb");
        if !is_stderr() || dumb || env.get("CI").is_some() {
            return None;
        }
        let device = |fd: u8| std::fs::metadata(format!("/dev/fd/{fd}")).map(|of| of.rdev()).ok();
        let is_stdout_too = is_stdout() && device(1) == device(2);
        Some(Self { is_stdout_too, reflows: reflows(env) })
    }

    /// What it holds now.
    pub(super) fn extent(&self) -> Extent {
        let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
        let told = |of: fn(&rustix::termios::Winsize) -> u16| size.as_ref().map(of).filter(|n| *n > 0).map(usize::from);
        let (columns, rows) = (told(|size| size.ws_col), told(|size| size.ws_row));
        Extent { columns: columns.unwrap_or(80), rows: rows.unwrap_or(24), reflows: self.reflows }
    }
}

/// Whether a terminal that becomes narrower breaks its lines anew, as most do;
/// the others cut them off.
fn reflows(env: &Env) -> bool {
    let term = env.get("TERM").unwrap_or_default();
    let cuts = ["linux", "rxvt", "screen"].iter().any(|family| term.starts_with(family));
    env.get("XTERM_VERSION").is_none() && (!cuts || env.get("TMUX").is_some())
}

impl Shared {
    /// Draws until nobody shows anything any more, and makes room for a panic's message.
    pub(super) fn keep_drawing(self: &Arc<Self>) {
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
            super::write(super::Stream::Stderr, &bytes);
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
            screen.drawn = super::Drawn::default();
        }
        if !screen.live.is_empty() || !screen.drawn.is_empty() {
            shared.redraw(&mut screen);
        }
        last = Instant::now();
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
}
