//! What an execution with some chunk count would take and cost.

use std::num::NonZeroU64;

use execution_history::{
    chunking::{ChunkCount, ChunkSize},
    cost::gb_seconds,
};
use serde::{Deserialize, Serialize};

use crate::eval::scaling::{
    Measured, Sweep,
    model::{Model, PerChunk, Rates, chunk_basis, expected_maximum, number, value},
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

// How far off the model is where it was measured.

/// A prediction beside what was measured at that count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PredictionError {
    /// The count.
    pub chunks: ChunkCount,
    /// Predicted beyond the measured median wall-clock, % of that.
    pub wall_percent: f64,
    /// Predicted beyond the measured cost, % of that; 0 when it cost nothing.
    pub usd_percent: f64,
}

impl PredictionError {
    fn of(model: &Model, measured: &Measured) -> Self {
        let predicted = model.predict(measured.chunks);
        Self {
            chunks: measured.chunks,
            wall_percent: percent(predicted.wall_ms, measured.wall_ms),
            usd_percent: percent(predicted.usd, model.rates.measured_usd(measured)),
        }
    }
}

/// The errors at the counts that the model was fitted to, ascending.
pub fn residuals(model: &Model, sweep: &Sweep) -> Vec<PredictionError> {
    sweep.counts().iter().map(|measured| PredictionError::of(model, measured)).collect()
}

/// The errors of leave-one-out cross-validation (Stone 1974), ascending: each count is
/// predicted by a model fitted to the others. Empty of fewer than 3 counts, as a model
/// takes two. Leaving out the first or last makes the others extrapolate.
pub fn left_out(sweep: &Sweep, rates: &Rates) -> Vec<PredictionError> {
    let error = |measured: &Measured| {
        let model = Model::fit(&sweep.without(measured.chunks), rates).ok()?;
        Some(PredictionError::of(&model, measured))
    };
    sweep.counts().iter().filter_map(error).collect()
}

/// The error of the wall-clock that is farthest from 0; `None` of none.
pub fn worst(errors: &[PredictionError]) -> Option<PredictionError> {
    errors.iter().copied().max_by(|a, b| a.wall_percent.abs().total_cmp(&b.wall_percent.abs()))
}

fn percent(predicted: f64, measured: f64) -> f64 {
    if measured > 0.0 { (predicted - measured) / measured * 100.0 } else { 0.0 }
}

// Which chunk count to take.

/// Up to which error of the wall-clock at a count left out the model may recommend counts
/// that were not measured, %. Choices are told apart at 10 % ([`WITHIN_OF_FASTEST`]); a count
/// left out may be off by half as much again, as without the first or last one the others
/// extrapolate, and have one count fewer. Errors of the cost are reported, not limited.
pub const TRUSTED_UP_TO_PERCENT: f64 = 15.0;

/// How much longer than the fastest the cheapest may take, as a share of it.
pub const WITHIN_OF_FASTEST: f64 = 0.10;

/// Why only measured counts are recommended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Distrust {
    /// Fewer than 3 counts: none can be left out to check the model.
    TooFewCounts,
    /// The model is this far off at a count that it has not seen.
    Error(PredictionError),
    /// A plan can make none of the counts, of so many frames.
    NoCandidates,
}

/// What was chosen from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Among {
    /// All counts that a plan can make, by their predictions.
    Predictions {
        /// The worst error at a count left out.
        worst: PredictionError,
    },
    /// The measured counts, by their medians.
    Measured(Distrust),
}

/// A chunk count, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The count.
    pub chunks: ChunkCount,
    /// The wall-clock: predicted among predictions, else the measured median, ms.
    pub wall_ms: f64,
    /// The cost, likewise, USD.
    pub usd: f64,
    /// How it lies to the measured counts.
    pub standing: Standing,
}

/// The counts to take, one for the impatient and one for the thrifty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recommendation {
    /// What was chosen from, and why.
    pub among: Among,
    /// The fastest; of equals the one of fewer chunks.
    pub fastest: Choice,
    /// The cheapest that takes at most 10 % longer.
    pub cheapest_near_fastest: Choice,
}

impl Recommendation {
    /// Chooses among predictions when the model is off by no more than
    /// [`TRUSTED_UP_TO_PERCENT`] at every count left out. `None` of an empty sweep.
    pub fn of(model: &Model, sweep: &Sweep, left_out: &[PredictionError]) -> Option<Self> {
        let predicted: Vec<Choice> = candidates(sweep.frames()).map(|chunks| predicted(model, chunks)).collect();
        match worst(left_out) {
            None => Self::among_measured(model, sweep, Distrust::TooFewCounts),
            Some(worst) if worst.wall_percent.abs() > TRUSTED_UP_TO_PERCENT => {
                Self::among_measured(model, sweep, Distrust::Error(worst))
            }
            Some(_) if predicted.is_empty() => Self::among_measured(model, sweep, Distrust::NoCandidates),
            Some(worst) => Self::choose(Among::Predictions { worst }, &predicted),
        }
    }

    fn among_measured(model: &Model, sweep: &Sweep, why: Distrust) -> Option<Self> {
        let measured = sweep.counts().iter().map(|at| Choice {
            chunks: at.chunks,
            wall_ms: at.wall_ms,
            usd: model.rates.measured_usd(at),
            standing: Standing::Measured,
        });
        Self::choose(Among::Measured(why), &measured.collect::<Vec<Choice>>())
    }

    fn choose(among: Among, choices: &[Choice]) -> Option<Self> {
        let least = |by: fn(&Choice) -> f64, within_ms: f64| {
            let near = choices.iter().filter(|choice| choice.wall_ms <= within_ms);
            near.min_by(|a, b| by(a).total_cmp(&by(b))).copied()
        };
        let fastest = least(|choice| choice.wall_ms, f64::INFINITY)?;
        let cheapest_near_fastest = least(|choice| choice.usd, fastest.wall_ms * (1.0 + WITHIN_OF_FASTEST))?;
        Some(Self { among, fastest, cheapest_near_fastest })
    }
}

fn predicted(model: &Model, chunks: ChunkCount) -> Choice {
    let prediction = model.predict(chunks);
    Choice { chunks, wall_ms: prediction.wall_ms, usd: prediction.usd, standing: prediction.standing }
}

#[cfg(test)]
mod tests {
    use execution_history::cost::Prices;
    use proptest::prelude::*;

    use super::*;

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
