//! All that a sweep tells of scaling.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::{
    Measured, Model, Observation, Prediction, PredictionError, Rates, Recommendation, Sweep, Unfit, candidates,
    left_out, residuals, worst,
};
use crate::chunking::ChunkCount;

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

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
