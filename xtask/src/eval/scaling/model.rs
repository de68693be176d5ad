//! The model: each part of an execution as a function of the chunk count.

use std::num::NonZeroU64;

use execution_history::{chunking::ChunkCount, cost::Prices};
use serde::{Deserialize, Serialize};

use crate::eval::scaling::{Measured, Sweep, Unfit};

/// The rates that turn run time into USD.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rates {
    pub memory_mb: u64,
    pub prices: Prices,
}

/// `fixed + per_chunk * chunks`, neither below 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PerChunk {
    /// The part that does not depend on the count.
    pub fixed: f64,
    /// The part that each chunk adds.
    pub per_chunk: f64,
}

/// `fixed + per_chunk * chunks + per_pair * chunks^2`, none below 0: chunks that slow each other
/// down take time in proportion to the number of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quadratic {
    /// The part that does not depend on the count, including all frames, ms.
    pub fixed: f64,
    /// The part that each chunk adds, including its start-up, ms.
    pub per_chunk: f64,
    /// The part that each chunk adds to each other chunk, ms.
    pub per_pair: f64,
}

/// The median chunk: `startup + per_frame * ceil(frames / chunks) + contention * chunks`, ms each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChunkTime {
    /// The time of a chunk before and after its frames.
    pub startup_ms: f64,
    pub per_frame_ms: f64,
    /// By how much each chunk slows down all chunks: about 0 on AWS, where each has its own machine;
    /// much on an emulator with few cores.
    pub contention_ms: f64,
}

/// All parts, fitted to a sweep. No coefficient is below 0.
///
/// Every part of the wall-clock is fitted in ms relative to the wall-clock of its count, so that
/// an error counts as its share of the whole, and a part that takes no time at some count has no
/// more weight than the others. The run time of all calls, which only affects the cost, is fitted
/// relative to itself, like calls and transitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    pub frames: NonZeroU64,
    /// Until the end of Plan, ms.
    pub plan_ms: PerChunk,
    pub chunk: ChunkTime,
    /// The slowest chunk takes `1 + imbalance * sqrt(2 ln chunks)` times the median one.
    ///
    /// The maximum of that many equal normal variables tends to this; the imbalance is their
    /// standard deviation divided by their mean (David and Nagaraja, Order Statistics, 2003,
    /// section 10.5; an upper limit of its mean at any count: Boucheron, Lugosi and Massart,
    /// Concentration Inequalities, 2013, theorem 2.5).
    pub imbalance: f64,
    /// The overhead of the Map beyond the slowest chunk, ms per chunk.
    pub dispatch_ms_per_chunk: f64,
    /// After the last chunk, ms.
    pub assemble_ms: PerChunk,
    /// The run time of all calls, ms.
    pub function_ms: Quadratic,
    /// Calls of the function.
    pub requests: PerChunk,
    pub transitions: PerChunk,
    pub rates: Rates,
    /// The counts that the model is fitted to, ascending.
    pub measured: Vec<ChunkCount>,
}

impl Model {
    /// Fits the model to a sweep of at least two counts. With two counts no part has more than two
    /// coefficients above 0, because more could not be distinguished.
    ///
    /// # Errors
    /// With fewer than two counts.
    pub fn fit(sweep: &Sweep, rates: &Rates) -> Result<Self, Unfit> {
        match sweep.counts.as_slice() {
            [] => return Err(Unfit::NothingMeasured),
            [only] => return Err(Unfit::OneCount(only.chunks)),
            [..] => {}
        }
        let frames = sweep.frames;
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
            measured: sweep.counts.iter().map(|at| at.chunks).collect(),
        })
    }
}

fn fitted<const P: usize>(sweep: &Sweep, row: impl Fn(&Measured) -> Row<P>) -> [f64; P] {
    nonnegative(&sweep.counts.iter().map(row).collect::<Vec<Row<P>>>())
}

fn per_chunk_fit(sweep: &Sweep, target_and_scale: fn(&Measured) -> (f64, f64)) -> PerChunk {
    let row = |at: &Measured| {
        let (target, scale) = target_and_scale(at);
        Row { basis: [1.0, number(at.chunks)], target, scale }
    };
    let [fixed, per_chunk] = fitted(sweep, row);
    PerChunk { fixed, per_chunk }
}

