//! Execution histories: the JSON that the AWS CLI prints, and what it tells. Pure.

mod cli_shape;
mod failure;
mod hardly_fits;
mod meaning;
mod progress;
mod rendered;
mod tail;
mod time_spent;
mod timeline;

pub use cli_shape::{cli_events, cli_timestamp, is_complete};
pub use failure::{Failed, failed};
pub use hardly_fits::hardly_fits;
pub use meaning::{Meaning, meaning};
pub use progress::{Pace, Progress, left_ms, progress};
pub use rendered::{ChunkFacts, PlanFacts, Rendered, rendered};
pub use tail::Tail;
pub use time_spent::{COLD_START_MS, TimeSpent};
pub use timeline::{Attempt, Step, Timeline, timeline};
