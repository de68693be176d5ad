//! The signal policy, in one place.
//!
//! The first SIGINT, SIGTERM or SIGHUP stops the work and starts the clean-up.
//! A second one ends the clean-up too: the journal stays, and the command that
//! finishes it is printed. Children are in groups of their own, so a terminal's
//! Ctrl-C reaches this process alone. The exit status is 128 + the signal's number.

use anyhow::Context;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// The signals that end a run.
#[derive(Debug)]
pub struct Signals {
    interrupt: Stream,
    terminate: Stream,
    /// None where the caller, such as nohup, wants it ignored.
    hangup: Option<Stream>,
}

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// Its number.
    pub number: i32,
    /// Its name.
    pub name: &'static str,
}

impl Signals {
    /// Takes the signals over from the system's default, which ends the process at once.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn listen() -> anyhow::Result<Self> {
        let stream = |kind| signal(kind).context("signals can't be handled");
        Ok(Self {
            interrupt: stream(SignalKind::interrupt())?,
            terminate: stream(SignalKind::terminate())?,
            hangup: if hangup_is_ignored() { None } else { Some(stream(SignalKind::hangup())?) },
        })
    }

    /// Waits for the next of them.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal { number: 2, name: "SIGINT" },
            _ = self.terminate.recv() => Signal { number: 15, name: "SIGTERM" },
            () = received(self.hangup.as_mut()) => Signal { number: 1, name: "SIGHUP" },
        }
    }
}

async fn received(stream: Option<&mut Stream>) {
    match stream {
        Some(stream) => _ = stream.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether this process was started with SIGHUP ignored; known on Linux only.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // SIGHUP is number 1, the lowest bit.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
