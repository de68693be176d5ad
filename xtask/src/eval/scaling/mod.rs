//! How wall-clock and cost depend on the number of chunks. Pure.
//!
//! A sweep measures a composition at a few counts. A model of the parts of an
//! execution, fitted to it, predicts the others, says how far off it would have been at
//! each measured count without having seen it, and recommends a count.
//!
//! The parts follow the workflow: Plan, the slowest chunk, what the Map adds, Assemble.
//! The Map starts all chunks at once (its `MaxConcurrency` is the chunk count), so the
//! chunks take what the slowest takes.

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
    predict::{Prediction, PredictionError, Recommendation, candidates, left_out, residuals, worst},
};

// All that a sweep tells of scaling.

/// A model of one composition, how far to trust it, and what to make of it. Shown as text
/// for the terminal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scaling {
    /// The composition's frames.
    pub frames: NonZeroU64,
    /// What was measured, by ascending count.
    pub measured: Vec<Measured>,
    /// The model fitted to all of it.
    pub model: Model,
    /// How far off it is at each of them.
    pub residuals: Vec<PredictionError>,
    /// The worst of these.
    pub worst_residual: PredictionError,
    /// How far off it is at each when fitted to the others; empty of two counts.
    pub left_out: Vec<PredictionError>,
    /// The worst of these.
    pub worst_left_out: Option<PredictionError>,
    /// The counts to take.
    pub recommendation: Recommendation,
    /// At the measured and the recommended counts, and at the greatest that a plan can make up
    /// to 1, 2, 4, ..., 256 each; ascending.
    pub predictions: Vec<Prediction>,
}

impl Scaling {
    /// Fits and checks a model, and recommends.
    ///
    /// # Errors
    /// Where there can be no model, see [`Unfit`].
    pub fn of(observations: &[Observation], rates: &Rates) -> Result<Self, Unfit> {
        let sweep = Sweep::new(observations)?;
        let model = Model::fit(&sweep, rates)?;
        let (residuals, left_out) = (residuals(&model, &sweep), left_out(&sweep, rates));
        let recommendation = Recommendation::of(&model, &sweep, &left_out).ok_or(Unfit::NothingMeasured)?;
        Ok(Self {
            frames: sweep.frames(),
            measured: sweep.counts().to_vec(),
            worst_residual: worst(&residuals).ok_or(Unfit::NothingMeasured)?,
            residuals,
            worst_left_out: worst(&left_out),
            left_out,
            predictions: shown(&model, &recommendation),
            recommendation,
            model,
        })
    }
}

/// The measured and the recommended counts, and the greatest that a plan can make up to
/// each power of two.
fn shown(model: &Model, recommendation: &Recommendation) -> Vec<Prediction> {
    let all: Vec<ChunkCount> = candidates(model.frames).collect();
    let up_to = |most: u16| all.iter().copied().filter(move |chunks| chunks.get() <= most).max();
    let landmarks: Vec<ChunkCount> = (0..=8).filter_map(|power| up_to(1 << power)).collect();
    let recommended = [recommendation.fastest.chunks, recommendation.cheapest_near_fastest.chunks];
    let is_shown =
        |chunks: &&_| recommended.contains(chunks) || model.measured.contains(chunks) || landmarks.contains(chunks);
    all.iter().filter(is_shown).map(|chunks| model.predict(*chunks)).collect()
}

// Executions at a few chunk counts, summed up by count.

/// Why there is no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Nothing to fit it to.
    #[error("no execution was measured")]
    NothingMeasured,
    /// They belong to several compositions.
    #[error("the executions are of compositions of {0} and of {1} frames")]
    MixedFrames(NonZeroU64, NonZeroU64),
    /// One count doesn't tell what depends on it.
    #[error("only one chunk count was measured ({0}): what another would take can't be told")]
    OneCount(ChunkCount),
    /// A part relative to nothing has no meaning.
    #[error("the executions with {0} chunks took no time")]
    NoTime(ChunkCount),
}

