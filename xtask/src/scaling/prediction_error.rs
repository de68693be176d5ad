//! How far off the model is where it was measured.

use serde::{Deserialize, Serialize};

use super::{Measured, Model, Rates, Sweep};
use crate::chunking::ChunkCount;

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
