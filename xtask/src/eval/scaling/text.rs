//! The scaling report as a few lines of text.

use std::fmt;

use crate::{
    console::text::{Align, columns, counted},
    eval::scaling::{
        Scaling,
        model::PerChunk,
        predict::{Among, Choice, Distrust, Prediction, PredictionError, Standing, TRUSTED_UP_TO_PERCENT},
    },
};

const HEADER: [&str; 7] = ["chunks", "predicted", "likely", "USD", "measured", "off", "left out"];

impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<String> = self.measured.iter().map(|at| at.chunks.to_string()).collect();
        writeln!(f, "{} frames, measured at {} chunks{}", self.frames, counts.join(", "), self.cold_note())?;
        self.parts(f)?;
        self.table(f)?;
        let chosen = &self.recommendation;
        writeln!(f, "fastest: {}", chosen.fastest)?;
        writeln!(f, "cheapest within 10 % of it: {}", chosen.cheapest_near_fastest)?;
        write!(f, "{}", chosen.among)
    }
}

impl Scaling {
    fn cold_note(&self) -> String {
        let cold: Vec<String> = self.measured.iter().filter(|at| at.cold).map(|at| at.chunks.to_string()).collect();
        if cold.is_empty() { String::new() } else { format!(" (only cold at {})", cold.join(", ")) }
    }

    fn parts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = &self.model;
        let chunk = &model.chunk;
        writeln!(f, "  Plan      {}", model.plan_ms)?;
        writeln!(
            f,
            "  chunk     {:.0} ms + {:.1} ms per frame + {:.1} ms x chunks (the median one)",
            chunk.startup_ms, chunk.per_frame_ms, chunk.contention_ms
        )?;
        writeln!(f, "  slowest   x (1 + {:.3} sqrt(2 ln chunks))", model.imbalance)?;
        writeln!(f, "  Map       {:.1} ms x chunks", model.dispatch_ms_per_chunk)?;
        writeln!(f, "  Assemble  {}", model.assemble_ms)
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.predictions.iter().map(|prediction| self.row(prediction));
        let lines: Vec<[String; 7]> = std::iter::once(HEADER.map(str::to_owned)).chain(rows).collect();
        writeln!(f, "{}", columns(&lines, Align::Right))
    }

    fn row(&self, prediction: &Prediction) -> [String; 7] {
        let chunks = prediction.chunks;
        let off = |errors: &[PredictionError]| {
            let error = errors.iter().find(|error| error.chunks == chunks);
            error.map_or_else(String::new, |error| percent(error.wall_percent))
        };
        let measured = self.measured.iter().find(|at| at.chunks == chunks);
        [
            chunks.to_string(),
            seconds(prediction.wall_ms),
            prediction.likely(),
            format!("{:.5}", prediction.usd),
            measured.map_or_else(|| prediction.standing.to_string(), |at| seconds(at.wall_ms)),
            off(&self.residuals),
            off(&self.left_out),
        ]
    }
}

impl Prediction {
    /// The likely range, in seconds; empty where the model was not checked.
    pub(crate) fn likely(&self) -> String {
        let text = |[least, most]: [f64; 2]| format!("{:.1} - {}", least / 1000.0, seconds(most));
        self.likely_ms.map_or_else(String::new, text)
    }
}

impl fmt::Display for PerChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} ms + {:.1} ms x chunks", self.fixed, self.per_chunk)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Measured => "measured",
            Self::Interpolated => "interpolated",
            Self::Extrapolated => "extrapolated",
        })
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chunks, wall_ms, usd, standing } = self;
        write!(f, "{}, {}, {usd:.5} USD ({standing})", counted(chunks, "chunk"), seconds(*wall_ms))
    }
}

impl fmt::Display for Among {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Predictions { worst } => write!(f, "chosen among all predictions: {}", off(worst)),
            Self::Measured(why) => write!(f, "chosen among the measured counts only: {why}"),
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Emulator => f.write_str("an emulator's chunks share one machine, and Lambda's do not"),
            Self::TooFewCounts => f.write_str("with fewer than 3 counts a model can't be checked by leaving one out"),
            Self::Error(worst) => f.write_str(&off(worst)),
            Self::NoCandidates => f.write_str("no chunk count can split that many frames"),
        }
    }
}

/// The worst error of leave-one-out.
fn off(worst: &PredictionError) -> String {
    let (chunks, off) = (counted(worst.chunks, "chunk"), percent(worst.wall_percent));
    format!("a model without {chunks} has the worst error, {off} (limit {TRUSTED_UP_TO_PERCENT:.0} %)")
}

/// A signed percentage; -0 becomes +0.0.
fn percent(off: f64) -> String {
    format!("{:+.1} %", (off * 10.0).round() / 10.0 + 0.0)
}

fn seconds(ms: f64) -> String {
    format!("{:.1} s", ms / 1000.0)
}
