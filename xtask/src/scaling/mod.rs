//! How wall-clock and cost depend on the number of chunks. Pure.
//!
//! A sweep measures a composition at a few counts. A model of the parts of an
//! execution, fitted to it, predicts the others, says how far off it would have been at
//! each measured count without having seen it, and recommends a count.
//!
//! The parts follow the workflow: Plan, the slowest chunk, what the Map adds, Assemble.
//! The Map starts all chunks at once (its `MaxConcurrency` is the chunk count), so the
//! chunks take what the slowest takes.

mod least_squares;
mod model;
mod observation;
mod predict;
mod prediction_error;
mod recommend;
mod report;
mod sweep;
#[cfg(test)]
mod synthetic;
mod text;

pub use model::{ChunkTime, Model, PerChunk, Quadratic, Rates};
pub use observation::Observation;
pub use predict::{Parts, Prediction, Standing, candidates};
pub use prediction_error::{PredictionError, left_out, residuals, worst};
pub use recommend::{Among, Choice, Distrust, Recommendation, TRUSTED_UP_TO_PERCENT, WITHIN_OF_FASTEST};
pub use report::Scaling;
pub use sweep::{Measured, Sweep, Unfit};
