//! How wall-clock and cost depend on the number of chunks. Pure.
//!
//! A sweep measures a composition at a few chunk counts. A model of the parts of an execution is
//! fitted to it and predicts the other counts. For each measured count it reports how far off a
//! model without that count would be, and it recommends a count.
//!
//! The parts follow the workflow: Plan, the slowest chunk, the overhead of the Map, Assemble.
//! The Map starts all chunks at once (its `MaxConcurrency` is the chunk count), so that the
//! chunks take as long as the slowest one. An inline Map runs [`predict::AT_ONCE`] at most, and so
//! nothing is predicted above that count unless more chunks were measured.

pub mod model;
pub mod observation;
pub mod predict;
#[cfg(test)]
pub mod synthetic;
pub mod text;

use std::{collections::BTreeMap, num::NonZeroU64};

use execution_history::{chunking::ChunkCount, time_spent::median};
use serde::{Deserialize, Serialize};

use crate::eval::scaling::{
    model::{Model, Rates},
    observation::Observation,
    predict::{Prediction, PredictionError, Recommendation, left_out, residuals, worst},
};

/// A model of one composition, its errors, and its recommendation. Displayed as text for the
/// terminal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scaling {
    pub frames: NonZeroU64,
    /// The measurements by ascending count.
    pub measured: Vec<Measured>,
    pub model: Model,
    /// The errors of the model at each measured count.
    pub residuals: Vec<PredictionError>,
    pub worst_residual: PredictionError,
    /// The error at each count of a model fitted to the others; empty with two counts.
    pub left_out: Vec<PredictionError>,
    /// The worst error at a count that was left out.
    pub worst_left_out: Option<PredictionError>,
    pub recommendation: Recommendation,
    /// Predictions at the measured and recommended counts, and at the highest counts that a plan can
    /// have up to 1, 2, 4, ..., 256; ascending.
    pub predictions: Vec<Prediction>,
}

impl Scaling {
    /// Fits and checks a model, and recommends counts; an emulator's say nothing about counts that were not measured.
    ///
    /// # Errors
    /// When there can be no model, see [`Unfit`].
    pub fn of(observations: &[Observation], rates: &Rates, emulated: bool) -> Result<Self, Unfit> {
        let sweep = Sweep::new(observations)?;
        let model = Model::fit(&sweep, rates)?;
        let (residuals, left_out) = (residuals(&model, &sweep), left_out(&sweep, rates));
        let recommendation = Recommendation::of(&model, &sweep, &left_out, emulated).ok_or(Unfit::NothingMeasured)?;
        Ok(Self {
            frames: sweep.frames,
            measured: sweep.counts.clone(),
            worst_residual: worst(&residuals).ok_or(Unfit::NothingMeasured)?,
            residuals,
            worst_left_out: worst(&left_out),
            predictions: shown(&model, &recommendation).into_iter().map(|one| one.within(&left_out)).collect(),
            left_out,
            recommendation,
            model,
        })
    }
}

/// The measured and recommended counts, and the highest that a plan can have up to each power of
/// two.
fn shown(model: &Model, recommendation: &Recommendation) -> Vec<Prediction> {
    let all: Vec<ChunkCount> = model.candidates().filter(|chunks| recommendation.covers(model, *chunks)).collect();
    let up_to = |most: u16| all.iter().copied().filter(move |chunks| chunks.get() <= most).max();
    let landmarks: Vec<ChunkCount> = (0..=8).filter_map(|power| up_to(1 << power)).collect();
    let recommended = [recommendation.fastest.chunks, recommendation.cheapest_near_fastest.chunks];
    let is_shown =
        |chunks: &&_| recommended.contains(chunks) || model.measured.contains(chunks) || landmarks.contains(chunks);
    all.iter().filter(is_shown).map(|chunks| model.predict(*chunks)).collect()
}

/// Why there is no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("no execution was measured")]
    NothingMeasured,
    /// The executions belong to several compositions.
    #[error("the executions belong to compositions with {0} and with {1} frames")]
    MixedFrames(NonZeroU64, NonZeroU64),
    /// One count does not show what depends on the count.
    #[error("only one chunk count was measured ({0}): the time of another count can't be predicted")]
    OneCount(ChunkCount),
    /// Parts can't be relative to zero.
    #[error("the executions with {0} chunks took no time")]
    NoTime(ChunkCount),
}

/// The measurements at one chunk count: medians of its executions, so that one outlier changes
/// nothing and each count has the same weight, however often it ran. The differences (dispatch,
/// beyond the median) are calculated for each execution first.
///
/// Medians of the warm executions when there are any, otherwise of the cold ones: a cold start
/// depends on the environment, not on the count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    pub chunks: ChunkCount,
    /// The number of executions.
    pub samples: usize,
    /// Whether they are the cold ones, because there were no others.
    pub cold: bool,
    pub wall_ms: f64,
    /// Until the end of Plan, ms.
    pub plan_ms: f64,
    /// The time between Plan and Assemble in excess of the slowest chunk, ms.
    pub dispatch_ms: f64,
    pub median_chunk_ms: f64,
    /// How much longer the slowest chunk took than the median one, ms.
    pub beyond_median_ms: f64,
    /// After the last chunk, ms.
    pub assemble_ms: f64,
    /// The run time of all calls, ms.
    pub function_ms: f64,
    /// Calls of the function.
    pub requests: f64,
    pub transitions: f64,
}

