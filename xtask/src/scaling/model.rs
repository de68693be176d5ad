//! The model: each part of an execution as a function of the chunk count.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::{
    Measured, Sweep, Unfit,
    least_squares::{Row, nonnegative},
};
use crate::{chunking::ChunkCount, cost::Prices};

/// What turns run time into USD.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rates {
    /// The function's memory, MB.
    pub memory_mb: u64,
    /// What is charged for.
    pub prices: Prices,
}

/// `fixed + per_chunk * chunks`, neither below 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PerChunk {
    /// What doesn't depend on the count.
    pub fixed: f64,
    /// What each chunk adds.
    pub per_chunk: f64,
}

/// `fixed + per_chunk * chunks + per_pair * chunks^2`, none below 0: chunks that slow
/// each other down take time in proportion to their pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quadratic {
    /// What doesn't depend on the count, all frames among it, ms.
    pub fixed: f64,
    /// What each chunk adds, its start-up among it, ms.
    pub per_chunk: f64,
    /// What each chunk adds to each chunk, ms.
    pub per_pair: f64,
}

/// The median chunk: `startup + per_frame * ceil(frames / chunks) + contention * chunks`, ms each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChunkTime {
    /// What a chunk takes before and after its frames.
    pub startup_ms: f64,
    /// What a frame takes.
    pub per_frame_ms: f64,
    /// By how much each chunk slows down all: about 0 on AWS, where each has its own
    /// machine, much where few cores emulate it.
    pub contention_ms: f64,
}

/// All parts, fitted to a sweep. No coefficient is below 0.
///
/// Every part of the wall-clock is fitted in ms relative to the wall-clock of its count:
/// an error counts as the share of the whole that it is, and a part that takes no time
/// at some count weighs no more than any other. The run time of all calls, which only
/// costs, is fitted relative to itself; so are calls and transitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// The composition's frames.
    pub frames: NonZeroU64,
    /// To the end of Plan, ms.
    pub plan_ms: PerChunk,
    /// The median chunk.
    pub chunk: ChunkTime,
    /// The slowest chunk takes `1 + imbalance * sqrt(2 ln chunks)` times the median one.
    ///
    /// That is what the maximum of so many like normal variables tends to, the imbalance being
    /// their standard deviation by their mean (David and Nagaraja, Order Statistics, 2003,
    /// section 10.5; an upper limit of its mean at any count: Boucheron, Lugosi and Massart,
    /// Concentration Inequalities, 2013, theorem 2.5).
    pub imbalance: f64,
    /// What the Map adds to the slowest chunk, ms per chunk.
    pub dispatch_ms_per_chunk: f64,
    /// After the last chunk, ms.
    pub assemble_ms: PerChunk,
    /// The run time of all calls, ms.
    pub function_ms: Quadratic,
    /// Calls of the function.
    pub requests: PerChunk,
    /// State transitions.
    pub transitions: PerChunk,
    /// What it costs.
    pub rates: Rates,
    /// The counts that it is fitted to, ascending.
    pub measured: Vec<ChunkCount>,
}

impl Model {
    /// Fits it to a sweep of two counts or more. Of two counts no part has more than two
    /// coefficients above 0, as more could not be told apart.
    ///
    /// # Errors
    /// Of one count or none.
    pub fn fit(sweep: &Sweep, rates: &Rates) -> Result<Self, Unfit> {
        match sweep.counts() {
            [] => return Err(Unfit::NothingMeasured),
            [only] => return Err(Unfit::OneCount(only.chunks)),
            [..] => {}
        }
        let frames = sweep.frames();
        let [startup_ms, per_frame_ms, contention_ms] = fitted(sweep, |at| Row {
            basis: chunk_basis(frames, at.chunks),
            target: at.median_chunk_ms,
            scale: at.wall_ms,
        });
        let [imbalance] = fitted(sweep, |at| Row {
            basis: [at.median_chunk_ms * expected_maximum(at.chunks)],
            target: at.beyond_median_ms,
            scale: at.wall_ms,
        });
        let [dispatch_ms_per_chunk] =
            fitted(sweep, |at| Row { basis: [number(at.chunks)], target: at.dispatch_ms, scale: at.wall_ms });
        let [fixed, per_chunk, per_pair] = fitted(sweep, |at| {
            let n = number(at.chunks);
            Row { basis: [1.0, n, n * n], target: at.function_ms, scale: at.function_ms }
        });
        Ok(Self {
            frames,
            plan_ms: per_chunk_fit(sweep, |at| (at.plan_ms, at.wall_ms)),
            chunk: ChunkTime { startup_ms, per_frame_ms, contention_ms },
            imbalance,
            dispatch_ms_per_chunk,
            assemble_ms: per_chunk_fit(sweep, |at| (at.assemble_ms, at.wall_ms)),
            function_ms: Quadratic { fixed, per_chunk, per_pair },
            requests: per_chunk_fit(sweep, |at| (at.requests, at.requests.max(1.0))),
            transitions: per_chunk_fit(sweep, |at| (at.transitions, at.transitions.max(1.0))),
            rates: rates.clone(),
            measured: sweep.counts().iter().map(|at| at.chunks).collect(),
        })
    }
}

fn fitted<const P: usize>(sweep: &Sweep, row: impl Fn(&Measured) -> Row<P>) -> [f64; P] {
    nonnegative(&sweep.counts().iter().map(row).collect::<Vec<Row<P>>>())
}

fn per_chunk_fit(sweep: &Sweep, target_and_scale: fn(&Measured) -> (f64, f64)) -> PerChunk {
    let row = |at: &Measured| {
        let (target, scale) = target_and_scale(at);
        Row { basis: [1.0, number(at.chunks)], target, scale }
    };
    let [fixed, per_chunk] = fitted(sweep, row);
    PerChunk { fixed, per_chunk }
}

pub(super) fn chunk_basis(frames: NonZeroU64, chunks: ChunkCount) -> [f64; 3] {
    let most_frames = frames.get().div_ceil(u64::from(chunks.get()));
    [1.0, most_frames as f64, number(chunks)]
}

/// The maximum of so many standard normal variables, about: sqrt(2 ln chunks).
pub(super) fn expected_maximum(chunks: ChunkCount) -> f64 {
    (2.0 * number(chunks).ln()).sqrt()
}

pub(super) fn number(chunks: ChunkCount) -> f64 {
    f64::from(chunks.get())
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
