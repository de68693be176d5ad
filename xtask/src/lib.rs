//! Release gates for HyperFrames distributed rendering on AWS Lambda.
//!
//! What decides is in two crates of its own, which know nothing of this one: `render-verdict` (two videos in,
//! findings out) and `execution-history` (events in; times, cost and the meaning of a failure out). This crate
//! does the work around them: `smoke` and `eval` read from top to bottom, on what `run` has in common.
//! docs/architecture.md has the whole picture.

pub mod aws;
pub mod cli;
pub mod commands;
pub mod console;
pub mod context;
pub mod eval;
pub mod exit;
pub mod local;
pub mod project;
pub mod report;
pub mod run;
pub mod smoke;
pub mod teardown;
pub mod tools;
