//! Release gates for HyperFrames distributed rendering on AWS Lambda.
//!
//! The decisions (a history's meaning, PSNR, the verdict, ownership) are pure
//! functions over plain types in `measure`, `history`, `plan`, `names` and parts
//! of `teardown` and `journal`. Effects are at the edge: `aws`, `process`, `sam`,
//! `media`, `toolbox`, `embedded`. `smoke`, `eval` and `teardown` put them
//! together; docs/architecture.md has the whole picture.

pub mod artifacts;
pub mod aws;
pub mod backoff;
pub mod baseline;
pub mod benchmark;
pub mod budget;
pub mod chunking;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod compare;
pub mod connect;
pub mod console;
pub mod cost;
pub mod doctor;
pub mod embedded;
pub mod env;
pub mod eval;
pub mod exclusive;
pub mod exit;
pub mod fixture;
pub mod frames;
pub mod git;
pub mod handler;
pub mod hash;
pub mod history;
pub mod in_process;
pub mod journal;
pub mod lambda_report;
pub mod measure;
pub mod media;
pub mod names;
pub mod original;
pub mod plan;
pub mod policy;
pub mod preflight;
pub mod process;
pub mod publish;
pub mod repo;
pub mod report;
mod run;
pub mod sam;
pub mod scaling;
pub mod session;
pub mod side_by_side;
pub mod signals;
pub mod smoke;
pub mod staging;
pub mod statistics;
pub mod story;
pub mod teardown;
pub mod template;
pub mod toolbox;
pub mod wording;
