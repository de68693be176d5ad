//! How a render is split: counts and sizes of chunks, plan protocols, and which render is which. Pure.

mod counts;
mod protocol;
mod render_id;

pub use counts::{ChunkCount, ChunkCounts, ChunkSize};
pub use protocol::{PlanProtocol, PlanProtocols};
pub use render_id::{RenderId, render_ids};
