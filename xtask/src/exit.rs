//! The exit codes of every command, and the error type that carries one.

use std::{fmt, future::poll_fn, io, task::Poll};

use anyhow::Context;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// Why the process ends. The numbers are a public contract, see [`TABLE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Everything that was asked for was done and verified.
    Success,
    /// Arguments, configuration or pre-flight; nothing was created that is not removed at once.
    Preflight,
    /// The handler ZIP could not be built or breaks its size budget.
    Build,
    /// `sam validate` or `sam deploy` failed.
    Deploy,
    /// A render failed, timed out, or could not be measured.
    Render,
    /// A render does not match its baseline, or slower or more expensive than a flag allows.
    Quality,
    /// The execution's history contradicts the video that it delivered.
    Semantic,
    /// Something that the run created is still there, or can't be proved gone.
    Leak,
    /// Ended by a signal of this number, after cleaning up.
    Signal(i32),
}

/// The documented table: code, meaning. docs/reference.md has it, and `--help` prints it.
pub const TABLE: &[(&str, &str)] = &[
    ("0", "every planned render was measured and passed; nothing is left behind"),
    (
        "1",
        "wrong arguments or configuration, or a failed pre-flight check; at most the run's bucket was created, and it was deleted again",
    ),
    ("2", "the handler ZIP could not be built, or exceeds its size budget"),
    ("3", "sam validate or sam deploy failed"),
    ("4", "a render failed, timed out, or could not be measured"),
    (
        "5",
        "a render does not match its baseline (structure, PSNR, frames, or audio), deviates from the known-good metrics, or a regression exceeds the limit",
    ),
    ("6", "semantic mismatch: the execution's history contradicts the video, or v1 and v2 rendered different videos"),
    ("7", "after an otherwise successful run, resources were left behind, or could not be proved gone"),
    ("128+n", "ended by signal n (130 for Ctrl-C), after cleaning up"),
];

impl ExitCode {
    pub fn status(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Preflight => 1,
            Self::Build => 2,
            Self::Deploy => 3,
            Self::Render => 4,
            Self::Quality => 5,
            Self::Semantic => 6,
            Self::Leak => 7,
            Self::Signal(n) => 128 + u8::try_from(n).unwrap_or(0),
        }
    }
}

pub fn help_table() -> String {
    let rows = TABLE.iter().map(|(code, meaning)| format!("  {code:<6} {meaning}"));
    format!("Exit codes:\n{}", rows.collect::<Vec<_>>().join("\n"))
}

/// An error that knows the exit code it ends the process with.
#[derive(Debug)]
pub struct Failure {
    pub code: ExitCode,
    /// What failed, on what, and what to do next.
    pub error: anyhow::Error,
}

impl Failure {
    /// Pairs an error with its exit code.
    pub fn new(code: ExitCode, error: impl Into<anyhow::Error>) -> Self {
        Self { code, error: error.into() }
    }

    /// A failure before anything was created.
    pub fn preflight(message: impl fmt::Display) -> Self {
        Self::new(ExitCode::Preflight, anyhow::anyhow!("{message}"))
    }
}

impl Failure {
    /// What to print: a failure that has more to say than fits a line says it in several.
    pub fn reported(&self) -> String {
        self.details().map_or_else(|| self.to_string(), |detailed| detailed.lines.clone())
    }

    pub fn details(&self) -> Option<&Detailed> {
        self.error.downcast_ref()
    }
}

/// An error that can be shown in one line, and in several.
#[derive(Debug, thiserror::Error)]
#[error("{line}")]
pub struct Detailed {
    /// For files and lists.
    pub line: String,
    /// For people.
    pub lines: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

/// Gives the errors of one stage that stage's exit code.
pub trait OrExit<T> {
    /// Turns an error into a [`Failure`] with `code`.
    fn or_exit(self, code: ExitCode) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, code: ExitCode) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(code, error))
    }
}

// The signal policy, in one place.
//
// The first SIGINT, SIGTERM, SIGHUP or SIGQUIT stops the work and starts the clean-up.
// A second one ends the clean-up too: the journal stays, and the command that
// finishes it is printed. Children are in groups of their own, so a terminal's
// Ctrl-C reaches this process alone. The exit status is 128 + the signal's number.

/// The signals that end a run, and whether one that the caller ignores, as nohup does with SIGHUP, stays ignored.
const ENDING: [(Signal, bool); 4] = [
    (Signal { number: libc::SIGINT, name: "SIGINT" }, false),
    (Signal { number: libc::SIGTERM, name: "SIGTERM" }, false),
    (Signal { number: libc::SIGHUP, name: "SIGHUP" }, true),
    (Signal { number: libc::SIGQUIT, name: "SIGQUIT" }, true),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    pub number: i32,
    pub name: &'static str,
}

/// The signals that end a run, as they arrive.
#[derive(Debug)]
pub struct Signals(Vec<(Stream, Signal)>);

impl Signals {
    /// Takes the signals over from the system's default, which ends the process at once.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn listen() -> anyhow::Result<Self> {
        let heeded = ENDING.into_iter().filter(|(signal, may_stay)| !(*may_stay && is_ignored(*signal)));
        let stream = |(of, _): (Signal, bool)| Ok((signal(SignalKind::from_raw(of.number))?, of));
        heeded.map(stream).collect::<io::Result<_>>().map(Self).context("signals can't be handled")
    }

    pub async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            let arrived =
                self.0.iter_mut().find_map(|(stream, of)| stream.poll_recv(context).is_ready().then_some(*of));
            arrived.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

fn is_ignored(signal: Signal) -> bool {
    // SAFETY: sigaction only writes to what it is given here, and a sigaction of zeros is a valid one.
    #[expect(unsafe_code, reason = "the one portable way to ask for a signal's action")]
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal.number, std::ptr::null(), &raw mut action) == 0 && action.sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_follow_the_table() {
        let codes = [
            ExitCode::Success,
            ExitCode::Preflight,
            ExitCode::Build,
            ExitCode::Deploy,
            ExitCode::Render,
            ExitCode::Quality,
            ExitCode::Semantic,
            ExitCode::Leak,
        ];
        let statuses: Vec<_> = codes.iter().map(|c| c.status().to_string()).collect();
        let table: Vec<_> = TABLE.iter().map(|(code, _)| *code).take(codes.len()).collect();
        assert_eq!(statuses, table);
        assert_eq!(ExitCode::Signal(2).status(), 130);
        assert_eq!(ExitCode::Signal(15).status(), 143);
    }
}
