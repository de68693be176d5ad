//! What an execution with some chunk count would take and cost.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::{
    Measured, Model, PerChunk, Rates,
    least_squares::value,
    model::{chunk_basis, expected_maximum, number},
};
use crate::{
    chunking::{ChunkCount, ChunkSize},
    cost::gb_seconds,
};

/// How a count lies to those that the model was fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// It is one of them.
    Measured,
    /// It lies between two of them.
    Interpolated,
    /// It lies below or above all of them: what the model says there nothing has checked.
    Extrapolated,
}

/// The parts of a wall-clock, ms each; it is their sum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parts {
    /// To the end of Plan.
    pub plan_ms: f64,
    /// What the Map adds to the slowest chunk.
    pub dispatch_ms: f64,
    /// The median chunk.
    pub median_chunk_ms: f64,
    /// How much longer the slowest chunk takes.
    pub beyond_median_ms: f64,
    /// After the last chunk.
    pub assemble_ms: f64,
}

/// What the model says of a count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prediction {
    /// The count.
    pub chunks: ChunkCount,
    /// The wall-clock, ms.
    pub wall_ms: f64,
    /// The cost, USD.
    pub usd: f64,
    /// How far to trust it.
    pub standing: Standing,
    /// What the wall-clock consists of.
    pub parts: Parts,
}

impl Model {
    /// What an execution with so many chunks takes and costs.
    pub fn predict(&self, chunks: ChunkCount) -> Prediction {
        let n = number(chunks);
        let chunk = [self.chunk.startup_ms, self.chunk.per_frame_ms, self.chunk.contention_ms];
        let median_chunk_ms = value(&chunk_basis(self.frames, chunks), &chunk);
        let parts = Parts {
            plan_ms: self.plan_ms.at(chunks),
            dispatch_ms: self.dispatch_ms_per_chunk * n,
            median_chunk_ms,
            beyond_median_ms: median_chunk_ms * self.imbalance * expected_maximum(chunks),
            assemble_ms: self.assemble_ms.at(chunks),
        };
        let function = &self.function_ms;
        let function_ms = function.fixed + function.per_chunk * n + function.per_pair * n * n;
        Prediction {
            chunks,
            wall_ms: parts.sum(),
            usd: self.rates.usd(function_ms, self.requests.at(chunks), self.transitions.at(chunks)),
            standing: self.standing(chunks),
            parts,
        }
    }

    fn standing(&self, chunks: ChunkCount) -> Standing {
        if self.measured.contains(&chunks) {
            Standing::Measured
        } else if self.measured.iter().any(|known| *known < chunks) && self.measured.iter().any(|known| *known > chunks)
        {
            Standing::Interpolated
        } else {
            Standing::Extrapolated
        }
    }
}

impl PerChunk {
    fn at(&self, chunks: ChunkCount) -> f64 {
        self.fixed + self.per_chunk * number(chunks)
    }
}

impl Parts {
    fn sum(&self) -> f64 {
        self.plan_ms + self.dispatch_ms + self.median_chunk_ms + self.beyond_median_ms + self.assemble_ms
    }
}

impl Rates {
    fn usd(&self, function_ms: f64, requests: f64, transitions: f64) -> f64 {
        self.prices.usd(gb_seconds(self.memory_mb, function_ms), requests, transitions)
    }

    /// What an execution at a measured count cost, USD.
    pub fn measured_usd(&self, at: &Measured) -> f64 {
        self.usd(at.function_ms, at.requests, at.transitions)
    }
}

/// The counts that a plan can make of so many frames, ascending. It is told a chunk size,
/// ceil(frames / count), and that may make fewer chunks than the count.
pub fn candidates(frames: NonZeroU64) -> impl Iterator<Item = ChunkCount> {
    let frames = frames.get();
    (1..=256).filter_map(|count| ChunkCount::new(count).ok()).filter(move |count| {
        ChunkSize::for_count(frames, *count).is_ok_and(|size| size.chunks_of(frames) == u64::from(count.get()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cost::Prices;

    fn counts(frames: u64) -> Vec<u16> {
        candidates(NonZeroU64::new(frames).unwrap()).map(ChunkCount::get).collect()
    }

    #[test]
    fn only_counts_that_a_plan_can_make_are_candidates() {
        assert_eq!(counts(10), [1, 2, 3, 4, 5, 10]);
        assert_eq!(counts(1), [1]);
        // A chunk has 3600 frames at most.
        assert_eq!(counts(7201)[..2], [3, 4]);
        assert_eq!(counts(3600 * 256), [256]);
        assert_eq!(counts(3600 * 256 + 1), [0; 0]);
    }

    #[test]
    fn the_cost_is_the_one_of_a_timeline() {
        let rates = Rates { memory_mb: 10_240, prices: Prices::default() };
        let expected = 40.0 * 0.000_016_666_7 + 2.0 * 0.000_000_2 + 8.0 * 0.000_025;
        assert!((rates.usd(4000.0, 2.0, 8.0) - expected).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn whatever_size_a_plan_is_told_its_count_is_a_candidate(frames in 1u64..100_000, size in 1u64..=3600) {
            let made = frames.div_ceil(size);
            prop_assert!(made > 256 || counts(frames).contains(&(made as u16)));
        }
    }
}
