//! Which chunk count to take.

use serde::{Deserialize, Serialize};

use super::{Model, PredictionError, Standing, Sweep, candidates, worst};
use crate::chunking::ChunkCount;

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
