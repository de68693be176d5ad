//! From options and fixture to the renders of a run. Pure.

mod chunks;
mod concurrency;
mod execution;
mod extent;
mod renders;

pub use chunks::{ChunkCount, ChunkCounts, ChunkSize};
pub use concurrency::Concurrency;
pub use execution::{ExecutionInput, eval_execution_name, execution_name};
pub use extent::Extent;
pub use renders::{
    PlanProtocol, PlanProtocols, PlannedRender, RenderId, RenderSettings, Sizing, planned_renders, render_ids,
};
