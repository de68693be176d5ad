//! Predictions of time and cost for any chunk count, their errors, and recommendations.

use std::num::NonZeroU64;

use execution_history::{
    chunking::{ChunkCount, ChunkSize},
    cost::FunctionSize,
};
use serde::{Deserialize, Serialize};

use crate::eval::scaling::{
    Measured, Sweep,
    model::{Model, PerChunk, Rates, chunk_basis, expected_maximum, number, value},
};

/// The position of a count relative to those that the model was fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// It is one of them.
    Measured,
    /// It lies between two of them.
    Interpolated,
    /// It lies below or above all of them, where no measurement confirms the model.
    Extrapolated,
}

/// The parts of a wall-clock, which is their sum, ms each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parts {
    /// Until the end of Plan.
    pub plan_ms: f64,
    /// The overhead of the Map beyond the slowest chunk.
    pub dispatch_ms: f64,
    pub median_chunk_ms: f64,
    /// How much longer the slowest chunk takes.
    pub beyond_median_ms: f64,
    /// After the last chunk.
    pub assemble_ms: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prediction {
    pub chunks: ChunkCount,
    pub wall_ms: f64,
    /// Between which wall-clocks the true median most likely is, ms; `None` where the model was not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likely_ms: Option<[f64; 2]>,
    pub usd: f64,
    /// Whether the count was measured, or how it lies to the measured ones.
    pub standing: Standing,
    pub parts: Parts,
}

impl Model {
    /// Predicts the time and cost of an execution with this many chunks.
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
            likely_ms: None,
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

impl Prediction {
    /// The same with the range that the errors at left-out counts allow.
    ///
    /// A model without a count is off by as much as the worst of them, and one that is asked about counts beyond the
    /// measured ones by as much again for each doubling.
    #[must_use]
    pub fn within(mut self, left_out: &[PredictionError]) -> Self {
        let counts = || left_out.iter().map(|error| number(error.chunks));
        let (least, most) = (counts().fold(f64::INFINITY, f64::min), counts().fold(0.0, f64::max));
        let beyond = (number(self.chunks) / most).max(least / number(self.chunks)).max(1.0).log2();
        self.likely_ms = worst(left_out).map(|worst| {
            let off = self.wall_ms * worst.wall_percent.abs() / 100.0 * (1.0 + beyond);
            [(self.wall_ms - off).max(0.0), self.wall_ms + off]
        });
        self
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
        let size = FunctionSize { memory_mb: self.memory_mb, ..FunctionSize::LARGEST };
        size.usd(function_ms, &self.prices) + self.prices.of_calls(requests, transitions)
    }

    /// The cost of an execution at a measured count, USD.
    pub fn measured_usd(&self, at: &Measured) -> f64 {
        self.usd(at.function_ms, at.requests, at.transitions)
    }
}

/// The counts that a plan can have for this many frames, ascending. A plan is given a chunk size,
/// ceil(frames / count), which may result in fewer chunks than the count.
pub fn candidates(frames: NonZeroU64) -> impl Iterator<Item = ChunkCount> {
    let frames = frames.get();
    (1..=256).filter_map(|count| ChunkCount::new(count).ok()).filter(move |count| {
        ChunkSize::for_count(frames, *count).is_ok_and(|size| size.chunks_of(frames) == u64::from(count.get()))
    })
}

/// How many iterations of an inline Map run at once, at most; the others wait (AWS, "Quotas related to state machine
/// executions").
pub const AT_ONCE: u16 = 40;

impl Model {
    /// The counts that a plan can have and that the model holds for, ascending.
    pub fn candidates(&self) -> impl Iterator<Item = ChunkCount> {
        let most = self.measured.iter().map(|chunks| chunks.get()).fold(AT_ONCE, u16::max);
        candidates(self.frames).filter(move |chunks| chunks.get() <= most)
    }
}

/// The error of a prediction at a measured count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PredictionError {
    pub chunks: ChunkCount,
    /// By how much the prediction exceeds the measured median wall-clock, % of the latter.
    pub wall_percent: f64,
    /// By how much the prediction exceeds the measured cost, % of the latter; 0 when that is 0.
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
    sweep.counts.iter().map(|measured| PredictionError::of(model, measured)).collect()
}

/// The errors of leave-one-out cross-validation (Stone 1974), ascending: each count is predicted
/// by a model fitted to the others. Empty with fewer than 3 counts, because a model needs two.
/// Without the first or last count the model has to extrapolate.
pub fn left_out(sweep: &Sweep, rates: &Rates) -> Vec<PredictionError> {
    let error = |measured: &Measured| {
        let model = Model::fit(&sweep.without(measured.chunks), rates).ok()?;
        Some(PredictionError::of(&model, measured))
    };
    sweep.counts.iter().filter_map(error).collect()
}

