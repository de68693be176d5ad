//! From options and fixture to the renders of a run. Pure.

mod concurrency;
mod execution;
mod extent;
mod renders;

pub use concurrency::Concurrency;
pub use execution::{ExecutionInput, eval_execution_name, execution_name};
pub use extent::Extent;
pub use renders::{PlannedRender, RenderSettings, Sizing, planned_renders};
