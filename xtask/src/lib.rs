//! Release gates for HyperFrames distributed rendering on AWS Lambda.
//!
//! What decides is in two crates of its own, which know nothing of this one: `render-verdict` (two videos in,
//! findings out) and `execution-history` (events in; times, cost and the meaning of a failure out). This crate
//! does the work around them: `smoke` and `eval` read from top to bottom, on what `run` has in common.
//! docs/architecture.md has the whole picture.
//!
//! A module is public only if tests or benchmarks call it.

pub mod aws;
mod cli;
mod commands;
pub mod console;
mod context;
mod eval;
mod exit;
pub mod local;
pub mod project;
pub mod report;
pub mod run;
mod smoke;
mod teardown;
pub mod tools;

pub use commands::main;
