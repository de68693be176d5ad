//! What people see while they wait: lines on stderr, results on stdout.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the one place that prints")]

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
        eprintln!("[{:7.1}s] {stage:<9} {text}", self.started.elapsed().as_secs_f64());
    }

    /// A line that the next one replaces; only on a terminal.
    pub fn live(&self, stage: &str, text: &str) {
        if self.is_terminal {
            eprint!("\r\x1b[K[{:7.1}s] {stage:<9} {text}", self.started.elapsed().as_secs_f64());
            let _ = std::io::stderr().flush();
            self.live.set(true);
        }
    }

    /// A line without a clock, for messages.
    pub fn say(&self, text: &str) {
        self.clear_live();
        eprintln!("{text}");
    }

    /// A result, on stdout.
    pub fn result(&self, text: &str) {
        self.clear_live();
        println!("{text}");
    }

    fn clear_live(&self) {
        if self.live.replace(false) {
            eprint!("\r\x1b[K");
        }
    }
}