impl Measured {
    fn of(chunks: ChunkCount, all: &[&Observation]) -> Option<Self> {
        let cold = all.iter().all(|seen| seen.cold);
        let used: Vec<&Observation> = all.iter().copied().filter(|seen| seen.cold == cold).collect();
        let of = |part: fn(&Observation) -> f64| median(&used.iter().map(|seen| part(seen)).collect::<Vec<f64>>());
        Some(Self {
            chunks,
            samples: used.len(),
            cold,
            wall_ms: of(|seen| seen.wall_ms as f64)?,
            plan_ms: of(|seen| seen.plan_ms as f64)?,
            dispatch_ms: of(|seen| seen.chunks_ms.saturating_sub(seen.slowest_chunk_ms) as f64)?,
            median_chunk_ms: of(|seen| seen.median_chunk_ms)?,
            beyond_median_ms: of(|seen| (seen.slowest_chunk_ms as f64 - seen.median_chunk_ms).max(0.0))?,
            assemble_ms: of(|seen| seen.assemble_ms as f64)?,
            function_ms: of(|seen| seen.function_ms as f64)?,
            requests: of(|seen| seen.requests as f64)?,
            transitions: of(|seen| seen.transitions as f64)?,
        })
    }
}

/// The measurements of one composition, by chunk count.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    pub frames: NonZeroU64,
    /// Each count once, in ascending order; a new sweep has at least one.
    pub counts: Vec<Measured>,
}

impl Sweep {
    /// Summarizes the executions of one composition.
    ///
    /// # Errors
    /// See [`Unfit`]; one count is not an error yet.
    pub fn new(observations: &[Observation]) -> Result<Self, Unfit> {
        let frames = observations.first().ok_or(Unfit::NothingMeasured)?.frames;
        if let Some(other) = observations.iter().find(|seen| seen.frames != frames) {
            return Err(Unfit::MixedFrames(frames, other.frames));
        }
        let mut by_count: BTreeMap<ChunkCount, Vec<&Observation>> = BTreeMap::new();
        for seen in observations {
            by_count.entry(seen.chunks).or_default().push(seen);
        }
        let counts: Vec<Measured> = by_count.iter().filter_map(|(chunks, all)| Measured::of(*chunks, all)).collect();
        match counts.iter().find(|count| count.wall_ms <= 0.0 || count.function_ms <= 0.0) {
            Some(timeless) => Err(Unfit::NoTime(timeless.chunks)),
            None => Ok(Self { frames, counts }),
        }
    }

    #[must_use]
    pub fn without(&self, chunks: ChunkCount) -> Self {
        let counts = self.counts.iter().filter(|count| count.chunks != chunks).copied().collect();
        Self { frames: self.frames, counts }
    }
}

#[cfg(test)]
mod report_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::scaling::synthetic::{AWS, sampled};

    #[test]
    fn warm_executions_represent_a_count_and_cold_ones_when_there_are_no_others() {
        let [mut cold, warm, mut alone] = [sampled(&AWS, 4), sampled(&AWS, 4), sampled(&AWS, 8)];
        (cold.cold, cold.plan_ms, alone.cold) = (true, 60_000, true);
        let sweep = Sweep::new(&[alone, cold, warm]).unwrap();
        let found: Vec<_> = sweep.counts.iter().map(|c| (c.chunks.get(), c.samples, c.cold)).collect();
        assert_eq!(found, [(4, 1, false), (8, 1, true)]);
        assert_eq!(sweep.counts[0].plan_ms, warm.plan_ms as f64);
    }

    #[test]
    fn the_median_represents_three_executions() {
        let mut three = [sampled(&AWS, 4); 3];
        (three[0].wall_ms, three[2].wall_ms) = (1, 1_000_000);
        let sweep = Sweep::new(&three).unwrap();
        assert_eq!((sweep.counts[0].wall_ms, sweep.counts[0].samples), (three[1].wall_ms as f64, 3));
    }

    #[test]
    fn executions_without_a_model() {
        let [seen, mut other, mut timeless] = [sampled(&AWS, 4); 3];
        other.frames = NonZeroU64::MIN;
        timeless.wall_ms = 0;
        assert_eq!(Sweep::new(&[]), Err(Unfit::NothingMeasured));
        assert_eq!(Sweep::new(&[seen, other]), Err(Unfit::MixedFrames(seen.frames, other.frames)));
        assert_eq!(Sweep::new(&[timeless]), Err(Unfit::NoTime(seen.chunks)));
    }
}
