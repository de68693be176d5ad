//! Synthetic executions with known parameters, for tests.

use std::num::NonZeroU64;

use execution_history::{chunking::ChunkCount, cost::Prices};

use crate::eval::{
    scaling::{model::Rates, observation::Observation},
    statistics::bootstrap::SplitMix64,
};

/// The parameters of the executions, ms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Truth {
    pub(crate) frames: u64,
    pub(crate) plan: (f64, f64),
    pub(crate) startup: f64,
    pub(crate) per_frame: f64,
    pub(crate) contention: f64,
    pub(crate) imbalance: f64,
    pub(crate) dispatch: f64,
    pub(crate) assemble: (f64, f64),
    /// Cores that all chunks share; `None` when each chunk has its own.
    pub(crate) cores: Option<f64>,
}

/// One machine per chunk.
pub(crate) const AWS: Truth = Truth {
    frames: 900,
    plan: (2000.0, 10.0),
    startup: 6000.0,
    per_frame: 30.0,
    contention: 0.0,
    imbalance: 0.05,
    dispatch: 20.0,
    assemble: (1500.0, 40.0),
    cores: None,
};

/// One machine for all chunks: each additional chunk slows down all of them.
pub(crate) const CONTENDED: Truth =
    Truth { frames: 60, startup: 2000.0, per_frame: 40.0, contention: 900.0, imbalance: 0.02, ..AWS };

/// Two cores that all chunks share evenly, which the model does not describe.
pub(crate) const TWO_CORES: Truth =
    Truth { frames: 60, startup: 1500.0, per_frame: 40.0, contention: 0.0, cores: Some(2.0), ..AWS };

pub(crate) fn rates() -> Rates {
    Rates { memory_mb: 10_240, prices: Prices::default() }
}

/// An execution without noise.
pub(crate) fn sampled(truth: &Truth, chunks: u16) -> Observation {
    noisy(truth, chunks, 0.0, &mut SplitMix64::new(0))
}

/// Three executions at each count; each part is off by up to `noise`.
pub(crate) fn sweep(truth: &Truth, counts: &[u16], noise: f64, seed: u64) -> Vec<Observation> {
    let mut random = SplitMix64::new(seed);
    let three = counts.iter().flat_map(|count| [*count; 3]);
    three.map(|count| noisy(truth, count, noise, &mut random)).collect()
}

fn noisy(truth: &Truth, chunks: u16, noise: f64, random: &mut SplitMix64) -> Observation {
    let n = f64::from(chunks);
    let mut off = |exact: f64| exact * (1.0 + noise * (random.below(2_000_001) as f64 / 1e6 - 1.0));
    let alone = truth.startup + truth.per_frame * truth.frames.div_ceil(u64::from(chunks)) as f64;
    let shared = truth.cores.map_or(1.0, |cores| (n / cores).max(1.0));
    let median = off(alone * shared + truth.contention * n);
    let slowest = median + off(median * truth.imbalance * (2.0 * n.ln()).sqrt());
    let (plan, assemble) = (off(truth.plan.0 + truth.plan.1 * n), off(truth.assemble.0 + truth.assemble.1 * n));
    let chunks_ms = slowest + off(truth.dispatch * n);
    let whole = |ms: f64| ms.round() as u64;
    Observation {
        chunks: ChunkCount::new(chunks).unwrap(),
        frames: NonZeroU64::new(truth.frames).unwrap(),
        wall_ms: whole(plan) + whole(chunks_ms) + whole(assemble),
        plan_ms: whole(plan),
        chunks_ms: whole(chunks_ms),
        slowest_chunk_ms: whole(slowest),
        median_chunk_ms: median,
        assemble_ms: whole(assemble),
        function_ms: whole(plan + median * n + assemble),
        requests: u64::from(chunks) + 2,
        transitions: 2 * u64::from(chunks) + 6,
        cold: false,
    }
}