/// What was measured at one chunk count: medians over its executions, so that one
/// outlier moves none and each count weighs the same, however often it ran. The
/// differences (dispatch, beyond the median) are taken in each execution first.
///
/// Over the warm executions where there are any, over the cold ones otherwise: a cold
/// start belongs to the environment, not to the count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// The count.
    pub chunks: ChunkCount,
    /// Over how many executions the medians are.
    pub samples: usize,
    /// They are the cold ones, as there were no others.
    pub cold: bool,
    /// Wall-clock, ms.
    pub wall_ms: f64,
    /// To the end of Plan, ms.
    pub plan_ms: f64,
    /// Between Plan and Assemble beyond the slowest chunk, ms.
    pub dispatch_ms: f64,
    /// The median chunk, ms.
    pub median_chunk_ms: f64,
    /// How much longer than the median the slowest chunk took, ms.
    pub beyond_median_ms: f64,
    /// After the last chunk, ms.
    pub assemble_ms: f64,
    /// The run time of all calls, ms.
    pub function_ms: f64,
    /// Calls of the function.
    pub requests: f64,
    /// State transitions.
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

/// What was measured of one composition, by chunk count.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    frames: NonZeroU64,
    counts: Vec<Measured>,
}

impl Sweep {
    /// Sums up executions of one composition.
    ///
    /// # Errors
    /// See [`Unfit`]; one count is no error yet.
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

    /// The composition's frames.
    pub fn frames(&self) -> NonZeroU64 {
        self.frames
    }

    /// Each count once, in ascending order; at least one of a new sweep.
    pub fn counts(&self) -> &[Measured] {
        &self.counts
    }

    /// The same without one count.
    #[must_use]
    pub fn without(&self, chunks: ChunkCount) -> Self {
        let counts = self.counts.iter().filter(|count| count.chunks != chunks).copied().collect();
        Self { frames: self.frames, counts }
    }
}

#[cfg(test)]
mod report_tests;

#[cfg(test)]
mod sweep_tests {
    use super::*;
    use crate::eval::scaling::synthetic::{AWS, sampled};

    #[test]
    fn warm_executions_stand_for_a_count_and_cold_ones_where_there_are_no_others() {
        let [mut cold, warm, mut alone] = [sampled(&AWS, 4), sampled(&AWS, 4), sampled(&AWS, 8)];
        (cold.cold, cold.plan_ms, alone.cold) = (true, 60_000, true);
        let sweep = Sweep::new(&[alone, cold, warm]).unwrap();
        let found: Vec<_> = sweep.counts().iter().map(|c| (c.chunks.get(), c.samples, c.cold)).collect();
        assert_eq!(found, [(4, 1, false), (8, 1, true)]);
        assert_eq!(sweep.counts()[0].plan_ms, warm.plan_ms as f64);
    }

    #[test]
    fn the_median_of_three_stands_for_them() {
        let mut three = [sampled(&AWS, 4); 3];
        (three[0].wall_ms, three[2].wall_ms) = (1, 1_000_000);
        let sweep = Sweep::new(&three).unwrap();
        assert_eq!((sweep.counts()[0].wall_ms, sweep.counts()[0].samples), (three[1].wall_ms as f64, 3));
    }

    #[test]
    fn what_no_model_can_be_made_of() {
        let [seen, mut other, mut timeless] = [sampled(&AWS, 4); 3];
        other.frames = NonZeroU64::MIN;
        timeless.wall_ms = 0;
        assert_eq!(Sweep::new(&[]), Err(Unfit::NothingMeasured));
        assert_eq!(Sweep::new(&[seen, other]), Err(Unfit::MixedFrames(seen.frames, other.frames)));
        assert_eq!(Sweep::new(&[timeless]), Err(Unfit::NoTime(seen.chunks)));
    }
}