/// The largest error of the wall-clock, of either sign; `None` without errors.
pub fn worst(errors: &[PredictionError]) -> Option<PredictionError> {
    errors.iter().copied().max_by(|a, b| a.wall_percent.abs().total_cmp(&b.wall_percent.abs()))
}

fn percent(predicted: f64, measured: f64) -> f64 {
    if measured > 0.0 { (predicted - measured) / measured * 100.0 } else { 0.0 }
}

/// The largest error of the wall-clock at a left-out count with which the model may recommend
/// counts that were not measured, %. Choices differ by 10 % ([`WITHIN_OF_FASTEST`]); the error may
/// be half as much again, because a model without the first or last count has to extrapolate and
/// has one count less. Errors of the cost are reported, but not limited.
pub const TRUSTED_UP_TO_PERCENT: f64 = 15.0;

/// How much longer the cheapest choice may take than the fastest, as a share of the fastest.
pub const WITHIN_OF_FASTEST: f64 = 0.10;

/// Why only measured counts are recommended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Distrust {
    /// Fewer than 3 counts: none can be left out to check the model.
    TooFewCounts,
    /// The chunks of an emulator share one machine.
    Emulator,
    /// The model has this error at a count that was left out.
    Error(PredictionError),
    /// A plan for this many frames can have none of the counts.
    NoCandidates,
}

/// The counts that a recommendation was chosen from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Among {
    /// All counts that a plan can have, by their predictions.
    Predictions {
        /// The worst error at a count that was left out.
        worst: PredictionError,
    },
    /// The measured counts, by their medians.
    Measured(Distrust),
}

/// A recommended chunk count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    pub chunks: ChunkCount,
    /// The wall-clock, ms: predicted, or the measured median if chosen among measured counts.
    pub wall_ms: f64,
    /// The cost, USD: predicted, or measured if chosen among measured counts.
    pub usd: f64,
    /// Its position relative to the measured counts.
    pub standing: Standing,
}

/// The recommended counts: the fastest, and the cheapest of those that are nearly as fast.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recommendation {
    /// What the counts were chosen from, and why.
    pub among: Among,
    /// The fastest; among equals the one with fewer chunks.
    pub fastest: Choice,
    /// The cheapest that takes at most 10 % longer.
    pub cheapest_near_fastest: Choice,
}

impl Recommendation {
    /// Chooses among predictions when no error at a left-out count exceeds
    /// [`TRUSTED_UP_TO_PERCENT`]. `None` for an empty sweep.
    pub fn of(model: &Model, sweep: &Sweep, left_out: &[PredictionError], emulated: bool) -> Option<Self> {
        let predicted: Vec<Choice> = model.candidates().map(|chunks| predicted(model, chunks)).collect();
        match worst(left_out) {
            _ if emulated => Self::among_measured(model, sweep, Distrust::Emulator),
            None => Self::among_measured(model, sweep, Distrust::TooFewCounts),
            Some(worst) if worst.wall_percent.abs() > TRUSTED_UP_TO_PERCENT => {
                Self::among_measured(model, sweep, Distrust::Error(worst))
            }
            Some(_) if predicted.is_empty() => Self::among_measured(model, sweep, Distrust::NoCandidates),
            Some(worst) => Self::choose(Among::Predictions { worst }, &predicted),
        }
    }

    /// Whether a prediction for this count means anything: without a checked model, only between measured counts.
    pub fn covers(&self, model: &Model, chunks: ChunkCount) -> bool {
        let is_unchecked = matches!(self.among, Among::Measured(Distrust::TooFewCounts | Distrust::Emulator));
        !is_unchecked || model.standing(chunks) != Standing::Extrapolated
    }

    fn among_measured(model: &Model, sweep: &Sweep, why: Distrust) -> Option<Self> {
        let measured = sweep.counts.iter().map(|at| Choice {
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
    fn only_counts_that_a_plan_can_have_are_candidates() {
        assert_eq!(counts(10), [1, 2, 3, 4, 5, 10]);
        assert_eq!(counts(1), [1]);
        // A chunk has 3600 frames at most.
        assert_eq!(counts(7201)[..2], [3, 4]);
        assert_eq!(counts(3600 * 256), [256]);
        assert_eq!(counts(3600 * 256 + 1), [0; 0]);
    }

    #[test]
    fn the_cost_is_calculated_as_for_a_timeline() {
        let rates = Rates { memory_mb: 10_240, prices: Prices::default() };
        let expected = 40.0 * 0.000_016_666_7 + 2.0 * 0.000_000_2 + 8.0 * 0.000_025;
        assert!((rates.usd(4000.0, 2.0, 8.0) - expected).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn the_count_of_any_chunk_size_is_a_candidate(frames in 1u64..100_000, size in 1u64..=3600) {
            let made = frames.div_ceil(size);
            prop_assert!(made > 256 || counts(frames).contains(&(made as u16)));
        }
    }
}
