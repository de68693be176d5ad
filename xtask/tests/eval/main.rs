//! `lambda-eval` from its command line to its exit code, with fake tools and a fake AWS.

#![allow(clippy::disallowed_methods, reason = "a test starts programs by itself")]
#![expect(clippy::unwrap_used, reason = "a test whose world can't be made fails")]

mod ab;
mod chunk_sizes;
mod failures;
mod green;
mod harness;
mod jobs;
mod local_leg;
mod numbers;
mod preflight;
mod sequences;
mod starts;
#[path = "../support/mod.rs"]
mod support;
mod sweep;
