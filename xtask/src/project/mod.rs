//! The content of the repository (fixtures, baselines, the template) and the plan and the names that follow from it.

pub mod baseline;
pub(crate) mod execution;
pub mod fixture;
pub mod names;
pub(crate) mod plan;
pub mod repo;
pub(crate) mod revision;
pub mod template;
