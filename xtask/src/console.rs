//! What people see while they wait: lines on stderr, results on stdout.
//!
//! A terminal that has gone away, or a pipe that nobody reads, must not end a run
//! before its clean-up, so printing never fails.

use std::{
    cell::Cell,
    io::{IsTerminal, Write},
    rc::Rc,
    time::Instant,
};

/// The terminal. Clones share the clock and the live line.
#[derive(Debug, Clone)]
pub struct Console {
    started: Instant,
    is_terminal: bool,
    live: Rc<Cell<bool>>,
}

impl Default for Console {
    fn default() -> Self {
        Self { started: Instant::now(), is_terminal: std::io::stderr().is_terminal(), live: Rc::default() }
    }
}

impl Console {
    /// A line of progress, with the seconds since the start.
    pub fn step(&self, stage: &str, text: &str) {
        self.clear_live();
        self.error_line(&format!("[{:7.1}s] {stage:<9} {text}", self.started.elapsed().as_secs_f64()));
    }

    /// A line that the next one replaces; only on a terminal.
    pub fn live(&self, stage: &str, text: &str) {
        if self.is_terminal {
            let mut stderr = std::io::stderr();
            let _ = write!(stderr, "\r\x1b[K[{:7.1}s] {stage:<9} {text}", self.started.elapsed().as_secs_f64());
            let _ = stderr.flush();
            self.live.set(true);
        }
    }

    /// A line without a clock, for messages.
    pub fn say(&self, text: &str) {
        self.clear_live();
        self.error_line(text);
    }

    /// A result, on stdout.
    pub fn result(&self, text: &str) {
        self.clear_live();
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    fn error_line(&self, line: &str) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    fn clear_live(&self) {
        if self.live.replace(false) {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
