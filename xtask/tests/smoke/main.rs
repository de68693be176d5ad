//! `lambda-smoke` from its command line to its exit code, with fake tools and a fake AWS.

#![allow(clippy::disallowed_methods, reason = "a test starts programs by itself")]
#![expect(clippy::unwrap_used, reason = "a test whose world can't be made fails")]

mod artifacts;
mod build;
mod compare;
mod deploy;
mod exact;
mod expected;
mod failures;
mod faults;
mod fixtures;
mod green;
mod identities;
mod jobs;
mod journals;
mod lambda_report;
mod leaks;
mod parameters;
mod preflight;
mod protocols;
mod records;
mod reference;
mod renders;
mod reports;
mod reuse;
mod sequences;
mod several;
mod signals;
mod spending;
#[path = "../support/mod.rs"]
mod support;
mod targets;
mod terminal;
mod verbosity;
mod verdicts;
