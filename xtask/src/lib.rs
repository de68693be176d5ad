//! Release gates for HyperFrames distributed rendering on AWS Lambda.
pub mod aws;
pub mod backoff;
pub mod exit;
pub mod fixture;
pub mod history;
pub mod measure;
pub mod names;
pub mod plan;
pub mod process;
pub mod repo;
