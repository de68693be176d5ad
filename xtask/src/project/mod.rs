//! What lies in the repository: fixtures, baselines, the template, and the plan and names that follow from them.

pub mod baseline;
pub mod execution;
pub mod fixture;
pub mod names;
pub mod plan;
pub mod repo;
pub mod template;
