//! Names of things on AWS, parsed once and right from then on.

mod derived;
mod region;
mod run_id;
mod stack;

pub use derived::{ArtifactBucketName, ProjectName};
pub use region::{Profile, Region};
pub use run_id::RunId;
pub use stack::StackName;