pub(crate) fn chunk_basis(frames: NonZeroU64, chunks: ChunkCount) -> [f64; 3] {
    let most_frames = frames.get().div_ceil(u64::from(chunks.get()));
    [1.0, most_frames as f64, number(chunks)]
}

/// The approximate maximum of that many standard normal variables: sqrt(2 ln chunks).
pub(crate) fn expected_maximum(chunks: ChunkCount) -> f64 {
    (2.0 * number(chunks).ln()).sqrt()
}

pub(crate) fn number(chunks: ChunkCount) -> f64 {
    f64::from(chunks.get())
}

// Least squares with coefficients that are not negative.

/// One equation: `basis` times the coefficients should be `target`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<const P: usize> {
    /// The value of each basis function.
    pub(crate) basis: [f64; P],
    pub(crate) target: f64,
    /// The divisor of a residual before it is squared, above 0: `target` makes it relative.
    pub(crate) scale: f64,
}

/// The coefficients of at least 0 with the lowest sum of squares.
///
/// Exact, because it tries every set of coefficients that may be above 0 (Lawson and Hanson,
/// Solving Least Squares Problems, 1974, chapter 23: the solution is the ordinary least squares
/// fit of one of them). Among equally good sets the smallest wins, then the one with the earlier
/// functions, so that fewer equations than functions have a solution too.
pub(crate) fn nonnegative<const P: usize>(rows: &[Row<P>]) -> [f64; P] {
    let mut sets: Vec<Vec<usize>> =
        (0..1_u32 << P).map(|bits| (0..P).filter(|i| bits >> i & 1 == 1).collect()).collect();
    sets.sort_by_key(Vec::len);
    let noise = 1e-18 * squares(rows, &[0.0; P]);
    let mut best = ([0.0; P], squares(rows, &[0.0; P]));
    for fitted in sets.iter().filter_map(|set| plain(rows, set)) {
        let error = squares(rows, &fitted);
        if fitted.iter().all(|coefficient| *coefficient >= 0.0) && error < best.1 - noise {
            best = (fitted, error);
        }
    }
    best.0
}

/// The sum of the squared residuals, each divided by its scale.
pub(crate) fn squares<const P: usize>(rows: &[Row<P>], coefficients: &[f64; P]) -> f64 {
    rows.iter().map(|row| ((value(&row.basis, coefficients) - row.target) / row.scale).powi(2)).sum()
}

/// The sum of the basis functions' values times the coefficients.
pub(crate) fn value<const P: usize>(basis: &[f64; P], coefficients: &[f64; P]) -> f64 {
    basis.iter().zip(coefficients).map(|(basis, coefficient)| basis * coefficient).sum()
}

/// The least squares fit of the basis functions in `set`, with 0 for the other coefficients, by
/// modified Gram-Schmidt on the columns and the right side (Björck 1967). `None` when these
/// functions are not independent on these rows.
fn plain<const P: usize>(rows: &[Row<P>], set: &[usize]) -> Option<[f64; P]> {
    let column = |i: usize| rows.iter().map(|row| row.basis[i] / row.scale).collect::<Vec<f64>>();
    let mut columns: Vec<Vec<f64>> = set.iter().map(|&i| column(i)).collect();
    columns.push(rows.iter().map(|row| row.target / row.scale).collect());
    let lengths: Vec<f64> = columns.iter().map(|column| length(column)).collect();
    let mut triangle = vec![vec![0.0; columns.len()]; set.len()];
    for i in 0..set.len() {
        let left = length(&columns[i]);
        if left <= 1e-9 * lengths[i] {
            return None;
        }
        let direction: Vec<f64> = columns[i].iter().map(|x| x / left).collect();
        triangle[i][i] = left;
        for j in i + 1..columns.len() {
            triangle[i][j] = dot(&direction, &columns[j]);
            for (x, along) in columns[j].iter_mut().zip(&direction) {
                *x -= triangle[i][j] * along;
            }
        }
    }
    let mut coefficients = [0.0; P];
    for i in (0..set.len()).rev() {
        let known: f64 = (i + 1..set.len()).map(|j| triangle[i][j] * coefficients[set[j]]).sum();
        coefficients[set[i]] = (triangle[i][set.len()] - known) / triangle[i][i];
    }
    Some(coefficients)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
#[path = "least_squares_tests.rs"]
mod least_squares_tests;

#[cfg(test)]
#[path = "model_tests.rs"]
mod model_tests;
