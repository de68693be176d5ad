//! How a run ended, at one look. Pure.

use std::fmt;

use super::RunReport;
use crate::{artifacts::TeardownRecord, exit::ExitCode, measure::verdict::Outcome, wording::counted};

/// How a run ended, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// In one word.
    pub word: Word,
    /// In one sentence.
    pub text: String,
    /// Why not a pass, a line each.
    pub reasons: Vec<String>,
}

/// The word that a run's last line begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// All that was asked for was measured, is equal enough, and nothing is left behind.
    Pass,
    /// Something of it is not so.
    Fail,
    /// The renders pass, but something may be left behind.
    Leak,
    /// A signal ended it.
    Stopped,
    /// It is still running, or was killed: there is no exit code.
    Unfinished,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Leak => "LEAK",
            Self::Stopped => "STOPPED",
            Self::Unfinished => "UNFINISHED",
        })
    }
}

impl Ending {
    pub(super) fn of(report: &RunReport) -> Self {
        let (run, leak) = (&report.run, ExitCode::Leak.status());
        let measured = counted(report.renders.len(), "render");
        let (word, text) = match run.exit_code {
            None => (Word::Unfinished, format!("the run has not ended, or was killed; {measured} measured so far")),
            Some(0) => (Word::Pass, format!("{measured} equal enough")),
            Some(code) if code == leak => {
                (Word::Leak, "the renders pass, but something may be left behind (exit 7)".to_owned())
            }
            Some(code @ 129..) => (Word::Stopped, format!("by signal {}; {measured} measured", code - 128)),
            Some(code) => (Word::Fail, format!("{} (exit {code})", why(report))),
        };
        let verdict = run.verdict.iter().flat_map(|verdict| verdict.findings.iter().cloned());
        let reasons = run.failure.iter().cloned().chain(verdict).chain(leaks(report));
        Self { word, text, reasons: distinct(reasons) }
    }
}

fn why(report: &RunReport) -> &'static str {
    match report.run.verdict.as_ref().map(|verdict| verdict.outcome) {
        _ if report.run.failure.is_some() => "the run failed",
        outcome => outcome.and_then(Outcome::reason).unwrap_or("the run failed"),
    }
}

fn leaks(report: &RunReport) -> Vec<String> {
    match &report.run.teardown {
        Some(TeardownRecord::Leaked { leaks, recovery }) => {
            let told = leaks.iter().map(|leak| format!("left behind: {leak}"));
            told.chain([format!("the command that finishes the clean-up: {recovery}")]).collect()
        }
        _ => Vec::new(),
    }
}

fn distinct(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in lines {
        if !found.contains(&line) {
            found.push(line);
        }
    }
    found
}
